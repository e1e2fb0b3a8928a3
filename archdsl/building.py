"""From a target to Python source: its graph, the passes over it, the text."""

from importlib.metadata import version

from archdsl.targets import Target
from archdsl_compiler.emit.source import Note, emit
from archdsl_compiler.graph import Module
from archdsl_compiler.passes.contract import pipeline

_SOURCES: dict[int, tuple[Module, str]] = {}


def source_of(target: Target) -> str:
    """The Python source of a target; made once for a graph."""
    graph = target.graph()
    known = _SOURCES.get(id(graph))
    if known is None:
        known = _SOURCES[id(graph)] = (graph, emitted(target, pipeline().apply(graph)))
    return known[1]


def emitted(target: Target, graph: Module) -> str:
    """The source of a graph that passes made of a target's."""
    return emit(graph, Note(target.name, f"Made by archdsl {version('archdsl')} from {target.shown}."))
