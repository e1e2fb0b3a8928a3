"""Pools over windows, and to a given size. The mean over a whole map is `mean(axes=(2, 3))`."""

from archdsl_compiler.ops.checks import at_least, each, need_float, need_rank, one_of
from archdsl_compiler.ops.contract import Inferred, OpFault, Padding, Sizes, op
from archdsl_compiler.ops.windows import Window, slide, window
from archdsl_compiler.types import TensorType

MAP = "[b, c, size...] with one to three sizes"


@op("[b, c, size...] -> [b, c, ...]")
def avg_pool(
    x: TensorType,
    *,
    kernel: Sizes,
    stride: Sizes | None = None,
    padding: Padding = 0,
    ceil: bool = False,
    count_padding: bool = True,
) -> Inferred:
    """The mean of each window; windows lie side by side unless a stride is given. `ceil` keeps a last window that
    reaches over the end, if it begins inside; `count_padding=false` divides by the numbers that are really there."""
    return _pooled(x, kernel, stride, padding, ceil)


@op("[b, c, size...] -> [b, c, ...]")
def max_pool(
    x: TensorType, *, kernel: Sizes, stride: Sizes | None = None, padding: Padding = 0, ceil: bool = False
) -> Inferred:
    """The largest number of each window; windows lie side by side unless a stride is given. `ceil` keeps a last
    window that reaches over the end, if it begins inside."""
    return _pooled(x, kernel, stride, padding, ceil)


@op("[b, c, size...] -> [b, c, size...]")
def adaptive_pool(x: TensorType, *, size: Sizes, mode: str = "avg") -> Inferred:
    """Pools to the given size, by windows of nearly equal length; `mode` is "avg" or "max"."""
    need_rank(x, 3, 5, MAP)
    need_float(x)
    one_of(mode, ("avg", "max"), "mode")
    sizes = each(size, len(x.shape) - 2, "size")
    for number in sizes:
        at_least(number, 1, "size")
    return Inferred(x.reshaped(*x.shape[:2], *sizes), (), 0, {"size": sizes})


def _pooled(x: TensorType, kernel: Sizes, stride: Sizes | None, padding: Padding, ceil: bool) -> Inferred:
    need_rank(x, 3, 5, MAP)
    need_float(x)
    used = window(x.shape[2:], kernel, kernel if stride is None else stride, padding)
    if not isinstance(padding, str):
        _need_small_padding(used)
    return Inferred(x.reshaped(*x.shape[:2], *slide(x, used, ceil=ceil)), (), 0, used.resolved(dilation=False))


def _need_small_padding(used: Window) -> None:
    """A window must hold something of the input."""
    for size, padding in zip(used.kernel, used.before, strict=True):
        if type(size) is int and type(padding) is int and 2 * padding > size:
            message = f"`padding={padding}` is more than half of `kernel={size}`"
            raise OpFault("value", message, "padding", "kernel", label=f"use {size // 2} or less")
