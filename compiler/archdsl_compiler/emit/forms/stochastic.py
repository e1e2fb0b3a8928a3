"""Noise for training."""

from archdsl_compiler.emit.code import Expression, Infix, Raw, call
from archdsl_compiler.emit.forms.contract import CallView

TRAINING = Raw("self.training")


def dropout(view: CallView) -> Expression:
    return call("F.dropout", view.input("x"), view.number("rate"), TRAINING)


def drop_path(view: CallView) -> Expression:
    return call("drop_path", view.input("x"), view.number("rate"), TRAINING)


def add_noise(view: CallView) -> Expression:
    x = view.input("x")
    return Infix("+", x, Infix("*", view.number("std"), call("torch.randn_like", x)))
