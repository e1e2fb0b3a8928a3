"""Activations. Only `prelu` learns."""

from archdsl_compiler.emit.code import Expression, call, method
from archdsl_compiler.emit.forms.contract import CallView, Layer


def relu(view: CallView) -> Expression:
    return call("F.relu", view.input("x"))


def relu6(view: CallView) -> Expression:
    return call("F.relu6", view.input("x"))


def gelu(view: CallView) -> Expression:
    return call("F.gelu", view.input("x"), approximate=view.option("approximate", "none"))


def silu(view: CallView) -> Expression:
    return call("F.silu", view.input("x"))


def mish(view: CallView) -> Expression:
    return call("F.mish", view.input("x"))


def sigmoid(view: CallView) -> Expression:
    return method(view.input("x"), "sigmoid")


def log_sigmoid(view: CallView) -> Expression:
    return call("F.logsigmoid", view.input("x"))


def tanh(view: CallView) -> Expression:
    return method(view.input("x"), "tanh")


def hard_swish(view: CallView) -> Expression:
    return call("F.hardswish", view.input("x"))


def hard_sigmoid(view: CallView) -> Expression:
    return call("F.hardsigmoid", view.input("x"))


def leaky_relu(view: CallView) -> Expression:
    return call("F.leaky_relu", view.input("x"), view.number("slope"))


def elu(view: CallView) -> Expression:
    return call("F.elu", view.input("x"), alpha=view.option("alpha", 1.0))


def selu(view: CallView) -> Expression:
    return call("F.selu", view.input("x"))


def prelu(view: CallView) -> Layer:
    x = view.input("x")
    slopes = () if view.value("shared") else (view.size(view.type("x").shape[1], name="channels"),)
    return Layer(call("nn.PReLU", *slopes), (x,), lambda held: call("F.prelu", x, held["weight"]))


def softplus(view: CallView) -> Expression:
    return call("F.softplus", view.input("x"))


def softshrink(view: CallView) -> Expression:
    return call("F.softshrink", view.input("x"), view.number("limit"))


def glu(view: CallView) -> Expression:
    return call("F.glu", view.input("x"), **view.dim("axis", -1))


def softmax(view: CallView) -> Expression:
    return method(view.input("x"), "softmax", dim=view.axis("axis"))


def log_softmax(view: CallView) -> Expression:
    return method(view.input("x"), "log_softmax", dim=view.axis("axis"))
