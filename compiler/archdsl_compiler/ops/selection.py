"""Picking and placing along one axis: the largest, the sorted, those at given places, and running sums."""

from archdsl_compiler.ops.checks import at_least, axis_of, holds, need_int64, need_ordered
from archdsl_compiler.ops.contract import Inferred, OpFault, op
from archdsl_compiler.sizes import Size, same
from archdsl_compiler.types import TensorType


@op("any -> values, int64 indices; the axis has size k")
def top_k(x: TensorType, *, k: Size, axis: int) -> Inferred:
    """The `k` largest numbers along the axis, the largest first, and their places."""
    need_ordered(x)
    at_least(k, 1, "k")
    place = axis_of(axis, x)
    size = x.shape[place]
    if not holds("<=", k, size):
        raise OpFault(
            "size", f"`k={k}` is more than the {size} along axis {place} of {x}", "k", "x", label=f"use {size} or less"
        )
    values = _with_axis(x, place, k)
    return Inferred((values, values.cast("int64")), (), 0, {"axis": place})


@op("any -> values, int64 indices")
def sort(x: TensorType, *, axis: int = -1, descending: bool = False) -> Inferred:
    """The numbers in order along the axis, and the places where they came from."""
    need_ordered(x)
    place = axis_of(axis, x)
    return Inferred((x, x.cast("int64")), (), 0, {"axis": place})


@op("values, int64 indices -> the axis has size `size`")
def scatter(values: TensorType, indices: TensorType, *, size: Size, axis: int) -> Inferred:
    """Zeros, with the values put in at their places along the axis: the reverse of what `top_k` gives."""
    need_int64(indices, "indices")
    at_least(size, 1, "size")
    _same_shape(values, indices, "values", "indices")
    place = axis_of(axis, values, of="values")
    return Inferred(_with_axis(values, place, size), (), 0, {"axis": place})


@op("x, int64 indices -> the shape of the indices")
def gather(x: TensorType, indices: TensorType, *, axis: int) -> Inferred:
    """The numbers at these places along the axis. Both have the same other axes; to read the same places everywhere,
    index instead: `x[:, places]`."""
    need_int64(indices, "indices")
    place = axis_of(axis, x)
    _same_shape(indices, x, "indices", "x", but=place)
    return Inferred(indices.cast(x.dtype), (), 0, {"axis": place})


@op("int64[...] -> int64[..., classes]")
def one_hot(x: TensorType, *, classes: Size) -> Inferred:
    """A new last axis with 1 at the place that the number names and 0 elsewhere."""
    need_int64(x, "x")
    at_least(classes, 1, "classes")
    return Inferred(x.reshaped(*x.shape, classes))


@op("any -> the same")
def cumulative_sum(x: TensorType, *, axis: int) -> Inferred:
    """The sum of all numbers up to each place along the axis, itself included."""
    place = axis_of(axis, x)
    return Inferred(x.cast("int64") if x.dtype == "bool" else x, (), 0, {"axis": place})


def _with_axis(x: TensorType, place: int, size: Size) -> TensorType:
    return x.reshaped(*x.shape[:place], size, *x.shape[place + 1 :])


def _same_shape(first: TensorType, second: TensorType, one: str, other: str, but: int = -1) -> None:
    if len(first.shape) != len(second.shape):
        message = f"`{one}` is {first} and `{other}` is {second}: they need as many axes"
        raise OpFault("rank", message, one, other, label="reshape one of them")
    for axis, (left, right) in enumerate(zip(first.shape, second.shape, strict=True)):
        if axis != but and not same(left, right):
            message = f"`{one}` is {first} and `{other}` is {second}: axis {axis} is {left} and {right}"
            raise OpFault("mismatch", message, one, other, label=f"axis {axis} must be {right}")
