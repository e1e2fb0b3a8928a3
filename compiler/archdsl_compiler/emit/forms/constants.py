"""Constants. Parameters and saved buffers are written by emission itself, which knows their labels."""

from archdsl_compiler.emit.code import Expression, call
from archdsl_compiler.emit.forms.contract import CallView


def buffer(view: CallView) -> Expression:
    """The value of one that is not saved."""
    return view.input("value")


def arange(view: CallView) -> Expression:
    return call("torch.arange", view.number("n"))


def zeros(view: CallView) -> Expression:
    return call("torch.zeros", *view.numbers("shape"))


def ones(view: CallView) -> Expression:
    return call("torch.ones", *view.numbers("shape"))
