"""Maps read at other places: resizing, sampling by a grid, and windows laid out as columns."""

from archdsl_compiler.emit.code import Expression, Raw, call
from archdsl_compiler.emit.forms.contract import CallView

FACTORS = (2, 4, 8, 16, 32)


def resize(view: CallView) -> Expression:
    """To an even multiple of the size by that factor, which fits any size of the input."""
    x, before = view.input("x"), view.type("x").shape[2:]
    after = view.value("size")
    if after == before:
        return x
    factors = [factor for factor in FACTORS if tuple(size * factor for size in before) == after]
    size = {"scale_factor": Raw(str(factors[0]))} if factors else {"size": view.collapsed("size")}
    mode = {} if view.value("mode") == "nearest" else {"mode": Raw(f'"{view.value("mode")}"')}
    align = {"align_corners": Raw("True")} if view.value("align") else {}
    antialias = {"antialias": Raw("True")} if view.value("antialias") else {}
    return call("F.interpolate", x, **size, **mode, **align, **antialias)


def grid_sample(view: CallView) -> Expression:
    mode = {} if view.value("mode") == "bilinear" else {"mode": Raw(f'"{view.value("mode")}"')}
    align = Raw(str(bool(view.value("align"))))
    return call("F.grid_sample", view.input("x"), view.input("grid"), **mode, align_corners=align)


def unfold(view: CallView) -> Expression:
    return call("F.unfold", view.input("x"), view.collapsed("kernel"), **_slides(view))


def fold(view: CallView) -> Expression:
    return call("F.fold", view.input("x"), view.row("size"), view.collapsed("kernel"), **_slides(view))


def pixel_shuffle(view: CallView) -> Expression:
    return call("F.pixel_shuffle", view.input("x"), view.number("factor"))


def pixel_unshuffle(view: CallView) -> Expression:
    return call("F.pixel_unshuffle", view.input("x"), view.number("factor"))


def _slides(view: CallView) -> dict[str, Expression]:
    return {
        "dilation": view.collapsed("dilation", 1),
        "padding": view.collapsed("padding", 0),
        "stride": view.collapsed("stride", 1),
    }
