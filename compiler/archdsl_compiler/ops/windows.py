"""Windows that slide over the spatial axes: the arithmetic that convolutions, pools, `unfold` and `fold` share.

The settings as they turn out are tuples with one number for each axis. Only `padding` can differ at the two ends of
an axis (padding="same"); then it is a pair for each axis."""

from collections.abc import Mapping
from dataclasses import dataclass

from archdsl_compiler.ops.checks import at_least, each, holds, show, whole
from archdsl_compiler.ops.contract import OpFault, Padding, Sizes
from archdsl_compiler.sizes import Size, apply, compare
from archdsl_compiler.types import TensorType


@dataclass(frozen=True, slots=True)
class Window:
    """One number for each spatial axis in every field; `before` and `after` are the padding at both
    ends, `same` says that they were made to give a place for every stride."""

    kernel: tuple[Size, ...]
    stride: tuple[Size, ...]
    dilation: tuple[Size, ...]
    before: tuple[Size, ...]
    after: tuple[Size, ...]
    same: bool = False

    def span(self, axis: int) -> Size:
        """How far the kernel reaches, with the gaps that dilation makes."""
        return whole(self.dilation[axis] * (self.kernel[axis] - 1) + 1)

    @property
    def padding(self) -> tuple[object, ...]:
        return self.before if self.before == self.after else tuple(zip(self.before, self.after, strict=True))

    def resolved(self, *, dilation: bool = True) -> Mapping[str, object]:
        found: dict[str, object] = {"kernel": self.kernel, "stride": self.stride, "padding": self.padding}
        if dilation:
            found["dilation"] = self.dilation
        return found


def window(
    sizes: tuple[Size, ...],
    kernel: Sizes,
    stride: Sizes,
    padding: Padding | None,
    dilation: Sizes = 1,
    *,
    by_kernel: bool = False,
) -> Window:
    """The settings for these spatial sizes. Without a padding it is 0, or with `by_kernel` follows the kernel."""
    count = len(sizes)
    kernels = _positive_each(kernel, count, "kernel")
    strides = _positive_each(stride, count, "stride")
    dilations = _positive_each(dilation, count, "dilation")
    if isinstance(padding, str):
        if padding != "same":
            message = f'`padding="{padding}"` is not known; padding is numbers or "same"'
            raise OpFault("value", message, "padding", label='give numbers, or "same"')
        pairs = [_same_padding(*numbers) for numbers in zip(sizes, kernels, strides, dilations, strict=True)]
        return Window(kernels, strides, dilations, tuple(p[0] for p in pairs), tuple(p[1] for p in pairs), True)
    if padding is not None:
        paddings = each(padding, count, "padding")
        for number in paddings:
            at_least(number, 0, "padding")
    elif by_kernel:
        # `k % 2` is 1 for odd kernels: nothing is padded for even ones.
        paddings = tuple(whole(k % 2 * (d * (k - 1) // 2)) for k, d in zip(kernels, dilations, strict=True))
    else:
        paddings = (0,) * count
    return Window(kernels, strides, dilations, paddings, paddings)


def slide(x: TensorType, used: Window, *, ceil: bool = False, by: str = "kernel") -> tuple[Size, ...]:
    """How many places the window has along each spatial axis of [b, c, size...]; `by` is the argument that has the
    kernel."""
    return tuple(_places(x, used, axis, ceil, by) for axis in range(len(used.kernel)))


def unslide(places: tuple[Size, ...], used: Window) -> tuple[Size, ...]:
    """The sizes that a window covers when it stands at that many places: the reverse of `slide`."""
    return tuple(
        whole((n - 1) * s - b - a + used.span(axis))
        for axis, (n, s, b, a) in enumerate(zip(places, used.stride, used.before, used.after, strict=True))
    )


def _places(x: TensorType, used: Window, axis: int, ceil: bool, by: str) -> Size:
    size, stride, before = x.shape[axis + 2], used.stride[axis], used.before[axis]
    if used.same:
        return whole((size + stride - 1) // stride)
    span, room = used.span(axis), whole(size + before + used.after[axis])
    places = whole((room - span + stride) // stride)
    if ceil:
        # Rounding up may add one window, which must begin inside the input or the padding before it.
        rounded = whole((room - span + stride + stride - 1) // stride)
        started = whole((size + before - 1 + stride) // stride)
        if _always("<=", rounded, started):
            places = rounded
        else:
            places = started if _always(">=", rounded, started) else whole(apply("min", rounded, started))
    if not (places >= 1 if type(places) is int else holds(">=", places, 1)):
        reach = f"{room} place{'' if room == 1 else 's'}" + ("" if room == size else " with its padding")
        message = f"the kernel {show(used.kernel)} covers {span} places, but axis {axis + 2} of {x} has only {reach}"
        raise OpFault("size", message, by, "x", label="use a smaller kernel, a larger input or more padding")
    return places


def _positive_each(value: Sizes, count: int, argument: str) -> tuple[Size, ...]:
    numbers = each(value, count, argument)
    for number in numbers:
        at_least(number, 1, argument)
    return numbers


def _same_padding(size: Size, kernel: Size, stride: Size, dilation: Size) -> tuple[Size, Size]:
    """TensorFlow's: as many places as the stride allows, and the odd one out at the end."""
    places = (size + stride - 1) // stride
    total = apply("max", (places - 1) * stride + dilation * (kernel - 1) + 1 - size, 0)
    return whole(total // 2), whole(total - total // 2)


def _always(operator: str, left: Size, right: Size) -> bool:
    return compare(operator, left, right) is True
