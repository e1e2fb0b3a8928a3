"""Patterns of axes, as einops writes them: parsing, and solving them for the sizes of a tensor. Pure; sizes may be
symbolic.

A side is a row of axes: a name, `1` for an axis of size 1, `...` for any axes, and parentheses around those that are
one axis together. Solving finds the size of every name, from the tensor and from the sizes that were given."""

import re
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import lru_cache

from archdsl_compiler.ops.checks import at_least, counted, product, whole
from archdsl_compiler.ops.contract import OpFault
from archdsl_compiler.sizes import Size, divides, same
from archdsl_compiler.types import TensorType

ELLIPSIS = "..."
LONGEST = 1000
_TOKEN = re.compile(r"\s*(\.\.\.|[A-Za-z_][A-Za-z0-9_]*|[0-9]+|[()]|$)")


@dataclass(frozen=True, slots=True)
class Axis:
    """One axis of a side: the names in it, outermost first; none is an axis of size 1."""

    names: tuple[str, ...]
    grouped: bool = False

    def __str__(self) -> str:
        words = " ".join(self.names)
        return f"({words})" if self.grouped else words or "1"


@dataclass(frozen=True, slots=True)
class Pattern:
    left: tuple[Axis, ...]
    right: tuple[Axis, ...]


@dataclass(frozen=True, slots=True)
class EinsumPattern:
    inputs: tuple[tuple[str, ...], ...]
    output: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Solution:
    """Every name's size, the axes that `...` stands for among them as `...0`, `...1` and so on; and both sides
    without `...`."""

    sizes: Mapping[str, Size]
    left: tuple[Axis, ...]
    right: tuple[Axis, ...]

    @property
    def shape(self) -> tuple[Size, ...]:
        return tuple(product(self.sizes[name] for name in axis.names) for axis in self.right)


def fault(message: str, *, label: str = "", others: tuple[str, ...] = ()) -> OpFault:
    return OpFault("pattern", message, "pattern", *others, label=label)


@lru_cache(maxsize=2048)
def parse(pattern: str, *, repeats: bool = False) -> Pattern:
    """Both sides of a rearrangement; only with `repeats` may the right side have names of its own."""
    sides = _sides(pattern, "write `before -> after`")
    left, right = (_parse_side(side, pattern) for side in sides)
    before, after = _names(left), _names(right)
    lost = [name for name in before if name not in after]
    new = [name for name in after if name not in before]
    if lost:
        raise fault(
            f'`{lost[0]}` is only on the left of "{pattern}"',
            label=f"add `{lost[0]}` on the right; only `1` can be dropped",
        )
    if new and (not repeats or ELLIPSIS in new):
        advice = "use `repeat` to add an axis, or `1`" if not repeats else "write `...` on both sides"
        raise fault(f'`{new[0]}` is only on the right of "{pattern}"', label=advice)
    if any(axis.grouped and ELLIPSIS in axis.names for axis in left):
        raise fault(f'`...` stands in parentheses on the left of "{pattern}"', label="take it out of the parentheses")
    return Pattern(left, right)


def solve(pattern: Pattern, x: TensorType, given: Mapping[str, Size], text: str) -> Solution:
    """The size of every name. `given` are the sizes that the caller wrote; `text` is the pattern for messages."""
    left = _without_ellipsis(pattern.left, x, text)
    spread = tuple(axis.names[0] for axis in left if axis.names and axis.names[0].startswith(ELLIPSIS))
    right = tuple(_spread(pattern.right, spread))
    known = set(_names(left)) | set(_names(right))
    for name, size in given.items():
        if name not in known:
            raise fault(
                f'the pattern "{text}" has no axis `{name}`',
                label="take the size away, or name the axis",
                others=(name,),
            )
        at_least(size, 1, name)
    sizes: dict[str, Size] = dict(given)
    for position, (axis, size) in enumerate(zip(left, x.shape, strict=True)):
        _solve_axis(axis, size, sizes, f"axis {position} of {x}", given)
    for name in _names(right):
        if name not in sizes:
            raise fault(f'"{text}" needs the size of `{name}`', label=f"add `{name}=...`")
    return Solution(sizes, left, right)


@lru_cache(maxsize=512)
def _parse_einsum(pattern: str) -> EinsumPattern:
    sides = _sides(pattern, "write `axes, axes -> axes`")
    inputs = tuple(_einsum_names(part, pattern) for part in sides[0].split(","))
    output = _einsum_names(sides[1], pattern)
    known = {name for names in inputs for name in names}
    for name in output:
        if name not in known:
            raise fault(f'`{name}` is only on the right of "{pattern}"', label="name an axis of the tensors")
    for names in (*inputs, output):
        _once(names, pattern)
    return EinsumPattern(inputs, output)


def parse_einsum(pattern: str, ranks: list[int]) -> EinsumPattern:
    """A pattern for tensors of these ranks; a name may stand once for each tensor."""
    parsed = _parse_einsum(pattern)
    if len(parsed.inputs) != len(ranks):
        message = f'the pattern "{pattern}" is for {counted(len(parsed.inputs), "tensor")}, there are {len(ranks)}'
        raise fault(message, label="separate the tensors by commas", others=("tensors",))
    for number, (names, rank) in enumerate(zip(parsed.inputs, ranks, strict=True)):
        if len(names) != rank:
            message = f'"{" ".join(names)}" names {counted(len(names), "axis")}, tensor {number} has {rank}'
            raise fault(message, others=("tensors",))
    return parsed


def need_places(pattern: str, prefix: Size, shape: tuple[Size, ...]) -> None:
    """The axes of a parameter that is laid over a map: one name for each, `h` and `w` among them, side by side in
    parentheses where both are one axis. Only such an axis has rows before its places."""
    at_least(prefix, 0, "prefix")
    if not pattern:
        if prefix != 0:
            raise OpFault(
                "value",
                "`prefix` counts rows before the places that `resize` names",
                "prefix",
                label='add `resize="1 (h w) c"` for example',
            )
        return
    try:
        axes = _parse_side(pattern, pattern)
    except OpFault as problem:
        raise _no_places(problem.message, problem.label) from None
    if len(axes) != len(shape):
        message = f'"{pattern}" names {counted(len(axes), "axis")}, the parameter has {len(shape)}'
        raise _no_places(message, "name every axis", "shape")
    for axis, size in zip(axes, shape, strict=True):
        if ELLIPSIS in axis.names or (axis.grouped and axis.names != ("h", "w")):
            raise _no_places(f'`{axis}` stands in "{pattern}"', "name each axis alone; only `(h w)` is one of two")
        if not axis.names and not same(size, 1):
            raise _no_places(f'the axis that "{pattern}" writes as 1 is {size}', "give the axis a name", "shape")
    if not {"h", "w"} <= set(_names(axes)):
        raise _no_places(f'"{pattern}" does not name the places of a map', "name the rows `h` and the columns `w`")
    if prefix != 0 and not any(axis.grouped for axis in axes):
        raise OpFault(
            "value",
            f'"{pattern}" has no axis with rows before its places',
            "prefix",
            "resize",
            label="take it away, or write the places as `(h w)`",
        )


def _no_places(message: str, label: str, *others: str) -> OpFault:
    return OpFault("pattern", message, "resize", *others, label=label)


def _sides(pattern: str, advice: str) -> list[str]:
    if len(pattern) > LONGEST:
        raise fault(f"the pattern has {len(pattern)} characters, the limit is {LONGEST}", label="write a shorter one")
    sides = pattern.split("->")
    if len(sides) != 2:
        raise fault(f'the pattern "{pattern}" needs one `->`', label=advice)
    return sides


def _einsum_names(part: str, pattern: str) -> tuple[str, ...]:
    words = part.split()
    if " " not in pattern.replace(", ", ",").replace(" -> ", "->").strip() and len(words) <= 1:
        words = list(part.strip())
    for word in words:
        if not word.isidentifier():
            raise fault(f'`{word}` in "{pattern}" is no name of an axis', label="use letters, or words between spaces")
    return tuple(words)


def _parse_side(side: str, pattern: str) -> tuple[Axis, ...]:
    axes: list[Axis] = []
    group: list[str] | None = None
    position = 0
    side = side.rstrip()
    while position < len(side):
        match = _TOKEN.match(side, position)
        if match is None:
            character = side[position:].lstrip()[0]
            raise fault(
                f'`{character}` has no meaning in the pattern "{pattern}"',
                label="use names, `1`, `...` and parentheses",
            )
        position, token = match.end(), match[1]
        if token == "(":
            if group is not None:
                raise fault(f'parentheses stand in parentheses in "{pattern}"', label="take the inner ones away")
            group = []
        elif token == ")":
            if group is None:
                raise fault(f'a `)` in "{pattern}" closes nothing', label="take it away, or open it by `(`")
            axes.append(Axis(tuple(group), True))
            group = None
        elif token.isdigit() and token != "1":
            raise fault(
                f'`{token}` stands in the pattern "{pattern}"', label=f"write a name and give its size: `n={token}`"
            )
        elif group is None:
            axes.append(Axis(() if token == "1" else (token,)))
        elif token != "1":
            group.append(token)
    if group is not None:
        raise fault(f'a `(` in "{pattern}" is not closed', label="close it by `)`")
    _once(tuple(_names(axes)), pattern)
    return tuple(axes)


def _once(names: tuple[str, ...], pattern: str) -> None:
    for name, count in Counter(names).items():
        if count > 1:
            advice = "one `...` stands for all the others" if name == ELLIPSIS else "give every axis a name of its own"
            raise fault(f'`{name}` stands twice on one side of "{pattern}"', label=advice)


def _names(axes: Iterable[Axis]) -> list[str]:
    return [name for axis in axes for name in axis.names]


def _without_ellipsis(left: tuple[Axis, ...], x: TensorType, text: str) -> tuple[Axis, ...]:
    """The left side with as many axes as the tensor has."""
    rank, written = len(x.shape), len(left)
    if ELLIPSIS not in _names(left):
        if rank != written:
            message = f'the left of "{text}" has {counted(written, "axis")}, `x` is {x} with {rank}'
            raise fault(message, label="name every axis, or write `...`", others=("x",))
        return left
    if rank < written - 1:
        message = f'the left of "{text}" has at least {counted(written - 1, "axis")}, `x` is {x} with {rank}'
        raise fault(message, label="take axes away", others=("x",))
    return tuple(_spread(left, tuple(f"{ELLIPSIS}{number}" for number in range(rank - written + 1))))


def _spread(axes: tuple[Axis, ...], names: tuple[str, ...]) -> Iterable[Axis]:
    """The axes, with these names in the place of `...`."""
    for axis in axes:
        if ELLIPSIS not in axis.names:
            yield axis
        elif axis.grouped:
            position = axis.names.index(ELLIPSIS)
            yield Axis((*axis.names[:position], *names, *axis.names[position + 1 :]), True)
        else:
            yield from (Axis((name,)) for name in names)


def _solve_axis(axis: Axis, size: Size, sizes: dict[str, Size], where: str, given: Mapping[str, Size]) -> None:
    """Note the size of the one name in the axis that has none yet, or check that those that are known fit."""
    open_names = [name for name in axis.names if name not in sizes]
    known = product(sizes[name] for name in axis.names if name in sizes)
    if len(open_names) > 1:
        listed = " and ".join(f"`{name}`" for name in open_names)
        message = f"{where} is {axis}, and {listed} have no size"
        raise fault(message, label=f"give all but one of them: `{open_names[-1]}=...`", others=("x",))
    written = tuple(name for name in axis.names if name in given)
    if not open_names:
        if not same(known, size):
            said = " * ".join(f"{name}={sizes[name]}" for name in axis.names) or "1"
            reason = f"`{said}`, which is {known}" if len(axis.names) > 1 else f"`{said}`"
            raise fault(
                f"{where} is {size}, but in the pattern it is {reason}", label=f"make it {size}", others=("x", *written)
            )
        return
    if not divides(known, size):
        said = " * ".join(f"{name}={sizes[name]}" for name in axis.names if name in sizes)
        message = f"`{said}` does not divide {size}, {where}, which the pattern writes as {axis}"
        raise OpFault(
            "divisibility", message, written[0] if written else "pattern", "x", label=f"use a divisor of {size}"
        )
    sizes[open_names[0]] = whole(size // known)
