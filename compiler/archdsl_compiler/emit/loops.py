"""Runs of equal steps become loops again.

A pass of a loop is a run of steps; the next pass must be the same code on the parts one place further (`blocks.0`,
`blocks.1`), reading what it reads from before the loop, from itself, or from the pass before."""

from collections.abc import Hashable, Sequence
from dataclasses import dataclass, replace
from typing import TypeAlias

from archdsl_compiler.emit.code import Expression, Number, Part, Use
from archdsl_compiler.emit.skeleton import Leaf, leaves_of, refilled, same, skeleton_of
from archdsl_compiler.emit.steps import Step

LONGEST_PASS = 12


@dataclass(frozen=True, slots=True)
class Loop:
    """`body` is the first pass, with its values; `carried` pairs what a pass reads with what the pass before it gave;
    `exits` pairs values of the first pass with those of the last, by which the rest of the module knows them."""

    body: tuple[Step, ...]
    count: int
    carried: tuple[tuple[int, int], ...]
    exits: tuple[tuple[int, int], ...]


Item: TypeAlias = Step | Loop


@dataclass(frozen=True, slots=True)
class _Seen:
    """A step with what comparing it needs."""

    step: Step
    shape: Hashable
    leaves: tuple[Leaf, ...]
    outputs: tuple[int, ...]

    @property
    def parts(self) -> bool:
        return any(isinstance(leaf, Part) for leaf in self.leaves)


def rolled(steps: Sequence[Step], wanted: frozenset[int]) -> list[Item]:
    """The steps with loops for their runs; `wanted` are values that are read after all steps."""
    readers: dict[int, int] = {}
    for position, step in enumerate(steps):
        for value in step.uses:
            readers[value] = position
    for value in wanted:
        readers[value] = len(steps)
    items: list[Item] = []
    position = 0
    seen = [
        _Seen(step, (skeleton_of(step.code), _form(step.targets)), leaves_of(step.code), step.outputs) for step in steps
    ]
    while position < len(steps):
        found = _loop_at(seen, position, readers)
        if found is None:
            items.append(steps[position])
            position += 1
        else:
            items.append(found)
            position += found.count * len(found.body)
    return items


def _loop_at(steps: Sequence[_Seen], start: int, readers: dict[int, int]) -> Loop | None:
    best: Loop | None = None
    for length in range(1, min(LONGEST_PASS, (len(steps) - start) // 2) + 1):
        if steps[start].shape != steps[start + length].shape:
            continue
        if not any(step.parts for step in steps[start : start + length]):
            continue
        found = _passes(steps, start, length, readers)
        if found is not None and (best is None or found.count * length > best.count * len(best.body)):
            best = found
    return best


def _passes(steps: Sequence[_Seen], start: int, length: int, readers: dict[int, int]) -> Loop | None:
    """The loop whose passes have so many steps, as long as it goes."""
    body = steps[start : start + length]
    inside = {value: (k, n) for k, step in enumerate(body) for n, value in enumerate(step.outputs)}
    carried: dict[int, tuple[int, int]] = {}
    fixed: set[int] = set()
    places: dict[tuple[int, int], int] = {}
    columns: list[list[list[object]]] = [[[leaf] for leaf in step.leaves] for step in body]
    count = 1
    while start + (count + 1) * length <= len(steps):
        later = steps[start + count * length : start + (count + 1) * length]
        before = steps[start + (count - 1) * length : start + count * length]
        trial = (dict(carried), set(fixed), dict(places))
        if not _fits(body, later, before, count, inside, *trial):
            break
        carried, fixed, places = trial
        for k, step in enumerate(later):
            for column, leaf in zip(columns[k], step.leaves, strict=True):
                column.append(leaf)
        count += 1
    while count > 1 and not _closed(steps, start, length, count, readers):
        count -= 1
    if count < 2 or not places:
        return None
    last = steps[start + (count - 1) * length : start + count * length]
    merged: list[Step] = []
    for k, step in enumerate(body):
        filled: list[Expression] = []
        for n, column in enumerate(columns[k]):
            leaf = column[0]
            if isinstance(leaf, Number):
                values = [c.value for c in column[:count] if isinstance(c, Number)]
                if not all(same(value, values[0]) for value in values):
                    return None
                filled.append(leaf)
            elif isinstance(leaf, Part):
                filled.append(Part(leaf.label, places.get((k, n), -1)))
            else:
                assert isinstance(leaf, Use)
                filled.append(leaf)
        merged.append(replace(step.step, code=refilled(step.step.code, filled), made=()))
    outputs = [(v, w) for a, b in zip(body, last, strict=True) for v, w in zip(a.outputs, b.outputs, strict=True)]
    produced = {position: value for value, position in inside.items()}
    pairs = tuple((entry, produced[position]) for entry, position in carried.items())
    return Loop(tuple(merged), count, pairs, tuple(outputs))


def _fits(
    body: Sequence[_Seen],
    later: Sequence[_Seen],
    before: Sequence[_Seen],
    number: int,
    inside: dict[int, tuple[int, int]],
    carried: dict[int, tuple[int, int]],
    fixed: set[int],
    places: dict[tuple[int, int], int],
) -> bool:
    """Whether steps are pass `number` of the loop; notes what is carried, what stays, and which parts move on."""
    for k, (first, step) in enumerate(zip(body, later, strict=True)):
        if first.shape != step.shape:
            return False
        for n, (mine, theirs) in enumerate(zip(first.leaves, step.leaves, strict=True)):
            if isinstance(mine, Part) and isinstance(theirs, Part):
                if mine.label == theirs.label:
                    if (k, n) in places:
                        return False
                    continue
                place = _moved(mine.label, theirs.label, number)
                if place < 0 or places.setdefault((k, n), place) != place:
                    return False
            elif isinstance(mine, Use) and isinstance(theirs, Use):
                own, other = mine.value, theirs.value
                if own in inside:
                    k2, n2 = inside[own]
                    if later[k2].outputs[n2] != other:
                        return False
                elif own == other:
                    if own in carried:
                        return False
                    fixed.add(own)
                else:
                    if own in fixed:
                        return False
                    at = next(
                        ((a, b) for a, s in enumerate(before) for b, v in enumerate(s.outputs) if v == other), None
                    )
                    if at is None or carried.setdefault(own, at) != at:
                        return False
    return True


def _form(structure: object) -> object:
    return tuple(map(_form, structure)) if isinstance(structure, tuple) else "value"  # pyright: ignore[reportUnknownVariableType, reportUnknownArgumentType]


def _moved(first: str, later: str, by: int) -> int:
    """The segment of a label that is `by` places further, where all others are equal; -1 if there is none. The first
    one names a part of the module itself, which is no list that a loop could run through."""
    a, b = first.split("."), later.split(".")
    if len(a) != len(b):
        return -1
    differing = [i for i, (x, y) in enumerate(zip(a, b, strict=True)) if x != y]
    if len(differing) != 1:
        return -1
    i = differing[0]
    if i == 0 or not (a[i].isdigit() and b[i].isdigit()):
        return -1
    return i if int(b[i]) - int(a[i]) == by else -1


def _closed(steps: Sequence[_Seen], start: int, length: int, count: int, readers: dict[int, int]) -> bool:
    """Whether nothing outside reads a value of a pass that is not the last, and inside only the pass after it does."""
    for number in range(count - 1):
        end = start + (number + 2) * length
        for step in steps[start + number * length : start + (number + 1) * length]:
            if any(readers.get(value, -1) >= end for value in step.outputs):
                return False
    return True
