"""Functions of one tensor, number by number."""

from archdsl_compiler.ops.broadcasting import broadcast, broadcast_all
from archdsl_compiler.ops.checks import FLOATS, holds, need_float, need_ordered
from archdsl_compiler.ops.contract import Inferred, Operand, OpFault, Real, op
from archdsl_compiler.ops.dtypes import promote, real_if_whole
from archdsl_compiler.types import TensorType

SAME = "any -> the same"


@op(SAME, category="number")
def abs_(x: TensorType) -> Inferred:
    """The distance from 0."""
    _no_booleans(x)
    return Inferred(x.cast("real") if x.dtype == "complex" else x)


@op(SAME, category="number")
def sqrt(x: TensorType) -> Inferred:
    """The square root."""
    return Inferred(x.cast(real_if_whole(x.dtype)))


@op(SAME)
def rsqrt(x: TensorType) -> Inferred:
    """`1 / sqrt(x)`."""
    return Inferred(x.cast(real_if_whole(x.dtype)))


@op(SAME)
def exp(x: TensorType) -> Inferred:
    """e to the power of the number."""
    return Inferred(x.cast(real_if_whole(x.dtype)))


@op(SAME, category="number")
def log(x: TensorType) -> Inferred:
    """The natural logarithm."""
    return Inferred(x.cast(real_if_whole(x.dtype)))


@op(SAME)
def sin(x: TensorType) -> Inferred:
    """The sine."""
    return Inferred(x.cast(real_if_whole(x.dtype)))


@op(SAME)
def cos(x: TensorType) -> Inferred:
    """The cosine."""
    return Inferred(x.cast(real_if_whole(x.dtype)))


@op(SAME)
def erf(x: TensorType) -> Inferred:
    """The error function."""
    need_ordered(x)
    return Inferred(x.cast(real_if_whole(x.dtype)))


@op(SAME, category="number")
def floor(x: TensorType) -> Inferred:
    """The nearest whole number that is not larger."""
    return _rounded(x)


@op(SAME, category="number")
def ceil(x: TensorType) -> Inferred:
    """The nearest whole number that is not smaller."""
    return _rounded(x)


@op(SAME, category="number")
def round_(x: TensorType) -> Inferred:
    """The nearest whole number; halves go to the even one."""
    return _rounded(x)


@op(SAME)
def sign(x: TensorType) -> Inferred:
    """-1, 0 or 1."""
    need_ordered(x)
    return Inferred(x)


@op(SAME)
def zero(x: TensorType) -> Inferred:
    """Zeros of the same shape. A pass takes it out of the program, together with what only leads there."""
    return Inferred(x)


@op(SAME)
def clip(x: TensorType, *, low: Real | None = None, high: Real | None = None) -> Inferred:
    """The number, but never below `low` and never above `high`."""
    need_ordered(x)
    _no_booleans(x)
    if low is None and high is None:
        raise OpFault("value", "`clip` has neither `low` nor `high`", "low", label="give a bound")
    if low is not None and high is not None and not holds("<=", low, high):
        raise OpFault("value", f"`low={low}` is above `high={high}`", "low", "high", label="exchange them")
    bounds = [bound for bound in (low, high) if bound is not None]
    return Inferred(x.cast(promote(x, *bounds)))


@op("bool, any, any -> broadcast")
def where(condition: TensorType, a: Operand, b: Operand) -> Inferred:
    """`a` where the condition holds and `b` elsewhere. All three broadcast, and numbers may stand for tensors; so it
    also fills what a mask names."""
    if condition.dtype != "bool":
        message = f"`condition` must hold booleans; it is {condition}"
        raise OpFault("dtype", message, "condition", label="compare it, as in `x > 0`")
    values = TensorType(broadcast(a, b, "a", "b"))
    return Inferred(TensorType(broadcast(condition, values, "condition", "a", "b"), promote(a, b)))


@op("any, any -> broadcast")
def minimum(left: Operand, right: Operand) -> Inferred:
    """The smaller of each two numbers."""
    return _extreme(left, right)


@op("any, any -> broadcast")
def maximum(left: Operand, right: Operand) -> Inferred:
    """The larger of each two numbers."""
    return _extreme(left, right)


@op("a list -> broadcast")
def add_all(tensors: list[Operand]) -> Inferred:
    """The sum of the tensors in a list, which broadcast."""
    return _together(tensors, ordered=False)


@op("a list -> broadcast")
def mean_all(tensors: list[Operand]) -> Inferred:
    """The mean of the tensors in a list, which broadcast."""
    found = _together(tensors, ordered=False).result
    assert isinstance(found, TensorType)
    return Inferred(found.cast(real_if_whole(found.dtype)))


@op("a list -> broadcast")
def minimum_all(tensors: list[Operand]) -> Inferred:
    """The smallest number at each place of the tensors in a list, which broadcast."""
    return _together(tensors, ordered=True)


@op("a list -> broadcast")
def maximum_all(tensors: list[Operand]) -> Inferred:
    """The largest number at each place of the tensors in a list, which broadcast."""
    return _together(tensors, ordered=True)


def _rounded(x: TensorType) -> Inferred:
    need_ordered(x)
    _no_booleans(x)
    return Inferred(x)


def _no_booleans(x: TensorType) -> None:
    if x.dtype == "bool":
        need_float(x)


def _extreme(left: Operand, right: Operand) -> Inferred:
    for operand, name in ((left, "left"), (right, "right")):
        if isinstance(operand, TensorType) and operand.dtype not in FLOATS:
            need_ordered(operand, name)
    return Inferred(TensorType(broadcast(left, right, "left", "right"), promote(left, right)))


def _together(tensors: list[Operand], *, ordered: bool) -> Inferred:
    if not tensors:
        raise OpFault("value", "the list of tensors is empty", "tensors", label="give at least one tensor")
    if ordered:
        for operand in tensors:
            if isinstance(operand, TensorType):
                need_ordered(operand, "tensors")
    dtype = promote(*tensors)
    return Inferred(
        TensorType(broadcast_all(tensors, "tensors"), "int64" if dtype == "bool" and not ordered else dtype)
    )
