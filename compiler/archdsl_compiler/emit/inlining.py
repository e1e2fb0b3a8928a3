"""Which values are written where they are read, instead of getting a variable: those that are read once, in the same
block, where the line stays short."""

from collections.abc import Iterator, Mapping, Sequence
from typing import TypeVar, cast

from archdsl_compiler.emit.code import (
    Apply,
    Expression,
    Number,
    Part,
    Use,
    literal,
    parts,
    render,
    replace,
    values_in,
)
from archdsl_compiler.emit.layout import WIDTH
from archdsl_compiler.emit.lifted import Cycle, Line
from archdsl_compiler.emit.words import reached
from archdsl_compiler.graph import leaves

DEEPEST = 4
MARGIN = 7
"""For the variable, and for names that are longer than the one letter that stands for them here."""

_Item = TypeVar("_Item", bound=Line | Cycle)


def codes_of(item: Line | Cycle) -> tuple[Expression, ...]:
    return (item.code,) if isinstance(item, Line) else tuple(line.code for line in item.body)


def reads_of(item: Line | Cycle) -> Iterator[int]:
    for code in codes_of(item):
        yield from values_in(code)


def gives_of(item: Line | Cycle) -> set[int]:
    """The values that an item gives, those of a loop's first and last pass."""
    if isinstance(item, Line):
        return set(leaves(item.targets))
    return {value for line in item.body for value in leaves(line.targets)} | {last for _, last in item.exits}


def leading_to(wanted: set[int], items: Sequence[Line | Cycle]) -> list[Line | Cycle]:
    """The items without which some value would be missing."""
    missing, kept = set(wanted), list[Line | Cycle]()
    for item in reversed(items):
        if missing.intersection(gives_of(item)):
            kept.append(item)
            missing.update(reads_of(item))
    return kept[::-1]


def instead(line: Line) -> int | None:
    """The value that goes on where a guarded line does not run."""
    return next(iter(values_in(line.code)), None)


def with_inlined(items: Sequence[_Item], kept: frozenset[int], indent: int, names: Mapping[int, str]) -> list[_Item]:
    """The items with what can be written in place written there; `kept` are values that need their variables, `names`
    what the source calls values."""
    readers: dict[int, int] = {}
    for item in items:
        for value in reads_of(item):
            readers[value] = readers.get(value, 0) + 1
    held = set(kept)
    for item in items:
        if isinstance(item, Cycle):
            held |= {*reads_of(item), *(entry for entry, _ in item.carried)}
        elif item.guard is not None and (value := instead(item)) is not None:
            held.add(value)
    pending: dict[int, Line] = {}
    result: list[_Item] = []
    for item in items:
        if isinstance(item, Cycle):
            result.append(item)
            continue
        code = item.code
        for value in sorted(set(values_in(code)), reverse=True):
            found = pending.pop(value, None)
            if found is None or found.guard != item.guard:
                continue
            trial = _written_in(code, value, found.code)
            if _fits(trial, indent, names):
                code = trial
                result = [other for other in result if other is not found]
        line = Line(item.targets, code, item.guard, item.types)
        result.append(cast(_Item, line))
        outputs = tuple(leaves(item.targets))
        if not isinstance(item.targets, tuple) and readers.get(outputs[0], 0) == 1 and outputs[0] not in held:
            pending[outputs[0]] = line
    return result


def _written_in(code: Expression, value: int, inner: Expression) -> Expression:
    return replace(code, lambda part: inner if part == Use(value) else None)


def _fits(code: Expression, indent: int, names: Mapping[int, str]) -> bool:
    """Whether code is readable: one line, not too deep."""

    def rough(part: Expression) -> str:
        match part:
            case Part():
                return reached("self", part.label.split("."))
            case Number():
                return literal(part.value)
            case Use():
                return names.get(part.value, "x")
            case _:
                return "x"

    return len(render(code, rough)) + indent + MARGIN <= WIDTH and _depth(code) <= DEEPEST


def _depth(code: Expression) -> int:
    inner = max((_depth(part) for part in parts(code)), default=0)
    return inner + (1 if isinstance(code, Apply) else 0)
