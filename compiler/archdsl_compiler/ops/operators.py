"""The operators of the language on tensors: arithmetic, comparison and logic, element by element, broadcasting from
the right. A number may stand on one side."""

from archdsl_compiler.ops.broadcasting import broadcast
from archdsl_compiler.ops.contract import Inferred, Operand, OpFault, op
from archdsl_compiler.ops.dtypes import dtype_of, promote, real_if_whole
from archdsl_compiler.sizes import compare
from archdsl_compiler.types import TensorType

TWO = "any, any -> broadcast"


@op(TWO)
def add(left: Operand, right: Operand) -> Inferred:
    """`left + right`."""
    return Inferred(_together(left, right))


@op(TWO)
def subtract(left: Operand, right: Operand) -> Inferred:
    """`left - right`."""
    _no_booleans("-", left, right)
    return Inferred(_together(left, right))


@op(TWO)
def multiply(left: Operand, right: Operand) -> Inferred:
    """`left * right`."""
    return Inferred(_together(left, right))


@op(TWO)
def divide(left: Operand, right: Operand) -> Inferred:
    """`left / right`, real also for whole numbers."""
    found = _together(left, right)
    return Inferred(found.cast(real_if_whole(found.dtype)))


@op(TWO)
def floor_divide(left: Operand, right: Operand) -> Inferred:
    """`left // right`, rounded down."""
    _no_complex("//", left, right)
    _no_booleans("//", left, right)
    return Inferred(_together(left, right))


@op(TWO)
def remainder(left: Operand, right: Operand) -> Inferred:
    """`left % right`, with the sign of `right`."""
    _no_complex("%", left, right)
    _no_booleans("%", left, right)
    return Inferred(_together(left, right))


@op(TWO)
def power(left: Operand, right: Operand) -> Inferred:
    """`left ** right`."""
    _no_booleans("**", left, right)
    if not isinstance(right, TensorType) and dtype_of(left) == dtype_of(right) == "int64" and compare("<", right, 0):
        message = f"whole numbers to the power of {right} are not whole"
        raise OpFault("value", message, "right", "left", label=f"write {right}.0, or cast the tensor")
    return Inferred(_together(left, right))


@op("any -> the same")
def negate(x: TensorType) -> Inferred:
    """`-x`."""
    _no_booleans("-", x, names=("x",))
    return Inferred(x)


@op(TWO)
def equal(left: Operand, right: Operand) -> Inferred:
    """`left == right`."""
    return _comparison(left, right)


@op(TWO)
def not_equal(left: Operand, right: Operand) -> Inferred:
    """`left != right`."""
    return _comparison(left, right)


@op(TWO)
def less(left: Operand, right: Operand) -> Inferred:
    """`left < right`."""
    _no_complex("<", left, right)
    return _comparison(left, right)


@op(TWO)
def less_equal(left: Operand, right: Operand) -> Inferred:
    """`left <= right`."""
    _no_complex("<=", left, right)
    return _comparison(left, right)


@op(TWO)
def greater(left: Operand, right: Operand) -> Inferred:
    """`left > right`."""
    _no_complex(">", left, right)
    return _comparison(left, right)


@op(TWO)
def greater_equal(left: Operand, right: Operand) -> Inferred:
    """`left >= right`."""
    _no_complex(">=", left, right)
    return _comparison(left, right)


@op("bool, bool -> broadcast")
def logical_and(left: Operand, right: Operand) -> Inferred:
    """Whether both hold."""
    _only_booleans(left, right)
    return _comparison(left, right)


@op("bool, bool -> broadcast")
def logical_or(left: Operand, right: Operand) -> Inferred:
    """Whether one of both holds."""
    _only_booleans(left, right)
    return _comparison(left, right)


@op("bool -> the same")
def logical_not(x: TensorType) -> Inferred:
    """Whether it does not hold."""
    _only_booleans(x, names=("x",))
    return Inferred(x)


def _together(left: Operand, right: Operand) -> TensorType:
    if isinstance(left, TensorType) and left == right:
        return left
    return TensorType(broadcast(left, right, "left", "right"), promote(left, right))


def _comparison(left: Operand, right: Operand) -> Inferred:
    return Inferred(TensorType(broadcast(left, right, "left", "right"), "bool"))


def _no_booleans(sign: str, *operands: Operand, names: tuple[str, ...] = ("left", "right")) -> None:
    for operand, name in zip(operands, names, strict=True):
        if isinstance(operand, TensorType) and operand.dtype == "bool":
            raise OpFault(
                "dtype",
                f"`{sign}` takes numbers; this is {operand}",
                name,
                label="cast it: `int64(...)` or `float32(...)`",
            )


def _no_complex(sign: str, *operands: Operand) -> None:
    for operand, name in zip(operands, ("left", "right"), strict=True):
        if isinstance(operand, TensorType) and operand.dtype == "complex":
            raise OpFault(
                "dtype", f"`{sign}` takes no complex numbers; this is {operand}", name, label="split it by `as_real`"
            )


def _only_booleans(*operands: Operand, names: tuple[str, ...] = ("left", "right")) -> None:
    for operand, name in zip(operands, names, strict=True):
        if dtype_of(operand) != "bool":
            raise OpFault("dtype", f"logic takes booleans; this is {operand}", name, label="compare it, as in `x > 0`")
