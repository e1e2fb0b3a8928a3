"""Candidates of every entry of a file, and graphs as they are compared: by all but names and places of the text."""

import random
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from archdsl.diagnostics.record import ArchError
from archdsl.meaning.conditions import Universe
from archdsl.meaning.declared import Declared
from archdsl.meaning.program import Program
from archdsl.meaning.roots import run_entry
from archdsl.meaning.run import Body, Fault, Frame, Session
from archdsl.meaning.scope import top_level
from archdsl.meaning.values import UNKNOWN, Component, Configured, Decided, Value, space_of
from archdsl.meaning.worlds import World
from archdsl.source import Span
from archdsl_compiler.graph import Module, ModuleCall, Structure

ATTEMPTS = 100
"""Candidates drawn before one that meets the requirements must have been found."""


@dataclass
class Drawer:
    """Takes decisions at random, but those that are taken already."""

    draw: random.Random
    known: dict[str, Value] = field(default_factory=dict[str, Value])
    drawn: dict[str, Value] = field(default_factory=dict[str, Value])

    def recall(self, path: str, offer: object = None) -> Value:
        return self.known.get(path, self.drawn.get(path, UNKNOWN))

    def __call__(self, path: str, names: tuple[Value, ...], allowed: tuple[int, ...], span: Span) -> int:
        if path in self.known:
            return names.index(self.known[path])
        option = self.draw.choice(allowed)
        self.drawn[path] = names[option]
        return option


def entry_of(program: Program, name: str) -> Component | Decided | None:
    """The model or space of a name; None where it is none or needs settings."""
    frame = Frame(Session(program.limits), World(Universe()), program.unit, Body(""))
    found = top_level(frame, program.unit, name)
    if found is None or not isinstance(found[0], Component | Decided):
        return None
    component = space_of(found[0])
    if not isinstance(component.callee, Declared) or not component.callee.kind.entry:
        return None
    given = dict(component.settings)
    complete = all(key in given or node.default is not None for key, node in component.callee.settings.items())
    return found[0] if complete else None


def entries(program: Program) -> list[str]:
    return [name for name in program.declarations if entry_of(program, name) is not None]


def genome(program: Program, name: str, seed: int) -> dict[str, Value]:
    """A random candidate that meets the requirements."""
    found = drawn(program, name, seed)
    assert found is not None
    return found


def drawn(program: Program, name: str, seed: int) -> dict[str, Value] | None:
    """A random candidate; None where none that meets the requirements was met."""
    entry = entry_of(program, name)
    assert entry is not None
    for attempt in range(ATTEMPTS):
        known = dict(entry.decisions) if isinstance(entry, Decided) else {}
        chooser = Drawer(random.Random(f"{name} {seed} {attempt}"), known)
        try:
            run_entry(Session(program.limits, chooser=chooser), entry, Span(program.unit.source, 0, 0))
        except (Fault, ArchError):
            continue
        return chooser.drawn
    return None


def compared(module: Module) -> Iterator[object]:
    """What two graphs that mean the same have in common; inputs that were left out need not be there."""
    yield module.kind, module.input_types, module.outputs, module.output_types, dict(module.exposed)
    yield [structure for _, structure in module.inputs if structure != -1]
    for call in module.calls:
        yield call.label, _given(call.inputs), call.outputs, call.first_output, call.wrappers
        if isinstance(call, ModuleCall):
            yield call.again
            yield from compared(call.module)
        else:
            settings = {key: _plain(value) for key, value in call.settings.items()}
            yield call.op.name, settings, dict(call.resolved), call.parameters, call.macs


def _given(inputs: tuple[Structure, ...]) -> list[Structure]:
    return [part for part in inputs if part != -1]


def _plain(value: object) -> object:
    return value.name if isinstance(value, Component | Configured) else value


def written(folder: Path, text: str) -> Path:
    path = folder / "resolved.arch"
    path.write_text(text, encoding="utf-8")
    return path
