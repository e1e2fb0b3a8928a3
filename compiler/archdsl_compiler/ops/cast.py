"""Casts. Each name is also a wrapper of the language where it is a float: `float32(f)` runs `f` in that dtype."""

from archdsl_compiler.ops.contract import Inferred, OpFault, op
from archdsl_compiler.types import TensorType


@op("any -> float32", category="cast")
def float32(x: TensorType) -> Inferred:
    """The same numbers in 32 bits."""
    return _cast(x, "float32")


@op("any -> float16", category="cast")
def float16(x: TensorType) -> Inferred:
    """The nearest numbers in 16 bits, none above 65504."""
    return _cast(x, "float16")


@op("any -> bfloat16", category="cast")
def bfloat16(x: TensorType) -> Inferred:
    """The nearest numbers in 16 bits with the range of float32 and 8 bits of precision."""
    return _cast(x, "bfloat16")


@op("any -> int64", category="cast")
def int64(x: TensorType) -> Inferred:
    """Whole numbers; fractions are cut off."""
    return _cast(x, "int64")


@op("any -> bool", category="cast")
def bool_(x: TensorType) -> Inferred:
    """Whether the number is not 0."""
    return _cast(x, "bool")


def _cast(x: TensorType, dtype: str) -> Inferred:
    if x.dtype == "complex":
        raise OpFault("dtype", f"a complex tensor cannot be cast: {x}", "x", label="split it by `as_real`")
    return Inferred(x.cast(dtype))
