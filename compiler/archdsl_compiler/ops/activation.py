"""Activations: functions of each number, and those along one axis."""

from archdsl_compiler.ops.checks import (
    at_least,
    axis_of,
    need_float,
    need_ordered,
    need_rank,
    one_of,
    parameter,
    whole,
)
from archdsl_compiler.ops.contract import Inferred, Init, OpFault, Real, op
from archdsl_compiler.sizes import divides
from archdsl_compiler.types import TensorType

SAME = "any -> the same"


@op(SAME)
def relu(x: TensorType) -> Inferred:
    """The number, or 0 where it is negative."""
    need_ordered(x)
    if x.dtype == "bool":
        need_float(x)
    return Inferred(x)


@op(SAME)
def relu6(x: TensorType) -> Inferred:
    """`relu`, and never above 6."""
    return _real(x)


@op(SAME)
def gelu(x: TensorType, *, approximate: str = "none") -> Inferred:
    """The number times the normal distribution's share below it; `approximate="tanh"` is the older formula."""
    one_of(approximate, ("none", "tanh"), "approximate")
    return _real(x)


@op(SAME)
def silu(x: TensorType) -> Inferred:
    """`x * sigmoid(x)`, also called swish."""
    return _real(x)


@op(SAME)
def mish(x: TensorType) -> Inferred:
    """`x * tanh(softplus(x))`."""
    return _real(x)


@op(SAME)
def sigmoid(x: TensorType) -> Inferred:
    """`1 / (1 + exp(-x))`."""
    return _real(x)


@op(SAME)
def log_sigmoid(x: TensorType) -> Inferred:
    """`log(sigmoid(x))`, without overflow."""
    return _real(x)


@op(SAME)
def tanh(x: TensorType) -> Inferred:
    """The hyperbolic tangent."""
    return _real(x)


@op(SAME)
def hard_swish(x: TensorType) -> Inferred:
    """`x * hard_sigmoid(x)`: swish from straight lines."""
    return _real(x)


@op(SAME)
def hard_sigmoid(x: TensorType) -> Inferred:
    """`relu6(x + 3) / 6`: a sigmoid from straight lines."""
    return _real(x)


@op(SAME)
def leaky_relu(x: TensorType, *, slope: Real) -> Inferred:
    """The number, or `slope` times it where it is negative."""
    return _real(x)


@op(SAME)
def elu(x: TensorType, *, alpha: Real = 1.0) -> Inferred:
    """The number, or `alpha * (exp(x) - 1)` where it is negative."""
    return _real(x)


@op(SAME)
def selu(x: TensorType) -> Inferred:
    """A scaled `elu` that keeps mean 0 and variance 1 from layer to layer."""
    return _real(x)


@op(SAME, state="weight [c], or [1] if shared")
def prelu(x: TensorType, *, shared: bool = True, init: Init = 0.25) -> Inferred:
    """`leaky_relu` with a learned slope: one for all, or with `shared=false` one for each channel, axis 1."""
    need_float(x)
    if not shared:
        need_rank(x, 2, None, "[b, c, ...]")
    return Inferred(x, (parameter("weight", (1 if shared else x.shape[1],), init),))


@op(SAME)
def softplus(x: TensorType) -> Inferred:
    """`log(1 + exp(x))`, a smooth `relu`."""
    return _real(x)


@op(SAME)
def softshrink(x: TensorType, *, limit: Real) -> Inferred:
    """Moves every number towards 0 by `limit`; what is nearer than that becomes 0."""
    at_least(limit, 0, "limit")
    return _real(x)


@op("any -> half the axis")
def glu(x: TensorType, *, axis: int = -1) -> Inferred:
    """The first half of the axis times the sigmoid of the second half."""
    need_float(x)
    place = axis_of(axis, x)
    if not divides(2, x.shape[place]):
        raise OpFault(
            "divisibility",
            f"axis {place} of {x} is {x.shape[place]} and has no halves",
            "x",
            "axis",
            label="give an even axis",
        )
    return Inferred(
        x.reshaped(*x.shape[:place], whole(x.shape[place] // 2), *x.shape[place + 1 :]), (), 0, {"axis": place}
    )


@op(SAME)
def softmax(x: TensorType, *, axis: int) -> Inferred:
    """Positive numbers that sum to 1 along the axis."""
    return _along(x, axis)


@op(SAME)
def log_softmax(x: TensorType, *, axis: int) -> Inferred:
    """`log(softmax(x))`, without overflow."""
    return _along(x, axis)


def _real(x: TensorType) -> Inferred:
    need_float(x)
    return Inferred(x)


def _along(x: TensorType, axis: int) -> Inferred:
    need_float(x)
    return Inferred(x, (), 0, {"axis": axis_of(axis, x)})
