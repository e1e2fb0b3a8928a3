"""Maps read at other places: resizing, sampling by a grid, and windows laid out as columns."""

from archdsl_compiler.ops.checks import (
    at_least,
    each,
    need_divisor,
    need_float,
    need_rank,
    one_of,
    product,
    show,
    whole,
)
from archdsl_compiler.ops.contract import Inferred, OpFault, Sizes, op
from archdsl_compiler.ops.dtypes import promote
from archdsl_compiler.ops.windows import slide, window
from archdsl_compiler.sizes import divides, same
from archdsl_compiler.types import TensorType

MODES = ("nearest", "nearest_exact", "bilinear", "bicubic", "area")


@op("[b, c, ...] -> [b, c, size...]")
def resize(
    x: TensorType, *, size: Sizes, mode: str = "bilinear", align: bool = False, antialias: bool = False
) -> Inferred:
    """The map at another size. `mode` is "nearest", "nearest_exact", "bilinear" (linear along each axis, whatever
    their number), "bicubic" or "area". `align` puts the corners onto each other; `antialias` smooths what is made
    smaller."""
    need_rank(x, 3, 5, "[b, c, size...] with one to three sizes")
    need_float(x)
    one_of(mode, MODES, "mode")
    count = len(x.shape) - 2
    sizes = each(size, count, "size")
    for number in sizes:
        at_least(number, 1, "size")
    if mode == "bicubic" and count != 2:
        raise OpFault("rank", f'`mode="bicubic"` takes [b, c, h, w]; `x` is {x}', "mode", "x", label='use "bilinear"')
    if align and mode not in ("bilinear", "bicubic"):
        raise OpFault("value", f'`align` has no meaning with `mode="{mode}"`', "align", "mode", label="leave it out")
    if antialias and (mode not in ("bilinear", "bicubic") or count != 2):
        message = f'`antialias` needs [b, c, h, w] and `mode="bilinear"` or "bicubic"; this is {x} and "{mode}"'
        raise OpFault("value", message, "antialias", "mode", label="leave it out")
    exact = {"bilinear": ("linear", "bilinear", "trilinear")[count - 1], "nearest_exact": "nearest-exact"}.get(
        mode, mode
    )
    return Inferred(x.reshaped(*x.shape[:2], *sizes), (), 0, {"size": sizes, "mode": exact})


@op("[b, c, h, w], [b, y, x, 2] -> [b, c, y, x]")
def grid_sample(x: TensorType, grid: TensorType, *, mode: str = "bilinear", align: bool = False) -> Inferred:
    """Reads the map at the places of a grid, each a pair (x, y) between -1 and 1; outside is 0. Maps with three sizes
    take a grid with three. `mode` is "bilinear", "nearest" or, with two sizes, "bicubic"."""
    need_rank(x, 4, 5, "[b, c, h, w] or [b, c, d, h, w]")
    need_rank(grid, len(x.shape), len(x.shape), f"{len(x.shape)} axes, as `x` has", "grid")
    need_float(x)
    need_float(grid, "grid")
    one_of(mode, ("bilinear", "nearest", "bicubic"), "mode")
    count = len(x.shape) - 2
    if mode == "bicubic" and count != 2:
        raise OpFault("rank", f'`mode="bicubic"` takes [b, c, h, w]; `x` is {x}', "mode", "x", label='use "bilinear"')
    if not same(grid.shape[-1], count):
        message = f"the last axis of `grid` must be {count}, a place in {x}; `grid` is {grid}"
        raise OpFault("mismatch", message, "grid", "x", label=f"make it {count}")
    if not same(grid.shape[0], x.shape[0]):
        message = f"`x` is {x} and `grid` is {grid}: axis 0 is {x.shape[0]} and {grid.shape[0]}"
        raise OpFault("mismatch", message, "grid", "x", label="give a grid for each picture")
    if promote(TensorType((1,), x.dtype), TensorType((1,), grid.dtype)) != x.dtype and x.dtype != "real":
        raise OpFault(
            "dtype", f"`x` is {x} and `grid` is {grid}; they must have one dtype", "grid", "x", label="cast one"
        )
    return Inferred(x.reshaped(*x.shape[:2], *grid.shape[1:-1]))


@op("[b, c, h, w] -> [b, c * k * k, l]")
def unfold(x: TensorType, *, kernel: Sizes, stride: Sizes = 1, padding: Sizes = 0, dilation: Sizes = 1) -> Inferred:
    """Every window as a column: the channels of all its places, one channel after the other. `l` is the number of
    windows."""
    need_rank(x, 4, 4, "[b, c, h, w]")
    need_float(x)
    used = window(x.shape[2:], kernel, stride, padding, dilation)
    columns = whole(x.shape[1] * product(used.kernel))
    return Inferred(x.reshaped(x.shape[0], columns, product(slide(x, used))), (), 0, used.resolved())


@op("[b, c * k * k, l] -> [b, c, size...]")
def fold(
    x: TensorType, *, size: Sizes, kernel: Sizes, stride: Sizes = 1, padding: Sizes = 0, dilation: Sizes = 1
) -> Inferred:
    """Windows back in their places, the reverse of `unfold`; where they overlap they are added."""
    need_rank(x, 3, 3, "[b, c * k * k, l]")
    need_float(x)
    sizes = each(size, 2, "size", what="sizes")
    for number in sizes:
        at_least(number, 1, "size")
    used = window(sizes, kernel, stride, padding, dilation)
    batch, columns, count = x.shape
    places = product(used.kernel)
    need_divisor(places, columns, "kernel", "x", f"the {columns} channels of the columns; it has {places} places")
    map_type = x.reshaped(batch, whole(columns // places), *sizes)
    windows = slide(map_type, used)
    if not same(product(windows), count):
        message = f"a map of {show(sizes)} has {' * '.join(map(str, windows))} windows, `x` has {count}"
        raise OpFault("mismatch", message, "size", "x", label="give the size that was unfolded")
    return Inferred(map_type, (), 0, {"size": sizes, **used.resolved()})


@op("[b, c * factor ** 2, h, w] -> [b, c, h * factor, w * factor]")
def pixel_shuffle(x: TensorType, *, factor: int) -> Inferred:
    """Channels become pixels: each place turns into a square of `factor` by `factor`."""
    need_rank(x, 4, 4, "[b, c, h, w]")
    at_least(factor, 1, "factor")
    batch, channels, height, width = x.shape
    if not divides(factor**2, channels):
        message = f"`factor={factor}` takes {factor**2} channels for one, which does not divide the {channels} channels"
        raise OpFault("divisibility", message, "factor", "x", label="use another factor, or more channels")
    return Inferred(x.reshaped(batch, whole(channels // factor**2), whole(height * factor), whole(width * factor)))


@op("[b, c, h * factor, w * factor] -> [b, c * factor ** 2, h, w]")
def pixel_unshuffle(x: TensorType, *, factor: int) -> Inferred:
    """Pixels become channels, the reverse of `pixel_shuffle`."""
    need_rank(x, 4, 4, "[b, c, h, w]")
    at_least(factor, 1, "factor")
    batch, channels, height, width = x.shape
    for axis, size in ((2, height), (3, width)):
        need_divisor(factor, size, "factor", "x", f"axis {axis} of {x}")
    return Inferred(x.reshaped(batch, whole(channels * factor**2), whole(height // factor), whole(width // factor)))
