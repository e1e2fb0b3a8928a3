"""Which channel each number of a value belongs to, through the ops that only move numbers.

A linear gives [b, n, 3 c], a rearrangement makes that [3, b, heads, n, d], an index takes the queries: their numbers
still belong to rows of the linear's weight, in steps along each axis. So a factor on the queries is one on those rows.
A `Spread` holds the steps: the channel of a number is `offset` plus, for each axis, its place times a step. An axis
that joins several has a step for each of them, the outermost first; one that says nothing about the channel has none.

Every op here leaves zeros zeros and treats channels alike, so that factors may be taken before it or after it."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from itertools import pairwise
from math import prod
from typing import TypeAlias, cast

from archdsl_compiler.graph import Call, Module, OpCall, leaves
from archdsl_compiler.ops.patterns import Axis, parse, solve
from archdsl_compiler.passes.rewriting import results_by_path, value_types
from archdsl_compiler.passes.weight_map import Strided
from archdsl_compiler.sizes import Size
from archdsl_compiler.types import TensorType

Steps: TypeAlias = tuple[tuple[int, int], ...]
"""Sizes with the steps of the channel along them; none for an axis along which the channel is the same."""


@dataclass(frozen=True, slots=True)
class Spread:
    """The steps of each axis of a value."""

    offset: int
    axes: tuple[Steps, ...]

    def strided(self) -> Strided:
        """The channels that occur, each once where steps do not meet."""
        return Strided(self.offset, tuple((size, step) for axis in self.axes for size, step in axis if step))


@dataclass(frozen=True, slots=True)
class End:
    """Where a value that holds channels is read by something that does more than move it; the reader is None where it
    leaves the module."""

    value: int
    spread: Spread
    reader: Call | None


def channels_of(call: OpCall) -> Spread:
    """The channels of what a product gives, by the rows of its weight."""
    shape = call.outputs[0].shape
    place = len(shape) - 1 if call.op.name == "linear" else 1
    return along(len(shape), place, cast(int, shape[place]))


def along(rank: int, place: int, size: int) -> Spread:
    """Channels that lie on one axis."""
    return Spread(0, tuple(((size, 1),) if axis == place and size > 1 else () for axis in range(rank)))


def of_parameter(shape: Sequence[int]) -> Spread:
    """The places of a parameter, row by row."""
    steps = [prod(shape[axis + 1 :]) for axis in range(len(shape))]
    return Spread(0, tuple(((size, step),) if size > 1 else () for size, step in zip(shape, steps, strict=True)))


def ends(module: Module, value: int, spread: Spread) -> list[End]:
    """Where everything goes that is only moved, from `value` on."""
    readers, leaving, types = _reads(module)
    found: list[End] = []
    waiting = [(value, spread)]
    while waiting:
        here, channels = waiting.pop()
        found += [End(here, channels, None)] * leaving.count(here)
        for reader in readers.get(here, ()):
            after = moved(reader, channels, types[here]) if source_of(reader) == here else None
            if after is None:
                found.append(End(here, channels, reader))
            else:
                waiting += after.items()
    return found


@lru_cache(maxsize=4)  # asked for one value of a module after the other
def _reads(module: Module) -> tuple[Mapping[int, Sequence[Call]], Sequence[int], Sequence[TensorType]]:
    """Who reads each value, which values leave the module, and all types."""
    readers: dict[int, list[Call]] = {}
    for call in module.calls:
        for read in leaves(call.inputs):
            readers.setdefault(read, []).append(call)
    return readers, (*leaves(module.outputs), *results_by_path(module)), value_types(module)


def moved(call: Call, spread: Spread, x: TensorType) -> Mapping[int, Spread] | None:
    """The channels of each result of a call, if all it does is to move its first input."""
    if not isinstance(call, OpCall) or source_of(call) is None:
        return None
    after = _MOVES[call.op.name](call, spread, x)
    if after is None:
        return None
    return {call.first_output + number: each for number, each in enumerate(after)}


def source_of(call: Call) -> int | None:
    """The value that a call moves, if it may do no more than that."""
    if isinstance(call, OpCall) and call.op.name in _MOVES and not call.wrappers and isinstance(call.inputs[0], int):
        return call.inputs[0]
    return None


def placed_alike(one: Spread, other: Spread) -> tuple[Strided, Strided] | None:
    """Channels of two values of one shape, paired number by number: the distinct ones of `one`, and those of `other`
    that stand where they do. None if `other` has several for one."""
    pairs: list[tuple[int, int, int]] = []
    rank = len(one.axes)
    for mine, theirs in zip(one.axes, ((),) * (rank - len(other.axes)) + other.axes, strict=True):
        if theirs and not mine:
            return None
        if theirs:
            sizes = _common(tuple(size for size, _ in mine), tuple(size for size, _ in theirs))
            left, right = (None, None) if sizes is None else (_cut(mine, sizes), _cut(theirs, sizes))
            if sizes is None or left is None or right is None:
                return None
            pairs += [
                (size, sum(step for _, step in a), sum(step for _, step in b))
                for size, a, b in zip(sizes, left, right, strict=True)
            ]
        else:
            pairs += [(size, step, 0) for size, step in mine]
    if any(b and not a for _, a, b in pairs):
        return None
    return (
        Strided(one.offset, tuple((size, a) for size, a, _ in pairs if a)),
        Strided(other.offset, tuple((size, b) for size, a, b in pairs if a)),
    )


def _common(one: tuple[int, ...], other: tuple[int, ...]) -> tuple[int, ...] | None:
    """Sizes that both ways to cut an axis can be cut into."""
    if prod(one) != prod(other):
        return None
    cuts = sorted({prod(sizes[place:]) for sizes in (one, other) for place in range(len(sizes) + 1)}, reverse=True)
    if any(large % small for large, small in pairwise(cuts)):
        return None
    return tuple(large // small for large, small in pairwise(cuts))


def _cut(steps: Steps, sizes: Sequence[Size]) -> list[Steps] | None:
    """The steps of an axis for each of the axes that it is cut into."""
    if not steps:
        return [()] * len(sizes)
    left = [step for step in steps if step[0] != 1]
    found: list[Steps] = []
    for size in reversed(sizes):
        taken: list[tuple[int, int]] = []
        if not isinstance(size, int):
            return None
        while size > 1:
            if not left:
                return None
            length, step = left.pop()
            if size % length == 0:
                taken.append((length, step))
                size //= length
            elif length % size == 0:
                taken.append((size, step))
                left.append((length // size, step * size))
                size = 1
            else:
                return None
        found.append(tuple(reversed(taken)))
    return None if left else found[::-1]


def _joined(parts: Iterator[Steps] | Sequence[Steps], sizes: Sequence[Size]) -> Steps | None:
    """The steps of an axis that joins several; where one of them has steps, the others count as steps of nothing."""
    listed = list(parts)
    if not any(listed):
        return ()
    found: list[tuple[int, int]] = []
    for steps, size in zip(listed, sizes, strict=True):
        if steps:
            found += steps
        elif size != 1:
            if not isinstance(size, int):
                return None
            found.append((size, 0))
    return tuple(found)


Result: TypeAlias = "list[Spread] | None"


def _rearranged(call: OpCall, spread: Spread, x: TensorType) -> Result:
    text = cast(str, call.settings["pattern"])
    given = cast("dict[str, Size]", {name: value for name, value in call.settings.items() if name != "pattern"})
    solution = solve(parse(text), x, given, text)
    steps: dict[str, Steps] = {}
    for axis, own in zip(solution.left, spread.axes, strict=True):
        parts = _cut(own, [solution.sizes[name] for name in axis.names])
        if parts is None:
            return None
        steps.update(zip(axis.names, parts, strict=True))
    axes = [_joined_axis(axis, steps, solution.sizes) for axis in solution.right]
    return None if any(axis is None for axis in axes) else [Spread(spread.offset, tuple(cast("list[Steps]", axes)))]


def _joined_axis(axis: Axis, steps: Mapping[str, Steps], sizes: Mapping[str, Size]) -> Steps | None:
    return _joined([steps[name] for name in axis.names], [sizes[name] for name in axis.names])


def _reshaped(call: OpCall, spread: Spread, x: TensorType) -> Result:
    """Where axes of size 1 come or go alone."""
    before = [(size, steps) for size, steps in zip(x.shape, spread.axes, strict=True) if size != 1]
    shape = call.outputs[0].shape
    if [size for size, _ in before] != [size for size in shape if size != 1]:
        return None if any(spread.axes) else [Spread(spread.offset, ((),) * len(shape))]
    left = iter(before)
    return [Spread(spread.offset, tuple(() if size == 1 else next(left)[1] for size in shape))]


def _transposed(call: OpCall, spread: Spread, x: TensorType) -> Result:
    *rest, rows, columns = spread.axes
    return [Spread(spread.offset, (*rest, columns, rows))]


def _indexed(call: OpCall, spread: Spread, x: TensorType) -> Result:
    axes: list[Steps] = []
    offset = spread.offset
    places = cast("tuple[object, ...]", call.resolved["places"])
    for place, steps in zip(places, spread.axes, strict=False):
        if place == "all":
            axes.append(steps)
        elif place == "tensor":
            if steps:
                return None
            axes += [()] * (len(call.outputs[0].shape) - len(spread.axes) + 1 + _numbers(places))
        elif isinstance(place, tuple):
            start, stop, step = cast("tuple[int, int, int]", place)
            if steps and len(steps) != 1:
                return None
            axes.append(tuple((-((start - stop) // step), each * step) for _, each in steps))
            offset += sum(start * each for _, each in steps)
        else:
            number = cast(int, place)
            for size, step in reversed(steps):
                offset += number % size * step
                number //= size
    return [Spread(offset, (*axes, *spread.axes[len(places) :]))]


def _numbers(places: Sequence[object]) -> int:
    return sum(1 for place in places if place not in ("all", "tensor") and not isinstance(place, tuple))


def _split(call: OpCall, spread: Spread, x: TensorType) -> Result:
    place = cast(int, call.resolved["axis"])
    steps = spread.axes[place]
    if len(steps) > 1:
        return None
    found: list[Spread] = []
    start = 0
    for part in cast("tuple[int, ...]", call.resolved["parts"]):
        own = tuple((part, step) for _, step in steps) if part > 1 else ()
        axes = (*spread.axes[:place], own, *spread.axes[place + 1 :])
        found.append(Spread(spread.offset + sum(start * step for _, step in steps), axes))
        start += part
    return found


def _on_places(call: OpCall, spread: Spread, x: TensorType) -> Result:
    """An op that moves numbers along axes, which must not be those of the channels."""
    if any(spread.axes[axis] for axis in cast("tuple[int, ...]", call.resolved["axes"])):
        return None
    if call.op.name == "pad" and call.settings.get("value", 0) != 0:
        return None
    return [spread]


def _pooled(call: OpCall, spread: Spread, x: TensorType) -> Result:
    return None if any(spread.axes[2:]) else [spread]


def _averaged(call: OpCall, spread: Spread, x: TensorType) -> Result:
    axes = cast("tuple[int, ...]", call.resolved["axes"])
    if any(spread.axes[axis] for axis in axes):
        return None
    if call.settings.get("keep", False):
        return [spread]
    return [replace(spread, axes=tuple(each for axis, each in enumerate(spread.axes) if axis not in axes))]


def _expanded(call: OpCall, spread: Spread, x: TensorType) -> Result:
    return [spread]


_MOVES: Mapping[str, Callable[[OpCall, Spread, TensorType], Result]] = {
    "rearrange": _rearranged,
    "reshape": _reshaped,
    "transpose": _transposed,
    "index": _indexed,
    "split": _split,
    "roll": _on_places,
    "flip": _on_places,
    "pad": _on_places,
    "avg_pool": _pooled,
    "mean": _averaged,
    "expand": _expanded,
}
