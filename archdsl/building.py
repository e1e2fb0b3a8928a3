"""From a target to Python source: its graph, the passes over it, the text."""

from importlib.metadata import version

from archdsl.externs import check_externs
from archdsl.targets import Target
from archdsl_compiler.emit.source import Note, emit
from archdsl_compiler.graph import Module
from archdsl_compiler.passes.contract import BUILDING, Between, pipeline

FEATURES = ("keep-features", *BUILDING[:-1], "eliminate-dead-code{drop_state=true}")
"""The passes that leave what leads to the feature maps of the stages."""

MOST_MADE = 16
"""Of the graphs whose source is remembered: a search builds thousands."""
_MADE: dict[tuple[int, bool], tuple[Module, Module, str]] = {}


def source_of(target: Target) -> str:
    """The Python source of a target; made once for a graph."""
    return made_of(target)[1]


def made_of(target: Target, *, features_only: bool = False, between: Between | None = None) -> tuple[Module, str]:
    """The graph that the passes make of a target's, and its source; made once for a graph if nobody looks on."""
    graph = target.graph()
    check_externs(target, graph)
    key = id(graph), features_only
    if key not in _MADE or between is not None:
        made = pipeline(FEATURES if features_only else BUILDING, between).apply(graph)
        while len(_MADE) >= MOST_MADE:
            del _MADE[next(iter(_MADE))]
        _MADE[key] = graph, made, emitted(target, made)
    return _MADE[key][1:]


def emitted(target: Target, graph: Module, lines: tuple[str, ...] = (), *, channels_last: bool = False) -> str:
    """The source of a graph that passes made of a target's, with lines of its own in the head."""
    note = Note(target.name, f"Made by archdsl {version('archdsl')} from {target.shown}.", lines)
    return emit(graph, note, channels_last=channels_last)
