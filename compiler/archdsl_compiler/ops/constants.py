"""Tensors that no input makes: parameters, buffers and constants."""

from dataclasses import replace
from typing import get_args

from archdsl_compiler.ops.checks import at_least, one_of, parameter, positive_shape
from archdsl_compiler.ops.contract import DType, Inferred, Init, Shape, op
from archdsl_compiler.ops.patterns import need_places
from archdsl_compiler.sizes import Size
from archdsl_compiler.types import TensorType


@op("-> shape", state="the parameter itself, under its label")
def param(*, shape: Shape, init: Init = 0.0, dtype: DType = "float32", resize: str = "", prefix: Size = 0) -> Inferred:
    """A learned tensor. Its label is its name in the state dict. One that has values for each place of a map names
    the map's axes, as in `resize="1 (h w) c"`: weights of a model for another size of picture are then resized along
    `h` and `w`. The first `prefix` rows, such as a class token's, belong to no place and are kept."""
    one_of(dtype, get_args(DType), "dtype")
    found = positive_shape(shape, "shape")
    entry = parameter("", found, init, source="shape", trainable=dtype not in ("int64", "bool"), dtype=dtype)
    need_places(resize, prefix, found)
    entry = replace(entry, resize=resize, prefix=prefix)
    # A float32 parameter follows the model when that is run in another dtype.
    return Inferred(TensorType(found, "real" if dtype == "float32" else dtype), (entry,))


@op("any -> the same", state="the value under its label, if `saved`")
def buffer(value: TensorType, *, saved: bool = False) -> Inferred:
    """A constant that is computed once and moves with the model; `saved` puts it in the state dict under its label."""
    dtype = "float32" if value.dtype == "real" else value.dtype
    return Inferred(value, (parameter("", value.shape, source="value", trainable=False, dtype=dtype),) if saved else ())


@op("-> int64[n]")
def arange(*, n: Size) -> Inferred:
    """The whole numbers from 0 to `n - 1`."""
    at_least(n, 1, "n")
    return Inferred(TensorType((n,), "int64"))


@op("-> shape")
def zeros(*, shape: Shape) -> Inferred:
    """Zeros."""
    return Inferred(TensorType(positive_shape(shape, "shape")))


@op("-> shape")
def ones(*, shape: Shape) -> Inferred:
    """Ones."""
    return Inferred(TensorType(positive_shape(shape, "shape")))
