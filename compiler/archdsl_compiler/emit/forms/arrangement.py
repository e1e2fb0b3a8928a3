"""Reshaping, joining, cutting and moving along axes. Patterns of axes are written by `patterns`."""

from collections.abc import Sequence
from typing import cast

from archdsl_compiler.emit.code import Expression, Index, Member, Number, Raw, Row, call, method
from archdsl_compiler.emit.forms.contract import CallView, optional
from archdsl_compiler.emit.forms.hints import hint_of_each
from archdsl_compiler.emit.forms.patterns import by_pattern
from archdsl_compiler.sizes import Size, is_batch_dependent


def rearrange(view: CallView) -> Expression:
    return by_pattern(view, repeats=False)


def repeat(view: CallView) -> Expression:
    return by_pattern(view, repeats=True)


def reshape(view: CallView) -> Expression:
    """One size follows from the others: that of the batch, the one that the source left open, or the only one there
    is."""
    x, before = view.input("x"), view.type("x").shape
    target = cast("tuple[Size, ...]", view.value("shape"))
    if target == before:
        return x
    given = tuple(cast("Sequence[Size]", view.as_given("shape")))
    hints = hint_of_each(view.hint("shape"), len(target), False)
    sizes = [view.size(size, hint) for size, hint in zip(target, hints, strict=True)]
    moving = [axis for axis, size in enumerate(target) if is_batch_dependent(size)]
    left_open = [axis for axis, size in enumerate(given) if size == -1]
    large = [axis for axis, size in enumerate(target) if size != 1]
    # The batch is read from the tensor where it is an axis there, so that what the source left open can stay so.
    read = {axis: before.index(target[axis]) for axis in moving if target[axis] in before}
    if left_open and all(axis in read for axis in moving if axis != left_open[0]):
        free = left_open[0]
    elif moving:
        free = next((axis for axis in moving if axis not in read), moving[0])
    else:
        free = large[0] if len(large) == 1 else -1
    for axis in moving:
        if axis in read:
            sizes[axis] = Index(Member(x, "shape"), (Raw(str(read[axis])),))
    if free >= 0:
        sizes[free] = Raw("-1")
    return method(x, "reshape", *sizes)


def expand(view: CallView) -> Expression:
    rank, axis = len(view.type("x").shape), view.value("axis")
    if view.value("size") == 1:
        return view.input("x")
    sizes = [view.number("size") if place == axis else Raw("-1") for place in range(rank)]
    return method(view.input("x"), "expand", *sizes)


def concat(view: CallView) -> Expression:
    items = view.items("tensors")
    if len(items) == 1:
        return items[0]
    dim = {} if view.value("axis") == 0 else view.dim("axis")
    return call("torch.cat", Row(items, "[]"), **dim)


def stack(view: CallView) -> Expression:
    dim = {} if view.value("axis") == 0 else view.dim("axis")
    return call("torch.stack", Row(view.items("tensors"), "[]"), **dim)


def split(view: CallView) -> Expression:
    x, parts = view.input("x"), cast("tuple[Size, ...]", view.value("parts"))
    dim = {} if view.value("axis") == 0 else view.dim("axis")
    if isinstance(view.as_given("parts"), int):
        return method(x, "chunk", Raw(str(len(parts))), **dim)
    return method(x, "split", Row(view.numbers("parts"), "[]"), **dim)


def roll(view: CallView) -> Expression:
    """What does not move is left out."""
    places = cast("tuple[int, ...]", view.value("axes"))
    written = view.as_given("axes")
    names = [written] if isinstance(written, int) else list(cast("Sequence[int]", written))
    shifts = [
        (shift, name)
        for shift, name, _ in zip(view.numbers("shift"), names, places, strict=True)
        if not (isinstance(shift, Number) and shift.value == 0)
    ]
    if not shifts:
        return view.input("x")
    if len(shifts) == 1:
        return method(view.input("x"), "roll", shifts[0][0], Raw(str(shifts[0][1])))
    dims = Row(tuple(Raw(str(name)) for _, name in shifts))
    return method(view.input("x"), "roll", Row(tuple(shift for shift, _ in shifts)), dims)


def pad(view: CallView) -> Expression:
    """`F.pad` begins at the last axis; it is given as many axes as are needed."""
    places = cast("tuple[int, ...]", view.value("axes"))
    ends = dict(zip(places, zip(view.numbers("before"), view.numbers("after"), strict=True), strict=True))
    padded = [place for place, pair in ends.items() if any(not _is(end, 0) for end in pair)]
    if not padded:
        return view.input("x")
    none = (Raw("0"), Raw("0"))
    pads = [end for axis in reversed(range(min(padded), len(view.type("x").shape))) for end in ends.get(axis, none)]
    return call("F.pad", view.input("x"), Row(tuple(pads)), value=optional(view.number("value"), 0))


def flip(view: CallView) -> Expression:
    return method(view.input("x"), "flip", view.axes("axes"))


def transpose(view: CallView) -> Expression:
    return method(view.input("x"), "transpose", Raw("-2"), Raw("-1"))


def _is(expression: Expression, value: int) -> bool:
    return isinstance(expression, Number) and expression.value == value
