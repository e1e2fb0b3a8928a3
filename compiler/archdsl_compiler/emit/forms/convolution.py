"""Convolutions. Padding that differs at the two ends follows the size of the input, by classes of the prelude."""

from collections.abc import Mapping

from archdsl_compiler.emit.code import Apply, Expression, Number, Row, call
from archdsl_compiler.emit.forms.contract import CallView, Layer, optional, with_bias


def conv(view: CallView) -> Layer:
    x, rank = view.input("x"), len(view.type("x").shape) - 2
    inside = view.size(view.type("x").shape[1], name="in_channels")
    kernel, groups, bias = view.collapsed("kernel"), view.option("groups", 1), view.option("bias", True)
    slides = _slides(view)
    name = f"SameConv{rank}d" if pads_ends_apart(view) else f"nn.Conv{rank}d"
    constructor = call(name, inside, view.number("out"), kernel, **slides, groups=groups, bias=bias)

    def functional(held: Mapping[str, Expression]) -> Apply:
        return with_bias(f"F.conv{rank}d", _padded(view, x), held, **slides, groups=groups)

    return Layer(constructor, (x,), functional)


def convolve(view: CallView) -> Expression:
    x, rank = view.input("x"), len(view.type("x").shape) - 2
    arguments = (_padded(view, x), view.input("weight"))
    return call(f"F.conv{rank}d", *arguments, **_slides(view), groups=view.option("groups", 1))


def conv_transpose(view: CallView) -> Layer:
    x, rank = view.input("x"), len(view.type("x").shape) - 2
    inside = view.size(view.type("x").shape[1], name="in_channels")
    groups, bias = view.option("groups", 1), view.option("bias", True)
    slides = {
        "stride": view.collapsed("stride", 1),
        "padding": view.collapsed("padding", 0),
        "output_padding": view.collapsed("extra", 0),
    }
    sizes = (inside, view.number("out"), view.collapsed("kernel"))
    constructor = call(f"nn.ConvTranspose{rank}d", *sizes, **slides, groups=groups, bias=bias)

    def functional(held: Mapping[str, Expression]) -> Apply:
        return with_bias(f"F.conv_transpose{rank}d", x, held, **slides, groups=groups)

    return Layer(constructor, (x,), functional)


def pads_ends_apart(view: CallView) -> bool:
    """Whether padding="same" came to other numbers before than after."""
    padding = view.value("padding")
    return isinstance(padding, tuple) and isinstance(padding[0], tuple)


def pad_same(view: CallView, x: Expression, **named: Expression) -> Expression:
    """What padding="same" adds, as a function of the prelude that reads the size of the input."""
    strides = Row(view.numbers("stride"))
    names = ("kernel", "stride", "dilation") if "dilation" in view.call.resolved else ("kernel", "stride")
    rows = [Row(view.numbers(name)) if name != "kernel" else Row(_kernel(view)) for name in names]
    if len(rows) < 3:
        rows.append(Row(tuple(Number(1) for _ in strides.items)))
    return call("pad_same", x, *rows, **named)


def _kernel(view: CallView) -> tuple[Expression, ...]:
    """The sizes of the kernel; those of a weight that is computed are no setting."""
    if any(setting.name == "kernel" for setting in view.call.op.settings):
        return view.numbers("kernel")
    return view.sizes(view.value("kernel")).items


def _padded(view: CallView, x: Expression) -> Expression:
    return pad_same(view, x) if pads_ends_apart(view) else x


def _slides(view: CallView) -> dict[str, Expression]:
    stride, dilation = view.collapsed("stride", 1), view.collapsed("dilation", 1)
    if pads_ends_apart(view):
        return {"stride": stride, "dilation": dilation}
    return {"stride": stride, "padding": _padding(view), "dilation": dilation}


def _padding(view: CallView) -> Expression:
    if view.as_given("padding") is not None:
        return view.collapsed("padding", 0)
    found = view.collapsed("padding")
    kernel = view.hint("kernel")
    if isinstance(found, Number) and kernel and kernel[0] not in "([" and not kernel.isdigit():
        # What the kernel decided is written by the kernel where that has a name.
        half = f"{kernel} // 2" if kernel.isidentifier() else f"({kernel}) // 2"
        dilation = view.hint("dilation")
        found = Number(
            found.value, f"({dilation}) * {half}" if dilation and not dilation.isdigit() else half, "padding"
        )
    return optional(found, 0)
