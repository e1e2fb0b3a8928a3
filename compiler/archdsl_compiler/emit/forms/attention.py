"""Attention over a part of a map, as a layer that holds the tables of who asks whom."""

from collections.abc import Mapping

from archdsl_compiler.emit.code import Apply, Expression, Raw, call
from archdsl_compiler.emit.forms.contract import CallView, Layer


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
