"""Patterns of axes as the fewest and cheapest calls, with as few sizes in them as can be.

The names of both sides are a row each. Axes of the left are dropped, joined or split until a permutation gives the
order of the right; then axes are split, added, repeated and joined. Only splitting and repeating need sizes: of a group
that is split one part is always -1. Where an axis of size 1 is dropped on the left and a new one stands on the right,
they may be one axis that stays; all ways to pair them are tried, and that with the fewest calls is taken."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import reduce
from itertools import combinations, pairwise
from typing import cast

from archdsl_compiler.emit.code import Expression, Index, Number, Raw, Row, Slice, method
from archdsl_compiler.emit.forms.contract import CallView, symbolic
from archdsl_compiler.ops.checks import product
from archdsl_compiler.ops.patterns import Axis, parse, solve
from archdsl_compiler.sizes import Size, Symbolic, is_batch_dependent

MOST_PAIRINGS = 64

Group = tuple[str, ...]
"""The names in one axis, outermost first."""


@dataclass(frozen=True, slots=True)
class Names:
    """What is known of the names: their sizes, how the source wrote those that it gave, and which are new on the
    right. Names that stand for an axis of size 1 begin with a `1`."""

    sizes: Mapping[str, Size]
    hints: Mapping[str, str]
    given: frozenset[str]
    new: frozenset[str]


def by_pattern(view: CallView, *, repeats: bool) -> Expression:
    """`rearrange` or `repeat` of the tensor."""
    pattern = str(view.call.settings["pattern"])
    given = {name: cast(Size, size) for name, size in view.call.settings.items() if name != "pattern"}
    solution = solve(parse(pattern, repeats=repeats), view.type("x"), given, pattern)
    known = {name for axis in solution.left for name in axis.names}
    new = frozenset(name for axis in solution.right for name in axis.names if name not in known)
    names = Names(solution.sizes, view.call.hints, frozenset(given), new)
    sides = list(_paired(solution.left, solution.right, new))
    plans = [_plan(left, right, names) for left, right in sides]
    plans += [_tiled(left, right, names) for left, right in sides if new]
    best = min(plans, key=len)
    return reduce(lambda x, step: step.applied(x), best, view.input("x"))


@dataclass(frozen=True, slots=True)
class Call:
    """A method of the tensor; `[]` indexes it."""

    name: str
    arguments: tuple[Expression, ...]

    def applied(self, x: Expression) -> Expression:
        return Index(x, self.arguments) if self.name == "[]" else method(x, self.name, *self.arguments)


def _paired(
    left: Sequence[Axis], right: Sequence[Axis], new: frozenset[str]
) -> Iterator[tuple[list[Group], list[Group]]]:
    """Both sides, with an axis of size 1 on the left and what could be the same axis on the right under one name, in
    every way that keeps their order."""
    dropped = [position for position, axis in enumerate(left) if not axis.names]
    added = [position for position, axis in enumerate(right) if not axis.names or set(axis.names) <= new]
    pairings = [
        list(zip(mine, theirs, strict=True))
        for count in range(min(len(dropped), len(added)), -1, -1)
        for mine in combinations(dropped, count)
        for theirs in combinations(added, count)
    ]
    for pairing in pairings[:MOST_PAIRINGS]:
        before = [axis.names for axis in left]
        after = [axis.names for axis in right]
        fits = True
        for number, (mine, theirs) in enumerate(pairing):
            name = f"1{number}"
            before[mine] = (name,)
            if len(after[theirs]) > 1:
                fits = False
            after[theirs] = (name, *after[theirs])
        if fits:
            yield before, after


def _plan(left: list[Group], right: list[Group], names: Names) -> list[Call]:
    calls: list[Call] = []
    # Axes of size 1 that stay under a name are repeated where a new name stands with them.
    repeated = {
        group[0]: group[1] for group in right if len(group) == 2 and group[0][0] == "1" and group[1] in names.new
    }
    right = [group[:1] if group and group[0] in repeated else group for group in right]
    calls += _dropped([position for position, group in enumerate(left) if not group], len(left))
    axes = [group for group in left if group]
    target = [name for group in right for name in group if name not in names.new]
    axes = _joined_early(axes, right, calls)
    axes = _split(axes, target, right, names, calls, crossed_only=True)
    axes = _permuted(axes, target, calls)
    axes = _split(axes, target, right, names, calls, crossed_only=False)
    axes = _added(axes, right, repeated, names, calls)
    _joined(axes, right, calls)
    return calls


def _tiled(left: list[Group], right: list[Group], names: Names) -> list[Call]:
    """The same, with new names that begin or end an axis made last: such an axis is repeated as a whole, or place by
    place."""
    core: list[Group] = []
    wholes: list[Expression] = []
    places: list[Call] = []
    for position, group in enumerate(right):
        known = [n for n, name in enumerate(group) if name not in names.new]
        before, inner, after = group, (), ()
        if known:
            before, inner, after = group[: known[0]], group[known[0] : known[-1] + 1], group[known[-1] + 1 :]
        core.append(inner or before)
        wholes.append(_size(before, names) if inner and before else Raw("1"))
        if after:
            place = () if len(right) == 1 else (_axis(position, len(right)),)
            places.append(Call("repeat_interleave", (_size(after, names), *place)))
    whole = [Call("repeat", tuple(wholes))] if any(size != Raw("1") for size in wholes) else []
    return [*_plan(left, core, names), *places, *whole]


def _dropped(places: list[int], rank: int) -> list[Call]:
    if not places:
        return []
    if len(places) == 1:
        return [Call("squeeze", (_axis(places[0], rank),))]
    return [Call("squeeze", (Row(tuple(Raw(str(place)) for place in places)),))]


def _joined_early(axes: list[Group], right: list[Group], calls: list[Call]) -> list[Group]:
    """Axes that one axis of the right is made of, and that already are neighbours in order, become one at once: it
    costs nothing yet and leaves less to move."""
    for group in right:
        spans = ((start, end) for end in range(2, len(axes) + 1) for start in range(end - 1))
        for start, end in spans:
            if sum(axes[start:end], ()) == group:
                calls.append(_flatten(start, end - 1, len(axes)))
                axes = [*axes[:start], group, *axes[end:]]
                break
    return axes


def _split(
    axes: list[Group], target: list[str], right: list[Group], names: Names, calls: list[Call], *, crossed_only: bool
) -> list[Group]:
    """Groups of the left in the parts that the right needs; with `crossed_only` those alone that the permutation tears
    apart."""
    result = list(axes)
    for position in range(len(axes) - 1, -1, -1):
        group = axes[position]
        pieces = _pieces(group, right)
        torn = any(_follows(target, a) != b for a, b in pairwise(group))
        if len(pieces) < 2 or (crossed_only and not torn):
            continue
        calls.append(Call("unflatten", (_axis(position, len(result)), Row(_part_sizes(pieces, names)))))
        result[position : position + 1] = pieces
    return result


def _pieces(group: Group, right: list[Group]) -> list[Group]:
    """A group cut wherever its names do not stand side by side within one axis of the right."""
    pieces: list[Group] = []
    for name in group:
        if pieces and any(pair == (pieces[-1][-1], name) for axis in right for pair in pairwise(axis)):
            pieces[-1] = (*pieces[-1], name)
        else:
            pieces.append((name,))
    return pieces


def _follows(target: list[str], name: str) -> str:
    place = target.index(name) + 1
    return target[place] if place < len(target) else ""


def _part_sizes(pieces: Sequence[Group], names: Names) -> tuple[Expression, ...]:
    """The sizes of the parts of an axis. One is -1: that which the batch decides, or which the source did not give."""
    sizes = [product(names.sizes[name] for name in piece) for piece in pieces]
    moving = [n for n, size in enumerate(sizes) if is_batch_dependent(size)]
    left_open = [n for n, piece in enumerate(pieces) if not names.given.issuperset(piece)]
    free = (moving or left_open or [-1])[0]
    return tuple(Raw("-1") if n == free else _size(piece, names) for n, piece in enumerate(pieces))


def _size(piece: Group, names: Names) -> Expression:
    size = product(names.sizes[name] for name in piece)
    if isinstance(size, Symbolic):
        return symbolic(size)
    hints = [names.hints.get(name, "") for name in piece]
    hint = hints[0] if len(hints) == 1 else " * ".join(f"({hint})" for hint in hints) if all(hints) else ""
    return Number(size, hint, piece[0] if len(piece) == 1 else "")


def _permuted(axes: list[Group], target: list[str], calls: list[Call]) -> list[Group]:
    order = sorted(range(len(axes)), key=lambda position: target.index(axes[position][0]))
    moved = [position for position, source in enumerate(order) if position != source]
    if len(moved) == 2:
        calls.append(Call("transpose", tuple(Raw(str(position)) for position in _read_well(moved, len(axes)))))
    elif moved:
        calls.append(Call("permute", tuple(Raw(str(position)) for position in order)))
    return [axes[position] for position in order]


def _read_well(places: Sequence[int], rank: int) -> Sequence[int]:
    """The last two axes of many are -2 and -1."""
    return (-2, -1) if tuple(places) == (rank - 2, rank - 1) and rank > 3 else places


def _added(
    axes: list[Group], right: list[Group], repeated: Mapping[str, str], names: Names, calls: list[Call]
) -> list[Group]:
    """New axes: those of size 1 where a name of the right is new or stands for nothing, then made as long as they
    are."""
    result: list[Group] = []
    queue = list(axes)
    places: list[int] = []
    for group in right:
        rest = list(group)
        if not rest:
            places.append(len(result))
            result.append(())
        while rest:
            if rest[0] in names.new:
                places.append(len(result))
                result.append((rest.pop(0),))
            else:
                result.append(queue.pop(0))
                del rest[: len(result[-1])]
    if len(places) == 1:
        calls.append(Call("unsqueeze", (_axis(places[0], len(result)),)))
    elif places:
        entries: list[Expression] = [Raw("None") if n in places else Slice() for n in range(max(places) + 1)]
        if max(places) == len(result) - 1 and entries.count(Slice()) > 2:
            trailing = next(n for n, entry in enumerate(reversed(entries)) if entry == Slice())
            if len(places) == trailing:
                entries = [Raw("..."), *entries[-trailing:]]
        calls.append(Call("[]", tuple(entries)))
    grown: dict[int, str] = {}
    for position, group in enumerate(result):
        if len(group) == 1 and group[0] in names.new:
            grown[position] = group[0]
        elif len(group) == 1 and group[0] in repeated:
            grown[position] = repeated[group[0]]
    grown = {position: name for position, name in grown.items() if names.sizes[name] != 1}
    if grown:
        sizes = (_size((grown[n],), names) if n in grown else Raw("-1") for n in range(len(result)))
        calls.append(Call("expand", tuple(sizes)))
    return result


def _joined(axes: list[Group], right: list[Group], calls: list[Call]) -> None:
    """Neighbours that are one axis on the right, from the last one on, so that those before keep their numbers."""
    ends: list[tuple[int, int]] = []
    position = 0
    for group in right:
        start, count = position, 0
        while count < max(1, len(group)):
            count += max(1, len(axes[position]))
            position += 1
        ends.append((start, position - 1))
    rank = len(axes)
    for start, end in reversed(ends):
        if end > start:
            calls.append(_flatten(start, end, rank))
            rank -= end - start


def _flatten(start: int, end: int, rank: int) -> Call:
    if (start, end) == (0, rank - 1):
        return Call("flatten", ())
    return Call("flatten", (Raw(str(start)),) if end == rank - 1 else (Raw(str(start)), Raw(str(end))))


def _axis(position: int, rank: int) -> Raw:
    """The last axis of several is -1."""
    return Raw("-1" if position == rank - 1 and rank > 1 else str(position))
