"""Reductions."""

from archdsl_compiler.emit.code import Expression, Raw, call, method
from archdsl_compiler.emit.forms.contract import CallView


def sum_(view: CallView) -> Expression:
    return method(view.input("x"), "sum", view.axes("axes"), **_keep(view))


def mean(view: CallView) -> Expression:
    return method(view.input("x"), "mean", view.axes("axes"), **_keep(view))


def max_(view: CallView) -> Expression:
    return method(view.input("x"), "amax", view.axes("axes"), **_keep(view))


def min_(view: CallView) -> Expression:
    return method(view.input("x"), "amin", view.axes("axes"), **_keep(view))


def variance(view: CallView) -> Expression:
    options = {"unbiased": view.option("unbiased", True), **_keep(view)}
    return method(view.input("x"), "var", view.axes("axes"), **options)


def logsumexp(view: CallView) -> Expression:
    return method(view.input("x"), "logsumexp", view.axes("axes"), **_keep(view))


def norm(view: CallView) -> Expression:
    return call("torch.linalg.vector_norm", view.input("x"), dim=view.axes("axes"), **_keep(view))


def argmax(view: CallView) -> Expression:
    return method(view.input("x"), "argmax", view.axis("axis"), **_keep(view))


def argmin(view: CallView) -> Expression:
    return method(view.input("x"), "argmin", view.axis("axis"), **_keep(view))


def _keep(view: CallView) -> dict[str, Expression]:
    return {"keepdim": Raw("True")} if view.value("keep") else {}
