"""Fourier transforms, all with the norm "ortho", and the two views of complex numbers."""

from archdsl_compiler.ops.checks import FLOATS, at_least, axes_of, axis_of, each, need_float, need_rank, show, whole
from archdsl_compiler.ops.contract import Axes, Inferred, OpFault, Sizes, op
from archdsl_compiler.sizes import Size, same
from archdsl_compiler.types import TensorType


@op("any -> complex, the last of the axes n // 2 + 1")
def rfft2(x: TensorType, *, axes: Axes) -> Inferred:
    """The transform of real numbers over two axes; of the last one only the half that is not mirrored."""
    need_float(x)
    places = _pair(x, axes)
    return Inferred(_halved(x, places[-1]), (), 0, {"axes": places})


@op("complex, the last of the axes n // 2 + 1 -> real")
def irfft2(x: TensorType, *, axes: Axes, size: Sizes) -> Inferred:
    """The reverse of `rfft2`, to the given size of the two axes."""
    places = _pair(x, axes)
    sizes = each(size, 2, "size", what="axes")
    if not same(x.shape[places[0]], sizes[0]):
        message = f"`size={show(sizes)}` asks for {sizes[0]} along axis {places[0]}, where {x} has {x.shape[places[0]]}"
        raise OpFault("mismatch", message, "size", "x", label="give the size before the transform")
    return Inferred(_unhalved(x, places, sizes), (), 0, {"axes": places, "size": sizes})


@op("any -> complex")
def fft2(x: TensorType, *, axes: Axes) -> Inferred:
    """The transform over two axes."""
    return _complex(x, _pair(x, axes))


@op("any -> complex")
def ifft2(x: TensorType, *, axes: Axes) -> Inferred:
    """The reverse of `fft2`."""
    return _complex(x, _pair(x, axes))


@op("any -> complex")
def fft(x: TensorType, *, axis: int) -> Inferred:
    """The transform over one axis."""
    return _complex(x, (axis_of(axis, x),), "axis")


@op("any -> complex")
def ifft(x: TensorType, *, axis: int) -> Inferred:
    """The reverse of `fft`."""
    return _complex(x, (axis_of(axis, x),), "axis")


@op("any -> complex, the axis n // 2 + 1")
def rfft(x: TensorType, *, axis: int) -> Inferred:
    """The transform of real numbers over one axis, only the half that is not mirrored."""
    need_float(x)
    place = axis_of(axis, x)
    return Inferred(_halved(x, place), (), 0, {"axis": place})


@op("complex, the axis n // 2 + 1 -> real")
def irfft(x: TensorType, *, axis: int, size: Size) -> Inferred:
    """The reverse of `rfft`, to the given size of the axis."""
    place = axis_of(axis, x)
    return Inferred(_unhalved(x, (place,), (size,)), (), 0, {"axis": place})


@op("[..., 2] -> complex[...]")
def as_complex(x: TensorType) -> Inferred:
    """Pairs along the last axis as complex numbers: the real part, then the imaginary one."""
    need_rank(x, 1, None, "[..., 2]")
    if x.dtype not in ("real", "float32"):
        raise OpFault("dtype", f"complex numbers are made of float32; `x` is {x}", "x", label="cast it: `float32(...)`")
    if not same(x.shape[-1], 2):
        raise OpFault(
            "mismatch", f"the last axis must be 2, real and imaginary part; `x` is {x}", "x", label="give [..., 2]"
        )
    return Inferred(TensorType(x.shape[:-1], "complex"))


@op("complex[...] -> [..., 2]")
def as_real(x: TensorType) -> Inferred:
    """Complex numbers as pairs along a new last axis."""
    _need_complex(x)
    return Inferred(TensorType((*x.shape, 2)))


def _pair(x: TensorType, axes: Axes) -> tuple[int, ...]:
    places = axes_of(axes, x)
    if len(places) != 2:
        message = f"the transform is over two axes, `axes` names {len(places)}"
        raise OpFault("axis", message, "axes", label="name two axes, as in `axes=(2, 3)`")
    return places


def _complex(x: TensorType, places: tuple[int, ...], setting: str = "axes") -> Inferred:
    if x.dtype not in (*FLOATS, "complex"):
        need_float(x)
    return Inferred(x.cast("complex"), (), 0, {setting: places if setting == "axes" else places[0]})


def _halved(x: TensorType, place: int) -> TensorType:
    return TensorType((*x.shape[:place], whole(x.shape[place] // 2 + 1), *x.shape[place + 1 :]), "complex")


def _unhalved(x: TensorType, places: tuple[int, ...], sizes: tuple[Size, ...]) -> TensorType:
    _need_complex(x)
    for size in sizes:
        at_least(size, 1, "size")
    last, size = places[-1], sizes[-1]
    half = whole(size // 2 + 1)
    if not same(x.shape[last], half):
        message = f"{size} along axis {last} come from {half} numbers ({size} // 2 + 1), but {x} has {x.shape[last]}"
        raise OpFault("mismatch", message, "size", "x", label="give the size before the transform")
    return TensorType((*x.shape[:last], size, *x.shape[last + 1 :]), "real")


def _need_complex(x: TensorType) -> None:
    if x.dtype != "complex":
        raise OpFault(
            "dtype", f"`x` must hold complex numbers; it is {x}", "x", label="make it by `as_complex` or `rfft2`"
        )
