"""Pools. Padding that differs at the two ends follows the size of the input."""

from archdsl_compiler.emit.code import Apply, Expression, Infix, Raw, call
from archdsl_compiler.emit.forms.contract import CallView
from archdsl_compiler.emit.forms.convolution import pad_same, pads_ends_apart


def avg_pool(view: CallView) -> Expression:
    x = view.input("x")
    if not pads_ends_apart(view):
        return _pool("avg", view, x, count_include_pad=view.option("count_padding", True))
    summed = _pool("avg", view, pad_same(view, x))
    if view.value("count_padding"):
        return summed
    return Infix("/", summed, _pool("avg", view, pad_same(view, call("torch.ones_like", x))))


def max_pool(view: CallView) -> Expression:
    x = view.input("x")
    if pads_ends_apart(view):
        x = pad_same(view, x, value=Raw("-torch.inf"))
    return _pool("max", view, x)


def adaptive_pool(view: CallView) -> Expression:
    rank = len(view.type("x").shape) - 2
    return call(f"F.adaptive_{view.value('mode')}_pool{rank}d", view.input("x"), view.collapsed("size"))


def _pool(sort: str, view: CallView, x: Expression, **named: Expression) -> Apply:
    # PyTorch takes the kernel for a stride that is left out, so it is left out only where it is the kernel.
    stride = {} if view.value("stride") == view.value("kernel") else {"stride": view.collapsed("stride")}
    rank = len(view.type("x").shape) - 2
    if not pads_ends_apart(view):
        named = {"padding": view.collapsed("padding", 0), "ceil_mode": view.option("ceil", False), **named}
    return call(f"F.{sort}_pool{rank}d", x, view.collapsed("kernel"), **stride, **named)
