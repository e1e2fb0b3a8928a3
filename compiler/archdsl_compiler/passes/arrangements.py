"""What a `rearrange` does, apart from the names in its pattern: composing two, turning one round, writing one.

The axes of the input are cut into pieces, and the axes of the result are groups of those. Two arrangements behind each
other are one: the axes between them are cut wherever one of the two cuts them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import cast

from archdsl_compiler.graph import OpCall
from archdsl_compiler.ops.arrangement import rearrange
from archdsl_compiler.ops.checks import product
from archdsl_compiler.ops.patterns import parse, solve
from archdsl_compiler.passes.rewriting import op_call_like
from archdsl_compiler.sizes import Size, exact_quotient
from archdsl_compiler.types import TensorType

NAMES = "abcdefghijklmnopqrstuvwxyz"


@dataclass(frozen=True, slots=True)
class Arrangement:
    """`pieces` are the sizes into which each axis of the input is cut, outermost first, without those of 1; `groups`
    the numbers of the pieces, counted through all axes, that each axis of the result is made of."""

    pieces: tuple[tuple[Size, ...], ...]
    groups: tuple[tuple[int, ...], ...]

    @property
    def sizes(self) -> tuple[Size, ...]:
        return tuple(size for axis in self.pieces for size in axis)

    @property
    def changes_nothing(self) -> bool:
        return self.groups == _numbered(self.pieces)

    @property
    def keeps_axes(self) -> bool:
        """Whether it moves axes as they are, which takes no copy."""
        return all(len(axis) <= 1 for axis in self.pieces) and all(len(group) <= 1 for group in self.groups)


def arrangement_of(call: OpCall, x: TensorType) -> Arrangement:
    """What a call of `rearrange` does to a tensor of this type."""
    text = cast(str, call.settings["pattern"])
    given = cast("dict[str, Size]", {name: value for name, value in call.settings.items() if name != "pattern"})
    solution = solve(parse(text), x, given, text)
    kept = [[name for name in axis.names if solution.sizes[name] != 1] for axis in solution.left]
    number = {name: place for place, name in enumerate(name for axis in kept for name in axis)}
    return Arrangement(
        tuple(tuple(solution.sizes[name] for name in axis) for axis in kept),
        tuple(tuple(number[name] for name in axis.names if name in number) for axis in solution.right),
    )


def inverse(arrangement: Arrangement) -> Arrangement:
    """What leads back."""
    sizes = arrangement.sizes
    order = [number for group in arrangement.groups for number in group]
    place = {number: position for position, number in enumerate(order)}
    return Arrangement(
        tuple(tuple(sizes[number] for number in group) for group in arrangement.groups),
        tuple(tuple(place[number] for number in axis) for axis in _numbered(arrangement.pieces)),
    )


def composed(first: Arrangement, second: Arrangement) -> Arrangement | None:
    """The second behind the first; none where their cuts do not fit."""
    sizes = first.sizes
    cut_first: dict[int, list[Size]] = {}
    cut_second: dict[int, list[int]] = {}
    count = 0
    order: list[int] = []
    for group, axis, numbers in zip(first.groups, second.pieces, _numbered(second.pieces), strict=True):
        mine = tuple(sizes[number] for number in group)
        common = _common(mine, axis)
        left, right = (None, None) if common is None else (_parted(mine, common), _parted(axis, common))
        if common is None or left is None or right is None:
            return None
        cut_first.update(zip(group, left, strict=True))
        following = iter(range(count, count + len(common)))
        cut_second.update(
            (number, [next(following) for _ in part]) for number, part in zip(numbers, right, strict=True)
        )
        order += [number for number in group]
        count += len(common)
    # Pieces in between are counted in the order of the first result; those of the composition in that of the input.
    starts, start = dict[int, int](), 0
    for number in range(len(sizes)):
        starts[number] = start
        start += len(cut_first[number])
    own = [starts[number] + part for number in order for part in range(len(cut_first[number]))]
    return Arrangement(
        tuple(tuple(size for number in axis for size in cut_first[number]) for axis in _numbered(first.pieces)),
        tuple(tuple(own[part] for number in group for part in cut_second[number]) for group in second.groups),
    )


def arranged(like: OpCall, arrangement: Arrangement, value: int, x: TensorType, first: int) -> OpCall:
    """A call that does this to a value, numbered `first`, with the place of another call."""
    call = op_call_like(like, rearrange, settings_of(arrangement), [x])
    return OpCall(rearrange, "", (value,), call.settings, call.resolved, {}, (), first, call.outputs, 0, (), like.place)


def settings_of(arrangement: Arrangement) -> Mapping[str, object]:
    """The settings of `rearrange`: the pattern, and all sizes but one of each axis that is cut."""
    joined = _together(arrangement)
    sizes = joined.sizes
    names = [NAMES[number] if len(sizes) <= len(NAMES) else f"a{number}" for number in range(len(sizes))]
    left, right = (
        " ".join(_axis([names[number] for number in group]) for group in side)
        for side in (_numbered(joined.pieces), joined.groups)
    )
    settings: dict[str, object] = {"pattern": f"{left} -> {right}"}
    for axis in _numbered(joined.pieces):
        # An open size follows from the others.
        free = next((number for number in axis if not isinstance(sizes[number], int)), axis[0] if axis else None)
        settings.update((names[number], sizes[number]) for number in axis if number != free)
    return settings


def _together(arrangement: Arrangement) -> Arrangement:
    """With pieces joined that stand together on both sides."""
    sizes = arrangement.sizes
    axes, groups = _numbered(arrangement.pieces), arrangement.groups
    behind = {pair for axis in axes for pair in pairwise(axis)} & {pair for group in groups for pair in pairwise(group)}
    follows = {second: first for first, second in behind}
    heads = [number for number in range(len(sizes)) if number not in follows]
    joined: dict[int, list[int]] = {number: [number] for number in heads}
    for number in range(len(sizes)):
        head = number
        while head in follows:
            head = follows[head]
        if head != number:
            joined[head].append(number)
    place = {head: position for position, head in enumerate(heads)}
    return Arrangement(
        tuple(tuple(product(sizes[part] for part in joined[n]) for n in axis if n in joined) for axis in axes),
        tuple(tuple(place[number] for number in group if number in place) for group in groups),
    )


def _axis(names: Sequence[str]) -> str:
    return names[0] if len(names) == 1 else f"({' '.join(names)})" if names else "1"


def _numbered(pieces: Sequence[Sequence[Size]]) -> tuple[tuple[int, ...], ...]:
    """The numbers of pieces, counted through all axes."""
    found: list[tuple[int, ...]] = []
    count = 0
    for axis in pieces:
        found.append(tuple(range(count, count + len(axis))))
        count += len(axis)
    return tuple(found)


def _common(one: Sequence[Size], other: Sequence[Size]) -> list[Size] | None:
    """Sizes that both ways to cut an axis can be cut into."""
    if tuple(one) == tuple(other):
        return list(one)
    cuts: set[int] = {1}
    for sizes in (one, other):
        inner = product(sizes[1:])
        if not isinstance(inner, int) or product(one) != product(other):
            return None
        cuts.update(cast(int, product(sizes[place:])) for place in range(1, len(sizes)))
    ordered = sorted(cuts)
    if any(large % small for small, large in pairwise(ordered)):
        return None
    outermost = exact_quotient(product(one), ordered[-1])
    if outermost is None or isinstance(outermost, float):
        return None
    found: list[Size] = [large // small for small, large in pairwise(ordered)]
    return [*([outermost] if outermost != 1 else []), *reversed(found)]


def _parted(sizes: Sequence[Size], common: Sequence[Size]) -> list[list[Size]] | None:
    """The common sizes that each size consists of."""
    left = list(common)
    found: list[list[Size]] = []
    for size in reversed(sizes):
        part: list[Size] = []
        while product(part) != size:
            if not left:
                return None
            part.insert(0, left.pop())
        found.insert(0, part)
    return found if not left else None
