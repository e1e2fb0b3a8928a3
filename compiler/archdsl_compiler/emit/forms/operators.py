"""The operators of the language as those of Python."""

from archdsl_compiler.emit.code import Expression, Infix, Prefix
from archdsl_compiler.emit.forms.contract import CallView, operands


def add(view: CallView) -> Expression:
    return Infix("+", *operands(view))


def subtract(view: CallView) -> Expression:
    return Infix("-", *operands(view))


def multiply(view: CallView) -> Expression:
    return Infix("*", *operands(view))


def divide(view: CallView) -> Expression:
    return Infix("/", *operands(view))


def floor_divide(view: CallView) -> Expression:
    return Infix("//", *operands(view))


def remainder(view: CallView) -> Expression:
    return Infix("%", *operands(view))


def power(view: CallView) -> Expression:
    return Infix("**", *operands(view))


def negate(view: CallView) -> Expression:
    return Prefix("-", view.input("x"))


def equal(view: CallView) -> Expression:
    return Infix("==", *operands(view))


def not_equal(view: CallView) -> Expression:
    return Infix("!=", *operands(view))


def less(view: CallView) -> Expression:
    return Infix("<", *operands(view))


def less_equal(view: CallView) -> Expression:
    return Infix("<=", *operands(view))


def greater(view: CallView) -> Expression:
    return Infix(">", *operands(view))


def greater_equal(view: CallView) -> Expression:
    return Infix(">=", *operands(view))


def logical_and(view: CallView) -> Expression:
    return Infix("&", *operands(view))


def logical_or(view: CallView) -> Expression:
    return Infix("|", *operands(view))


def logical_not(view: CallView) -> Expression:
    return Prefix("~", view.input("x"))
