"""From a target to a model that runs: its graph, the passes over it, the Python source, and the module that this makes."""

from importlib.metadata import version
from typing import TYPE_CHECKING

from archdsl.targets import Target, TargetLike, open_target
from archdsl_compiler.emit.source import Note, emit
from archdsl_compiler.graph import Module
from archdsl_compiler.passes.contract import pipeline

if TYPE_CHECKING:
    from torch import nn

_SOURCES: dict[int, tuple[Module, str]] = {}


def build(target: TargetLike, **settings: object) -> "nn.Module":
    """The model of a target, with new weights."""
    from archdsl_compiler.emit.execute import instantiate

    return instantiate(source_of(open_target(target, settings=settings)))


def source_of(target: Target) -> str:
    """The Python source of a target; made once for a graph."""
    graph = target.graph()
    known = _SOURCES.get(id(graph))
    if known is None:
        made_by = f"Made by archdsl {version('archdsl')} from {target.shown}."
        text = emit(pipeline().apply(graph), Note(target.name, made_by))
        known = _SOURCES[id(graph)] = (graph, text)
    return known[1]
