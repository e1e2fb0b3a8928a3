"""Reductions over one or several axes."""

from archdsl_compiler.ops.checks import axes_of, axis_of, need_float, need_ordered
from archdsl_compiler.ops.contract import Axes, Inferred, OpFault, op
from archdsl_compiler.types import TensorType

REDUCED = "any -> without the axes, or with 1 for each if `keep`"


@op(REDUCED, category="number")
def sum_(x: TensorType, *, axes: Axes, keep: bool = False) -> Inferred:
    """The sum over the axes."""
    return _reduced(x.cast("int64") if x.dtype == "bool" else x, axes, keep)


@op(REDUCED)
def mean(x: TensorType, *, axes: Axes, keep: bool = False) -> Inferred:
    """The mean over the axes."""
    _need_mean(x)
    return _reduced(x, axes, keep)


@op(REDUCED, category="number")
def max_(x: TensorType, *, axes: Axes, keep: bool = False) -> Inferred:
    """The largest number over the axes."""
    need_ordered(x)
    return _reduced(x, axes, keep)


@op(REDUCED, category="number")
def min_(x: TensorType, *, axes: Axes, keep: bool = False) -> Inferred:
    """The smallest number over the axes."""
    need_ordered(x)
    return _reduced(x, axes, keep)


@op(REDUCED)
def variance(x: TensorType, *, axes: Axes, keep: bool = False, unbiased: bool = False) -> Inferred:
    """The mean squared distance from the mean over the axes; `unbiased` divides by one less."""
    need_float(x)
    places = axes_of(axes, x)
    if unbiased and all(x.shape[place] == 1 for place in places):
        message = f"one number alone has no unbiased variance: the axes of {x} have size 1"
        raise OpFault("size", message, "axes", "x", label="leave `unbiased` out")
    return _reduced(x, axes, keep)


@op(REDUCED)
def logsumexp(x: TensorType, *, axes: Axes, keep: bool = False) -> Inferred:
    """`log(sum(exp(x)))` over the axes, without overflow."""
    need_float(x)
    return _reduced(x, axes, keep)


@op(REDUCED)
def norm(x: TensorType, *, axes: Axes, keep: bool = False) -> Inferred:
    """The Euclidean length over the axes."""
    need_float(x)
    return _reduced(x, axes, keep)


@op("any -> int64 without the axis, or with 1 for it if `keep`")
def argmax(x: TensorType, *, axis: int, keep: bool = False) -> Inferred:
    """The place of the largest number along the axis."""
    return _place(x, axis, keep)


@op("any -> int64 without the axis, or with 1 for it if `keep`")
def argmin(x: TensorType, *, axis: int, keep: bool = False) -> Inferred:
    """The place of the smallest number along the axis."""
    return _place(x, axis, keep)


def _place(x: TensorType, axis: int, keep: bool) -> Inferred:
    need_ordered(x)
    if x.dtype == "bool":
        need_float(x)
    place = axis_of(axis, x)
    return Inferred(_without(x, (place,), keep).cast("int64"), (), 0, {"axis": place})


def _reduced(x: TensorType, axes: Axes, keep: bool) -> Inferred:
    places = axes_of(axes, x)
    return Inferred(_without(x, places, keep), (), 0, {"axes": places})


def _without(x: TensorType, places: tuple[int, ...], keep: bool) -> TensorType:
    if keep:
        return x.reshaped(*(1 if axis in places else size for axis, size in enumerate(x.shape)))
    return x.reshaped(*(size for axis, size in enumerate(x.shape) if axis not in places))


def _need_mean(x: TensorType) -> None:
    if x.dtype in ("int64", "bool"):
        raise OpFault("dtype", f"the mean of {x} is not of its dtype", "x", label="cast it: `float32(...)`")
