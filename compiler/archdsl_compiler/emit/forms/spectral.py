"""Fourier transforms, all with the norm "ortho"."""

from archdsl_compiler.emit.code import Expression, Raw, call, method
from archdsl_compiler.emit.forms.contract import CallView


def rfft2(view: CallView) -> Expression:
    return _over_two("rfft2", view)


def irfft2(view: CallView) -> Expression:
    return _over_two("irfft2", view, s=view.row("size"))


def fft2(view: CallView) -> Expression:
    return _over_two("fft2", view)


def ifft2(view: CallView) -> Expression:
    return _over_two("ifft2", view)


def fft(view: CallView) -> Expression:
    return _over_one("fft", view)


def ifft(view: CallView) -> Expression:
    return _over_one("ifft", view)


def rfft(view: CallView) -> Expression:
    return _over_one("rfft", view)


def irfft(view: CallView) -> Expression:
    return _over_one("irfft", view, n=view.number("size"))


def as_complex(view: CallView) -> Expression:
    return call("torch.view_as_complex", method(view.input("x"), "contiguous"))


def as_real(view: CallView) -> Expression:
    return call("torch.view_as_real", view.input("x"))


def _over_two(name: str, view: CallView, **size: Expression) -> Expression:
    places = view.value("axes")
    rank = len(view.type("x").shape)
    dim = {} if places == (rank - 2, rank - 1) else {"dim": view.axes("axes")}
    return call(f"torch.fft.{name}", view.input("x"), **size, **dim, norm=Raw('"ortho"'))


def _over_one(name: str, view: CallView, **size: Expression) -> Expression:
    rank = len(view.type("x").shape)
    dim = {} if view.value("axis") == rank - 1 else view.dim("axis")
    return call(f"torch.fft.{name}", view.input("x"), **size, **dim, norm=Raw('"ortho"'))
