"""Indexing: `x[:, 0]`, `x[..., a:b]`, `x[0..<h by 2]` and `table[:, index]`.

`places` has an entry for each axis from the left; axes without one stay whole. An entry is an int (the axis goes
away), "all", `("slice", start, stop)` with None for an open end, `("range", start, stop, step)` with an exclusive
stop, "tensor" once at most for the places in the second tensor, or "rest" once at most for the axes that `...` stands
for."""

from typing import cast

from archdsl_compiler.ops.checks import counted, holds, whole
from archdsl_compiler.ops.contract import Inferred, OpFault, Places, op
from archdsl_compiler.sizes import Size, apply, compare
from archdsl_compiler.types import TensorType


@op("any -> what is left of its axes")
def index(x: TensorType, at: TensorType | None = None, *, places: Places) -> Inferred:
    """`x[...]`: a number takes a place and its axis away, a slice or range takes places of its axis, an int64 tensor
    puts its axes where it stands. Negative places count from the end; slices may reach over it."""
    if places.count("rest") > 1:
        raise OpFault("rank", "an index has `...` twice", "places", label="leave one of them")
    if (tensors := places.count("tensor")) > 1 or (tensors == 1) != (at is not None):
        raise OpFault("rank", "an index takes one tensor at most", "places", label="index step by step")
    if at is not None and at.dtype != "int64":
        message = f"an index must be an int64 tensor; it is {at.dtype}[{', '.join(map(str, at.shape))}]"
        raise OpFault("dtype", message, "at", label="give int64 places, such as the second result of `top_k`")
    written = len(places) - places.count("rest")
    if written > len(x.shape):
        message = f"{x} has {counted(len(x.shape), 'axis')}, the index names {written}"
        raise OpFault("rank", message, "places", "x", label="name fewer axes")
    shape: list[Size] = []
    resolved: list[object] = []
    sizes = iter(enumerate(x.shape))
    for place in places:
        if place == "rest":
            for _ in range(len(x.shape) - written):
                shape.append(next(sizes)[1])
                resolved.append("all")
            continue
        axis, size = next(sizes)
        if place == "tensor":
            shape += at.shape if at is not None else ()
            resolved.append(place)
        elif place == "all":
            shape.append(size)
            resolved.append(place)
        elif isinstance(place, tuple):
            taken, start, step = _slice(x, axis, place) if place[0] == "slice" else _range(x, axis, place)
            shape.append(taken)
            resolved.append((start, whole(start + (taken - 1) * step + 1), step))
        else:
            resolved.append(_place(x, axis, cast(Size, place)))
    shape += (size for _, size in sizes)
    return Inferred(x.reshaped(*shape), (), 0, {"places": tuple(resolved)})


def _place(x: TensorType, axis: int, place: Size) -> Size:
    size = x.shape[axis]
    found = whole(place + size) if compare("<", place, 0) else place
    if not (holds(">=", found, 0) and holds("<", found, size)):
        message = f"place {place} is outside axis {axis} of {x}, which has {size}"
        raise OpFault(
            "axis", message, "places", "x", label=f"places are 0 to {whole(size - 1)}, or -1 to -{size} from the end"
        )
    return found


def _slice(x: TensorType, axis: int, place: tuple[object, ...]) -> tuple[Size, Size, int]:
    """The length, the start and the step. Ends outside the axis mean its ends, as in Python."""
    _, first, last = cast("tuple[str, Size | None, Size | None]", place)
    size = x.shape[axis]
    start: Size = 0 if first is None else _clamped(first, size)
    stop: Size = size if last is None else _clamped(last, size)
    taken = whole(stop - start)
    if not holds(">=", taken, 1):
        written = f"{'' if first is None else first}:{'' if last is None else last}"
        message = f"`{written}` takes nothing from axis {axis} of {x}, which has {size}"
        raise OpFault("size", message, "places", "x", label="a slice must hold at least one place")
    return taken, start, 1


def _clamped(place: Size, size: Size) -> Size:
    """An end of a slice, counted from the front and inside the axis. A place whose sign is open is taken as not
    negative."""
    if compare("<", place, 0):
        place = whole(place + size)
        return place if compare(">=", place, 0) is not False else 0
    inside = compare("<=", place, size)
    if inside is None:
        return whole(apply("min", place, size))
    return place if inside else size


def _range(x: TensorType, axis: int, place: tuple[object, ...]) -> tuple[Size, Size, Size]:
    _, start, stop, step = cast("tuple[str, Size, Size, Size]", place)
    size = x.shape[axis]
    if not holds(">=", step, 1):
        raise OpFault(
            "value", f"a range over an axis goes forwards; its step is {step}", "places", label="use `flip` to turn it"
        )
    taken = whole((stop - start + step - 1) // step)
    last = whole(start + (taken - 1) * step)
    written = f"{start}..<{stop}" + (f" by {step}" if step != 1 else "")
    if not holds(">=", taken, 1):
        raise OpFault(
            "size", f"`{written}` takes nothing from axis {axis} of {x}", "places", "x", label="take at least one place"
        )
    if not (holds(">=", start, 0) and holds("<", last, size)):
        message = f"`{written}` reaches outside axis {axis} of {x}, which has {size}"
        raise OpFault("axis", message, "places", "x", label=f"places are 0 to {whole(size - 1)}")
    return taken, start, step
