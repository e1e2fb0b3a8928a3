"""Indexing."""

from collections.abc import Sequence
from typing import cast

from archdsl_compiler.emit.code import Expression, Index, Raw, Slice, method
from archdsl_compiler.emit.forms.contract import CallView
from archdsl_compiler.emit.forms.hints import subscripts
from archdsl_compiler.ops.checks import holds, whole
from archdsl_compiler.sizes import Size

WHOLE, REST = Slice(), Raw("...")


def index(view: CallView) -> Expression:
    """What takes a whole axis is `:`, and is left out at the end."""
    given = list(cast("Sequence[object]", view.as_given("places")))
    found = list(cast("Sequence[object]", view.value("places")))
    shape = view.type("x").shape
    hints = subscripts(view.hint("places"), len(given))
    x = view.input("x")
    places: list[Expression] = []
    if found.count("all") == len(found) - 1 and "tensor" in found and len(view.type("at").shape) == 1:
        # It copies whole rows, where an index looks up each number.
        return method(x, "index_select", Raw(str(found.index("tensor"))), view.input("at"))
    axis = 0
    for place, hint in zip(given, hints, strict=True):
        if place == "rest":
            count = len(found) - len(given) + 1
            places += [REST] if count else []
            axis += count
            continue
        if place == "tensor" and not view.type("at").shape:
            # PyTorch's index would wait for the number in a tensor without axes; `index_select` does not.
            x = method(method(x, "index_select", Raw(str(axis)), view.input("at")), "squeeze", Raw(str(axis)))
        else:
            places.append(_place(view, place, found[axis], shape[axis], hint))
        axis += 1
    if all(place in (WHOLE, REST) for place in places):
        return x
    if REST in places and all(place == WHOLE for place in places[: places.index(REST)]):
        places = places[places.index(REST) :]
    while places[-1] == REST or (places[-1] == WHOLE and REST not in places):
        places.pop()
    return Index(x, tuple(places))


def _place(view: CallView, given: object, found: object, size: Size, hint: tuple[str, ...]) -> Expression:
    if given == "tensor":
        return view.input("at")
    if given == "all":
        return WHOLE
    if not isinstance(given, tuple):
        return view.size(given, hint[0] if len(hint) == 1 else "")
    _, start, stop, *rest = cast("tuple[object, ...]", given)
    first, last, step = cast("tuple[Size, Size, Size]", found)
    hints = (*hint, "", "", "")
    # An end is left out where nothing more would be taken.
    reaches = holds(">=", whole(last + step - 1), size)
    return Slice(
        None if first == 0 or start is None else view.size(start, hints[0]),
        None if reaches or stop is None else view.size(stop, hints[1]),
        None if step == 1 or not rest else view.size(rest[0], hints[2]),
    )
