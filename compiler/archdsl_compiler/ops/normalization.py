"""Normalization: with statistics of the batch, of groups of channels, of an axis, and without any parameters."""

from archdsl_compiler.ops.broadcasting import broadcast
from archdsl_compiler.ops.checks import (
    above_zero,
    at_least,
    axis_of,
    need_divisor,
    need_float,
    need_rank,
    parameter,
    within,
)
from archdsl_compiler.ops.contract import Inferred, Init, OpFault, Parameter, Real, op
from archdsl_compiler.ops.dtypes import promote
from archdsl_compiler.sizes import Size
from archdsl_compiler.types import TensorType

CHANNELS = "[b, c, ...]"


@op("[b, c, ...] -> the same", state="weight [c], bias [c], running_mean [c], running_var [c], num_batches_tracked []")
def batch_norm(
    x: TensorType,
    *,
    eps: Real = 1e-5,
    axis: int = 1,
    affine: bool = True,
    momentum: Real = 0.1,
    init: Init = None,
    init_bias: Init = None,
) -> Inferred:
    """Normalizes each channel over everything else: by the statistics of the batch in training, by running ones
    afterwards. `axis=-1` takes channels that come last, as in tokens."""
    need_rank(x, 2, None, CHANNELS)
    need_float(x)
    above_zero(eps, "eps")
    within(momentum, 0, 1, "momentum")
    place = axis_of(axis, x)
    if place == 0:
        raise OpFault(
            "axis",
            f"`axis={axis}` is the batch, over which the statistics are taken",
            "axis",
            label="name the channels",
        )
    channels = x.shape[place]
    running = (
        parameter("running_mean", (channels,), 0.0, trainable=False),
        parameter("running_var", (channels,), 1.0, trainable=False),
        Parameter("num_batches_tracked", (), 0, trainable=False, dtype="int64"),
    )
    return Inferred(x, (*_affine(channels, affine, True, init, init_bias), *running), 0, {"axis": place})


@op("[b, c, ...] -> the same", state="weight [c], bias [c]")
def instance_norm(
    x: TensorType, *, eps: Real = 1e-5, affine: bool = True, init: Init = None, init_bias: Init = None
) -> Inferred:
    """Normalizes each channel of each picture over its places."""
    need_rank(x, 3, 5, "[b, c, size...] with one to three sizes")
    need_float(x)
    above_zero(eps, "eps")
    if all(size == 1 for size in x.shape[2:]):
        raise OpFault(
            "size",
            f"{x} has a single place for each channel, so nothing would be left of it",
            "x",
            label="norm before pooling",
        )
    return Inferred(x, _affine(x.shape[1], affine, True, init, init_bias))


@op("[b, c, ...] -> the same", state="weight [c], bias [c]")
def group_norm(
    x: TensorType, *, groups: Size, eps: Real = 1e-5, affine: bool = True, init: Init = None, init_bias: Init = None
) -> Inferred:
    """Normalizes each group of channels of each picture over its channels and places."""
    need_rank(x, 2, None, CHANNELS)
    need_float(x)
    above_zero(eps, "eps")
    at_least(groups, 1, "groups")
    need_divisor(groups, x.shape[1], "groups", "x", f"the {x.shape[1]} channels")
    return Inferred(x, _affine(x.shape[1], affine, True, init, init_bias))


@op("any -> the same", state="weight [n], bias [n], n the size of the axis")
def layer_norm(
    x: TensorType,
    *,
    eps: Real = 1e-5,
    axis: int = -1,
    affine: bool = True,
    bias: bool = True,
    init: Init = None,
    init_bias: Init = None,
) -> Inferred:
    """Normalizes over one axis; `axis=1` normalizes the channels of a map at each place."""
    place = _vector_axis(x, axis, eps)
    return Inferred(x, _affine(x.shape[place], affine, bias, init, init_bias), 0, {"axis": place})


@op("any -> the same", state="weight [n], n the size of the axis")
def rms_norm(x: TensorType, *, eps: Real = 1e-6, axis: int = -1, affine: bool = True, init: Init = None) -> Inferred:
    """Divides by the root of the mean square over one axis. The mean is not taken away, and there is no bias."""
    place = _vector_axis(x, axis, eps)
    return Inferred(x, _affine(x.shape[place], affine, False, init, None), 0, {"axis": place})


@op("any -> the same")
def normalize(x: TensorType, *, axis: int = -1, eps: Real = 1e-12) -> Inferred:
    """Divides by the Euclidean length over one axis, which is taken as `eps` where it is smaller."""
    return Inferred(x, (), 0, {"axis": _vector_axis(x, axis, eps)})


@op("any, any -> broadcast without the axis")
def cosine_similarity(left: TensorType, right: TensorType, *, axis: int = -1, eps: Real = 1e-8) -> Inferred:
    """The cosine of the angle between the vectors of two tensors along one axis."""
    need_float(left, "left")
    need_float(right, "right")
    above_zero(eps, "eps")
    shape = broadcast(left, right, "left", "right")
    place = axis_of(axis, TensorType(shape), of="left")
    return Inferred(TensorType((*shape[:place], *shape[place + 1 :]), promote(left, right)), (), 0, {"axis": place})


@op("[b, c, ...] -> the same")
def local_response_norm(x: TensorType, *, size: Size, alpha: Real = 1e-4, beta: Real = 0.75, k: Real = 1.0) -> Inferred:
    """Divides each channel by `(k + alpha * m) ** beta`, m being the mean square of `size` neighbouring channels."""
    need_rank(x, 3, None, CHANNELS)
    need_float(x)
    at_least(size, 1, "size")
    return Inferred(x)


def _vector_axis(x: TensorType, axis: int, eps: Real) -> int:
    need_rank(x, 1, None, "a tensor with axes")
    need_float(x)
    above_zero(eps, "eps")
    return axis_of(axis, x)


def _affine(size: Size, affine: bool, bias: bool, init: Init, init_bias: Init) -> tuple[Parameter, ...]:
    if not affine:
        return ()
    weight = parameter("weight", (size,), init)
    return (weight, parameter("bias", (size,), init_bias)) if bias else (weight,)
