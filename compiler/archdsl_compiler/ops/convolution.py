"""Convolutions over one, two or three spatial axes."""

from archdsl_compiler.ops.checks import (
    at_least,
    each,
    need_divisor,
    need_float,
    need_rank,
    parameter,
    positive,
    product,
    whole,
)
from archdsl_compiler.ops.contract import Inferred, Init, OpFault, Padding, Parameter, Sizes, op
from archdsl_compiler.ops.windows import Window, slide, unslide, window
from archdsl_compiler.sizes import Size, same
from archdsl_compiler.types import TensorType

MAP = "[b, c, size...] with one to three sizes"


@op(
    "[b, c, size...] -> [b, out, ...]",
    cost="c // groups * out * the places of the kernel, for each place of the result",
    state="weight [out, c // groups, kernel...], bias [out]",
)
def conv(
    x: TensorType,
    *,
    out: Size,
    kernel: Sizes,
    stride: Sizes = 1,
    padding: Padding | None = None,
    dilation: Sizes = 1,
    groups: Size = 1,
    bias: bool = True,
    init: Init = None,
    init_bias: Init = None,
) -> Inferred:
    """A learned convolution of one, two or three spatial axes. Its padding follows the kernel, axis by axis:
    `dilation * (k - 1) // 2` for an odd one, 0 for an even one; `padding="same"` is TensorFlow's, which may pad more
    at the end. `groups=c` treats each channel by itself."""
    need_rank(x, 3, 5, MAP)
    need_float(x)
    at_least(out, 1, "out")
    channels = x.shape[1]
    _need_groups(groups, channels, "the {} input channels", "x")
    _need_groups(groups, out, "`out={}`", "out")
    used = window(x.shape[2:], kernel, stride, padding, dilation, by_kernel=True)
    share = whole(channels // groups)
    parameters = _weights((out, share, *used.kernel), out, bias, init, init_bias)
    return _convolved(x, used, out, share, parameters)


@op(
    "[b, c, size...], [out, c // groups, kernel...] -> [b, out, ...]",
    cost="c // groups * out * the places of the kernel, for each place of the result",
)
def convolve(
    x: TensorType,
    weight: TensorType,
    *,
    stride: Sizes = 1,
    padding: Padding | None = None,
    dilation: Sizes = 1,
    groups: Size = 1,
) -> Inferred:
    """The convolution with a weight that is computed; otherwise as `conv` without a bias."""
    need_rank(x, 3, 5, MAP)
    need_float(x)
    need_rank(weight, len(x.shape), len(x.shape), "[out, c // groups, kernel...] with as many axes as `x`", "weight")
    need_float(weight, "weight")
    channels, (out, share) = x.shape[1], weight.shape[:2]
    _need_groups(groups, channels, "the {} input channels", "x")
    _need_groups(groups, out, "the {} output channels of `weight`", "weight")
    if not same(whole(channels // groups), share):
        message = (
            f"`weight` is {weight}, for {share} channels a group; `x` is {x} with {whole(channels // groups)} a group"
        )
        raise OpFault("mismatch", message, "weight", "x", label=f"axis 1 must be {whole(channels // groups)}")
    used = window(x.shape[2:], weight.shape[2:], stride, padding, dilation, by_kernel=True)
    return _convolved(x, used, out, share, (), by="weight")


@op(
    "[b, c, size...] -> [b, out, ...]",
    cost="c // groups * out * the places of the kernel, for each place of `x`",
    state="weight [c, out // groups, kernel...], bias [out]",
)
def conv_transpose(
    x: TensorType,
    *,
    out: Size,
    kernel: Sizes,
    stride: Sizes = 1,
    padding: Sizes = 0,
    extra: Sizes = 0,
    groups: Size = 1,
    bias: bool = True,
    init: Init = None,
    init_bias: Init = None,
) -> Inferred:
    """The transposed convolution: each place of `x` adds a kernel to the result, `stride` apart. `padding` is cut off
    at both ends, `extra` is added at the end, for sizes that the stride does not reach."""
    need_rank(x, 3, 5, MAP)
    need_float(x)
    at_least(out, 1, "out")
    channels = x.shape[1]
    _need_groups(groups, channels, "the {} input channels", "x")
    _need_groups(groups, out, "`out={}`", "out")
    used = window(x.shape[2:], kernel, stride, padding)
    extras = each(extra, len(used.kernel), "extra")
    for number, step in zip(extras, used.stride, strict=True):
        at_least(number, 0, "extra")
        if type(number) is int and type(step) is int and number >= step:
            raise OpFault(
                "value",
                f"`extra={number}` must be less than `stride={step}`",
                "extra",
                "stride",
                label="use a smaller number",
            )
    sizes = tuple(whole(n + e) for n, e in zip(unslide(x.shape[2:], used), extras, strict=True))
    for axis, size in enumerate(sizes):
        positive(size, f"axis {axis + 2} of the result", "padding", "x", label="use less padding, or a larger kernel")
    share = whole(out // groups)
    parameters = _weights((channels, share, *used.kernel), out, bias, init, init_bias)
    macs = product((*x.shape, share, *used.kernel))
    return Inferred(
        x.reshaped(x.shape[0], out, *sizes), parameters, macs, {**used.resolved(dilation=False), "extra": extras}
    )


def _convolved(
    x: TensorType, used: Window, out: Size, share: Size, parameters: tuple[Parameter, ...], by: str = "kernel"
) -> Inferred:
    shape = (x.shape[0], out, *slide(x, used, by=by))
    return Inferred(x.reshaped(*shape), parameters, product((*shape, share, *used.kernel)), used.resolved())


def _need_groups(groups: Size, size: Size, what: str, other: str) -> None:
    if groups != 1:
        at_least(groups, 1, "groups")
        need_divisor(groups, size, "groups", other, what.format(size))


def _weights(shape: tuple[Size, ...], out: Size, bias: bool, init: Init, init_bias: Init) -> tuple[Parameter, ...]:
    weight = parameter("weight", shape, init)
    return (weight, parameter("bias", (out,), init_bias)) if bias else (weight,)
