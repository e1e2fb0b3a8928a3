"""The same numbers in other places: patterns, reshaping, joining and cutting, moving along axes."""

from collections.abc import Sequence

from archdsl_compiler.ops.checks import (
    at_least,
    axes_of,
    axis_of,
    definite,
    each,
    need_divisor,
    need_rank,
    positive_shape,
    product,
    show,
    whole,
)
from archdsl_compiler.ops.contract import Axes, Inferred, OpFault, Real, Shape, Sizes, op
from archdsl_compiler.ops.dtypes import promote
from archdsl_compiler.ops.patterns import parse, solve
from archdsl_compiler.sizes import Size, Symbolic, divides, same
from archdsl_compiler.types import TensorType

MOST_PARTS = 10_000


@op("what the pattern says", open_settings=True)
def rearrange(x: TensorType, /, *, pattern: str, **sizes: Size) -> Inferred:
    """Moves, splits and joins axes as a pattern says: `rearrange(x, "b (h w) c -> b c h w", h=14)`. Parentheses hold
    axes that are one; the sizes of all but one of those on the left are given. `1` is a new or a dropped axis, `...`
    stands for any axes."""
    solution = solve(parse(pattern), x, sizes, pattern)
    return Inferred(x.reshaped(*solution.shape), (), 0, {"sizes": tuple(solution.sizes.items())})


@op("what the pattern says", open_settings=True)
def repeat(x: TensorType, /, *, pattern: str, **sizes: Size) -> Inferred:
    """As `rearrange`, and names that stand on the right alone are new axes along which the numbers are repeated:
    `repeat(x, "n c -> n k c", k=4)`."""
    solution = solve(parse(pattern, repeats=True), x, sizes, pattern)
    return Inferred(x.reshaped(*solution.shape), (), 0, {"sizes": tuple(solution.sizes.items())})


@op("any -> shape")
def reshape(x: TensorType, *, shape: Shape) -> Inferred:
    """The same numbers, row by row, in another shape; one size may be -1 and follows from the others."""
    count = product(x.shape)
    free = [axis for axis, size in enumerate(shape) if size == -1]
    if len(free) > 1:
        raise OpFault(
            "size",
            f"`shape={show(shape)}` leaves {len(free)} sizes open",
            "shape",
            label="only one can follow from the others",
        )
    target = list(shape)
    if free:
        rest = product(size for axis, size in enumerate(shape) if axis != free[0])
        at_least(rest, 1, "shape")
        if not divides(rest, count):
            message = f"`shape={show(shape)}` leaves no size for -1: {rest} does not divide the {count} numbers of {x}"
            raise OpFault("divisibility", message, "shape", "x", label=f"the others must divide {count}")
        target[free[0]] = whole(count // rest)
    positive_shape(target, "shape")
    if not same(product(target), count):
        message = f"{x} has {count} numbers, `shape={show(shape)}` has {product(target)}"
        raise OpFault("mismatch", message, "shape", "x", label="the sizes must multiply to the same")
    return Inferred(x.reshaped(*target), (), 0, {"shape": tuple(target)})


@op("any -> the axis has size `size`")
def expand(x: TensorType, *, size: Size, axis: int) -> Inferred:
    """Repeats an axis of size 1, without a copy."""
    at_least(size, 1, "size")
    place = axis_of(axis, x)
    if not same(x.shape[place], 1):
        message = f"only an axis of size 1 can be expanded; axis {place} of {x} is {x.shape[place]}"
        raise OpFault("mismatch", message, "axis", "x", label="use `repeat`")
    return Inferred(_with_axis(x, place, size), (), 0, {"axis": place})


@op("a list -> one tensor, the axis as long as all together")
def concat(tensors: list[TensorType], *, axis: int) -> Inferred:
    """Joins tensors along an axis that they have; all other axes are equal."""
    first = _first(tensors)
    place = axis_of(axis, first, of="tensors")
    total: Size = 0
    shape = list(first.shape)
    for number, tensor in enumerate(tensors):
        if len(tensor.shape) != len(shape):
            message = f"number {number} of `tensors` is {tensor}, number 0 is {first}: they need as many axes"
            raise OpFault("rank", message, "tensors", label="reshape one of them")
        for position, size in enumerate(tensor.shape):
            if position != place:
                shape[position] = _joined(shape[position], size, position, number, tensor, first)
        total = whole(total + tensor.shape[place])
    shape[place] = total
    return Inferred(TensorType(tuple(shape), promote(*_shapely(tensors))), (), 0, {"axis": place})


@op("a list -> one tensor with a new axis")
def stack(tensors: list[TensorType], *, axis: int = 0) -> Inferred:
    """Puts tensors of one shape beside each other along a new axis."""
    first = _first(tensors)
    place = axis_of(axis, first.reshaped(*first.shape, len(tensors)), of="tensors")
    shape = list(first.shape)
    for number, tensor in enumerate(tensors):
        if len(tensor.shape) != len(shape):
            message = f"number {number} of `tensors` is {tensor}, number 0 is {first}: they need as many axes"
            raise OpFault("rank", message, "tensors", label="reshape one of them")
        for position, size in enumerate(tensor.shape):
            shape[position] = _joined(shape[position], size, position, number, tensor, first)
    shape.insert(place, len(tensors))
    return Inferred(TensorType(tuple(shape), promote(*_shapely(tensors))), (), 0, {"axis": place})


@op("any -> a list")
def split(x: TensorType, *, parts: Sizes, axis: int) -> Inferred:
    """Cuts an axis: a number is that many equal parts, a list is their sizes."""
    place = axis_of(axis, x)
    size = x.shape[place]
    if isinstance(parts, int | Symbolic):
        number = definite(parts, "parts")
        at_least(number, 1, "parts")
        if number > MOST_PARTS:
            raise OpFault("value", f"`parts={number}` is above the limit of {MOST_PARTS}", "parts", label="cut less")
        need_divisor(number, size, "parts", "x", f"the {size} along axis {place} of {x}")
        sizes = (whole(size // number),) * number
    else:
        sizes = tuple(parts)
        if not sizes:
            raise OpFault("value", "`parts` is an empty list", "parts", label="name at least one size")
        for part in sizes:
            at_least(part, 1, "parts")
        total = whole(sum(sizes))
        if not same(total, size):
            message = f"`parts={show(sizes)}` sum to {total}, but axis {place} of {x} is {size}"
            raise OpFault("mismatch", message, "parts", "x", label=f"the sizes must sum to {size}")
    return Inferred([_with_axis(x, place, part) for part in sizes], (), 0, {"parts": sizes, "axis": place})


@op("any -> the same")
def roll(x: TensorType, *, shift: Sizes, axes: Axes) -> Inferred:
    """Moves everything along the axes, by one number for all or one for each; what leaves at the end enters at the
    front."""
    places = axes_of(axes, x)
    shifts = each(shift, len(places), "shift", of="axes", what="axes")
    return Inferred(x, (), 0, {"shift": shifts, "axes": places})


@op("any -> longer axes")
def pad(x: TensorType, *, before: Sizes = 0, after: Sizes = 0, axes: Axes, value: Real = 0) -> Inferred:
    """Adds places with a value before and after the axes, by one number for all or one for each."""
    places = axes_of(axes, x)
    befores = each(before, len(places), "before", of="axes", what="axes")
    afters = each(after, len(places), "after", of="axes", what="axes")
    shape = list(x.shape)
    for place, front, back in zip(places, befores, afters, strict=True):
        at_least(front, 0, "before")
        at_least(back, 0, "after")
        shape[place] = whole(shape[place] + front + back)
    return Inferred(x.reshaped(*shape), (), 0, {"before": befores, "after": afters, "axes": places})


@op("any -> the same")
def flip(x: TensorType, *, axes: Axes) -> Inferred:
    """Turns the axes round."""
    return Inferred(x, (), 0, {"axes": axes_of(axes, x)})


@op("[..., n, m] -> [..., m, n]")
def transpose(x: TensorType) -> Inferred:
    """`x.T`: the last two axes change places."""
    need_rank(x, 2, None, "[..., n, m]")
    *rest, rows, columns = x.shape
    return Inferred(x.reshaped(*rest, columns, rows))


def _with_axis(x: TensorType, place: int, size: Size) -> TensorType:
    return x.reshaped(*x.shape[:place], size, *x.shape[place + 1 :])


def _first(tensors: Sequence[TensorType]) -> TensorType:
    if not tensors:
        raise OpFault("value", "the list of tensors is empty", "tensors", label="give at least one tensor")
    return tensors[0]


def _joined(known: Size, size: Size, axis: int, number: int, tensor: TensorType, first: TensorType) -> Size:
    if not same(known, size):
        message = f"number {number} of `tensors` is {tensor}, number 0 is {first}: axis {axis} is {size} and {known}"
        raise OpFault("mismatch", message, "tensors", label=f"axis {axis} must be {known}")
    return size if type(size) is int else known


def _shapely(tensors: Sequence[TensorType]) -> list[TensorType]:
    """Tensors that all count in promotion, as PyTorch's `cat` and `stack` have it for those with axes."""
    return [tensor if tensor.shape else TensorType((1,), tensor.dtype) for tensor in tensors]
