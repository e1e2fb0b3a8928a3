"""Attention: PyTorch's own, and over a part of a map, as a layer that holds the tables of who asks whom."""

from collections.abc import Mapping

from archdsl_compiler.emit.code import Apply, Expression, Raw, call, method
from archdsl_compiler.emit.forms.contract import CallView, Layer


def scaled_dot_product(view: CallView) -> Expression:
    """A bias of fewer axes is given those of the scores: the kernels that never hold the scores take no other."""
    inputs = [view.input(name) for name in ("q", "k", "v")]
    options: dict[str, Expression] = {}
    if view.given("bias"):
        bias = view.input("bias")
        missing = len(view.type("q").shape) - len(view.type("bias").shape)
        for _ in range(missing if len(view.type("bias").shape) > 2 else 0):
            bias = method(bias, "unsqueeze", Raw("0"))
        options["attn_mask"] = bias
    if view.as_given("scale") is not None:
        options["scale"] = view.number("scale")
    return call("F.scaled_dot_product_attention", *inputs, **options)


def neighborhood_attention(view: CallView) -> Layer:
    named: dict[str, Expression] = {"dilation": view.collapsed("dilation", 1)}
    if view.value("scale") is not None:
        named["scale"] = view.number("scale")
    inputs = [view.input(name) for name in ("q", "k", "v")]
    if view.given("bias"):
        named["biased"] = Raw("True")
        inputs.append(view.input("bias"))
    size = view.sizes(view.type("q").shape[1:3])
    constructor = call("NeighborhoodAttention", size, view.collapsed("kernel"), **named)

    def functional(_: Mapping[str, Expression]) -> Apply:
        return Apply(constructor, tuple(inputs))

    return Layer(constructor, tuple(inputs), functional)
