"""What is behind a dot or in brackets: members, and indices of lists and tensors."""

from typing import cast

from archdsl.diagnostics import codes
from archdsl.diagnostics.record import Edit, Fix
from archdsl.diagnostics.suggest import closest
from archdsl.meaning.dispatch import evaluate, evaluates
from archdsl.meaning.op_calls import apply_op
from archdsl.meaning.run import Fault, Frame
from archdsl.meaning.types import describe, listed
from archdsl.meaning.values import UNKNOWN, Component, Composed, Decided, Placed, Tensor, Unknown, Value, Wrapped
from archdsl.meaning.variants import lift
from archdsl.syntax import nodes
from archdsl_compiler.ops.registry import ops
from archdsl_compiler.sizes import Symbolic


@evaluates(nodes.Member)
def member(node: nodes.Member, frame: Frame) -> Value:
    return lift(frame, lambda v: _member(node, frame, v), evaluate(node.operand, frame))


def _member(node: nodes.Member, frame: Frame, value: Value) -> Value:
    wanted = node.name.text
    known: tuple[str, ...] = ()
    match value:
        case Unknown():
            return UNKNOWN
        case Tensor():
            known = ("shape", "dtype", "T")
            if wanted == "shape":
                return tuple(value.type.shape)
            if wanted == "dtype":
                return value.type.dtype
            if wanted == "T":
                return apply_op(frame, ops()["transpose"], (value,), {}, node.span, {"x": node.operand.span})
        case None:
            known = ("name",)
            if wanted == "name":
                return "none"
        case Component() | Composed() | Wrapped() | Placed() | Decided():
            inner = value
            while isinstance(inner, Wrapped | Placed | Decided):
                inner = inner.space if isinstance(inner, Decided) else inner.inner
            if wanted == "name":
                return value.name
            if isinstance(inner, Component):
                from archdsl.meaning.members import of_component

                known = ("name", *(s if isinstance(s, str) else s.name for s in inner.callee.settings))
                found = of_component(frame, inner, wanted, node)
                if found is not NotImplemented:
                    return found
        case _:
            pass
    near = closest(wanted, known)
    notes = (
        (f"a member with a similar name exists: `{near}`",)
        if near
        else (f"its members: {listed(known)}",)
        if known
        else ()
    )
    fixes = (Fix(f"write `{near}`", (Edit(node.name.span, near),)),) if near else ()
    title = f"{describe(value)} has no member `{wanted}`"
    raise Fault(codes.NO_SUCH_MEMBER.at(node.name.span, title, "not there", notes=notes, fixes=fixes))


@evaluates(nodes.Index)
def index(node: nodes.Index, frame: Frame) -> Value:
    operand = evaluate(node.operand, frame)
    parts = [_subscript(part, frame) for part in node.subscripts]
    if (
        type(operand) is tuple
        and len(parts) == 1
        and type(parts[0]) is int
        and -len(operand) <= parts[0] < len(operand)
    ):
        return operand[parts[0]]

    def of_definite(value: Value, *places: Value) -> Value:
        return _index(node, frame, value, places)

    return lift(frame, of_definite, operand, *parts)


class Cut(tuple[Value, Value]):
    """`start:stop` of an index, evaluated; None where it was left out."""


_REST = "..."


def _subscript(part: nodes.Expression | nodes.Slice | nodes.Rest, frame: Frame) -> Value:
    if isinstance(part, nodes.Slice):
        start, stop = (evaluate(side, frame) if side is not None else None for side in (part.start, part.stop))
        return lift(frame, lambda a, b: cast(Value, Cut((a, b))), start, stop)
    if isinstance(part, nodes.Rest):
        return _REST
    return evaluate(part, frame)


def _index(node: nodes.Index, frame: Frame, value: Value, places: tuple[Value, ...]) -> Value:
    if isinstance(value, Unknown) or any(isinstance(place, Unknown) for place in places):
        return UNKNOWN
    if isinstance(value, Tensor):
        return _index_tensor(node, frame, value, places)
    if not isinstance(value, tuple | range):
        raise Fault(
            codes.NOT_A_LIST.at(node.operand.span, f"{describe(value)} cannot be indexed", "not a list or tensor")
        )
    if len(places) != 1:
        raise Fault(codes.OUT_OF_RANGE.at(node.span, "a list takes one index", f"{len(places)} are given"))
    place = places[0]
    at = node.subscripts[0].span
    if isinstance(place, Cut):
        start, stop = place
        if any(isinstance(side, Symbolic | Unknown) for side in place):
            return UNKNOWN
        for side in place:
            if side is not None and (type(side) is not int):
                raise Fault(codes.WRONG_TYPE.at(at, f"a slice needs ints, not {describe(side)}", "not an int"))
        return value[cast("int | None", start) : cast("int | None", stop)]
    if isinstance(place, Symbolic):
        return UNKNOWN
    if type(place) is not int:
        raise Fault(codes.WRONG_TYPE.at(at, f"a list is indexed by an int, not by {describe(place)}", "not an int"))
    if not value:
        raise Fault(codes.OUT_OF_RANGE.at(at, "the list is empty", f"there is nothing at {place}"))
    if not -len(value) <= place < len(value):
        reach = f"indices are 0 to {len(value) - 1}, or -1 to -{len(value)} from the end"
        title = f"index {place} is outside the list of {len(value)} element{'' if len(value) == 1 else 's'}"
        raise Fault(codes.OUT_OF_RANGE.at(at, title, reach if len(value) > 1 else "the list has index 0 only"))
    return value[place]


def _index_tensor(node: nodes.Index, frame: Frame, value: Tensor, places: tuple[Value, ...]) -> Value:
    """Indices as the op takes them: an int, a slice, a range, the rest, or a table look-up by a tensor."""
    entries: list[Value] = []
    tensors: list[Value] = []
    table = node.span
    for place, part in zip(places, node.subscripts, strict=True):
        if isinstance(place, Cut):
            for side in place:
                if side is not None and not _is_place(side):
                    title = f"a slice needs ints, not {describe(side)}"
                    raise Fault(codes.WRONG_TYPE.at(part.span, title, "not an int"))
            entries.append(("slice", place[0], place[1]))
        elif place is _REST:
            entries.append("rest")
        elif isinstance(place, range):
            entries.append(("range", place.start, place.stop, place.step))
        elif isinstance(place, Tensor):
            tensors.append(place)
            table = part.span
            entries.append("tensor")
        elif _is_place(place):
            entries.append(place)
        else:
            raise Fault(
                codes.WRONG_TYPE.at(part.span, f"a tensor cannot be indexed by {describe(place)}", "not an index")
            )
    if len(tensors) > 1:
        raise Fault(
            codes.WRONG_VALUE.at(node.span, "a tensor is indexed by one tensor at most", f"{len(tensors)} are given")
        )
    spans = {"x": node.operand.span, "places": node.span, "at": table}
    return apply_op(frame, ops()["index"], (value, *tensors), {"places": tuple(entries)}, node.span, spans)


def _is_place(value: Value) -> bool:
    return isinstance(value, int | Symbolic) and not isinstance(value, bool)
