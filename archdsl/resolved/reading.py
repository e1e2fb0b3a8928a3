"""What a declaration of a file says of names: which of the file's top level it reads, and which it binds itself."""

from collections.abc import Iterator
from functools import lru_cache
from pathlib import Path
from typing import TypeAlias

from archdsl.meaning.declared import Declared, Unit
from archdsl.meaning.file_names import axes
from archdsl.meaning.values import Component, Composed, Decided, Placed, Value, Wrapped
from archdsl.resources import resource
from archdsl.syntax import nodes
from archdsl.syntax.descent import below, children

LIBRARIES = ("std", "zoo")
"""What a resolved file may import from; everything else is written out."""

Key: TypeAlias = tuple[Unit, str]
"""A name at the top level of the file that defines it."""
MOST_KEPT = 1024
"""Definitions whose names are remembered: candidates of one space are made of the same ones."""
Definition: TypeAlias = nodes.Declaration | nodes.Extern | nodes.Let


def library_of(unit: Unit) -> str:
    """The path by which a file of the libraries is imported; empty for all others. The file that a command was given
    may be one of them too."""
    if unit.module.partition(".")[0] in LIBRARIES:
        return unit.module
    return "" if unit.module else _shipped(unit.source.name)


@lru_cache(maxsize=MOST_KEPT)
def _shipped(name: str) -> str:
    try:
        real = Path(name).resolve()
    except (OSError, RuntimeError, ValueError):
        return ""
    for library in LIBRARIES:
        folder = resource(library).resolve()
        if real.is_relative_to(folder):
            return ".".join((library, *real.relative_to(folder).with_suffix("").parts))
    return ""


def defined(unit: Unit, name: str) -> Key | None:
    """Where a name that a file knows is defined, through imports; None for a name of the language."""
    while name not in unit.declarations and name not in unit.lets:
        other, original = unit.imports.get(name, (None, ""))
        if other is None:
            return None
        unit, name = other, original
    return unit, name


def definition(key: Key) -> Definition:
    unit, name = key
    return unit.declarations[name].node if name in unit.declarations else unit.lets[name]


@lru_cache(maxsize=MOST_KEPT)
def bound(key: Key) -> frozenset[str]:
    """The names that a definition binds for itself."""
    item = definition(key)
    found: set[str] = set()
    for part in below(item):
        match part:
            case nodes.Declaration() | nodes.Extern():
                found.update(setting.name.text for setting in part.settings or ())
                found.update(tensor.name.text for tensor in part.tensors or ())
                found.update(axis.text for axis in axes(part.tensors or ()))
                if part.tensors is None:
                    found.add("x")
            case nodes.Let() if part is not item:
                found.update(target.text for target in part.targets)
            case nodes.For():
                found.update(target.text for target in part.targets)
            case _:
                pass
    return frozenset(found)


@lru_cache(maxsize=MOST_KEPT)
def read(key: Key) -> tuple[nodes.Name, ...]:
    """The names that a definition reads from outside of it."""
    return tuple(_free(definition(key), bound(key)))


def _free(node: nodes.Node, hidden: frozenset[str]) -> Iterator[nodes.Name]:
    """Names that nothing binds. A comprehension's variables are its own and may hide others."""
    if isinstance(node, nodes.Name):
        if node.text not in hidden:
            yield node
        return
    if isinstance(node, nodes.Listing):
        inner = hidden | {target.text for clause in node.clauses for target in clause.targets}
        yield from _free(node.clauses[0].iterable, hidden)
        for position, clause in enumerate(node.clauses):
            if position:
                yield from _free(clause.iterable, inner)
            if clause.condition is not None:
                yield from _free(clause.condition, inner)
        yield from _free(node.element, inner)
        return
    for child in children(node):
        yield from _free(child, hidden)


@lru_cache(maxsize=MOST_KEPT)
def named_by_author(unit: Unit) -> dict[tuple[int, int], tuple[str, ...]]:
    """What a file calls the results of its calls, by where these stand in the text."""
    found: dict[tuple[int, int], tuple[str, ...]] = {}
    for item in unit.tree.items:
        for part in below(item) if isinstance(item, nodes.Declaration) else ():
            if isinstance(part, nodes.Let | nodes.Assign):
                last = part.value
                while isinstance(last, nodes.Pipe | nodes.Labelled):
                    last = last.right if isinstance(last, nodes.Pipe) else last.operand
                targets = part.targets if isinstance(part, nodes.Let) else (part.name,)
                found[last.span.start, last.span.end] = tuple(target.text for target in targets)
    return found


def reached(keys: Iterator[Key] | list[Key]) -> list[Key]:
    """These definitions and all that they read, directly or not; libraries without choices are not followed."""
    found: dict[Key, None] = {}
    waiting = list(keys)
    while waiting:
        key = waiting.pop()
        if key in found:
            continue
        found[key] = None
        if library_of(key[0]) and not _may_choose(key[0]):
            continue
        for name in read(key):
            following = defined(key[0], name.text)
            if following is not None:
                waiting.append(following)
    return list(found)


@lru_cache(maxsize=MOST_KEPT)
def chooses(key: Key) -> bool:
    """Whether the text of a definition has a choice in it."""
    item = definition(key)
    return "choose" in item.span.text and any(isinstance(part, nodes.Choose) for part in below(item))


@lru_cache(maxsize=MOST_KEPT)
def _may_choose(unit: Unit) -> bool:
    """Whether there is a choice in a file or in those that it imports; told from their texts."""
    seen: set[Unit] = set()
    waiting = [unit]
    while waiting:
        at = waiting.pop()
        if at in seen:
            continue
        seen.add(at)
        if "choose(" in at.source.text:
            return True
        waiting += [other for other, _ in at.imports.values() if other is not None]
    return False


def declared_in(value: Value) -> Iterator[Key]:
    """The declarations that a value is made of."""
    match value:
        case Component():
            if isinstance(value.callee, Declared):
                yield value.callee.unit, value.callee.name
            for _, inner in value.settings:
                yield from declared_in(inner)
        case Composed():
            for step in value.steps:
                yield from declared_in(step.component)
        case Wrapped() | Placed():
            yield from declared_in(value.inner)
        case Decided():
            yield from declared_in(value.space)
        case tuple():
            for item in value:
                yield from declared_in(item)
        case _:
            pass
