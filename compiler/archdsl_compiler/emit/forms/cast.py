"""Casts."""

from archdsl_compiler.emit.code import Expression, call, method
from archdsl_compiler.emit.forms.contract import CallView


def float32(view: CallView) -> Expression:
    x = view.input("x")
    # A model in 64 bits stays in them.
    return call("at_least_float32", x) if view.type("x").dtype in ("real", "float32") else method(x, "float")


def float16(view: CallView) -> Expression:
    return method(view.input("x"), "half")


def bfloat16(view: CallView) -> Expression:
    return method(view.input("x"), "bfloat16")


def int64(view: CallView) -> Expression:
    return method(view.input("x"), "long")


def bool_(view: CallView) -> Expression:
    return method(view.input("x"), "bool")
