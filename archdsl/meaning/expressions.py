"""The value of every other expression: literals, names, arithmetic, lists, members and indices."""

from collections.abc import Callable, Iterator
from typing import cast

from archdsl.diagnostics import codes
from archdsl.diagnostics.record import Diagnostic
from archdsl.diagnostics.suggest import closest
from archdsl.meaning.application import apply_op
from archdsl.meaning.conditions import ALWAYS, NEVER
from archdsl.meaning.dispatch import evaluate, evaluates
from archdsl.meaning.operators import binary, check_length, checked, compare, signed, truth_of
from archdsl.meaning.run import Abandoned, Fault, Frame, TooManyCases, lift, merged, split
from archdsl.meaning.types import describe
from archdsl.meaning.values import (
    UNKNOWN,
    Amount,
    Component,
    Composed,
    Decided,
    Pair,
    Placed,
    RealRange,
    Tensor,
    Unknown,
    Value,
    Variant,
    Wrapped,
)
from archdsl.source import Span
from archdsl.syntax import nodes
from archdsl_compiler import sizes
from archdsl_compiler.ops.registry import ops
from archdsl_compiler.sizes import Symbolic

UNITS = {
    "ns": ("time", 1e-9),
    "us": ("time", 1e-6),
    "ms": ("time", 1e-3),
    "s": ("time", 1.0),
    "min": ("time", 60.0),
    "h": ("time", 3600.0),
    "KiB": ("size", 1024),
    "MiB": ("size", 1024**2),
    "GiB": ("size", 1024**3),
}
POWERS = {"K": 1000, "M": 1000**2, "G": 1000**3}


@evaluates(nodes.Name)
def name(node: nodes.Name, frame: Frame) -> Value:
    found = frame.names.get(node.text, frame)
    return LOOK_UP[0](frame, node) if found is frame else cast(Value, found)


LOOK_UP: list[Callable[[Frame, nodes.Name], Value]] = []
"""What finds names that no body binds; `scope` enters itself here."""


@evaluates(nodes.Integer)
def integer(node: nodes.Integer, frame: Frame) -> Value:
    return node.value if -(1 << 62) < node.value < 1 << 62 else cast(Value, checked(node.span, node.value))


@evaluates(nodes.Real, nodes.String, nodes.Boolean)
def literal(node: nodes.Real | nodes.String | nodes.Boolean, frame: Frame) -> Value:
    return node.value


@evaluates(nodes.Nothing)
def nothing(node: nodes.Nothing, frame: Frame) -> Value:
    return None


@evaluates(nodes.Quantity)
def quantity(node: nodes.Quantity, frame: Frame) -> Value:
    if node.unit in POWERS:
        number = node.number * POWERS[node.unit]
        return int(number) if float(number).is_integer() else number
    dimension, factor = UNITS[node.unit]
    return Amount(dimension, node.number * factor)


@evaluates(nodes.Select)
def select(node: nodes.Select, frame: Frame) -> Value:
    """Only the side that is taken is evaluated; where candidates differ, both are, each for its own."""
    yes, no = decide(frame, node.condition, "the condition")
    if no == NEVER:
        return evaluate(node.chosen, frame)
    if yes == NEVER:
        return evaluate(node.otherwise, frame)
    universe, before = frame.world.universe, frame.condition
    cases: list[tuple[int, Value]] = []
    for condition, side in ((yes, node.chosen), (no, node.otherwise)):
        frame.condition = universe.both(before, condition)
        try:
            if frame.effective() != NEVER:
                cases.append((condition, evaluate(side, frame)))
        except Fault as fault:
            frame.report(fault.diagnostic)
            cases.append((condition, UNKNOWN))
        finally:
            frame.condition = before
    return merged(frame, cases)


def decide(frame: Frame, node: nodes.Expression, what: str) -> tuple[int, int]:
    """The candidates for which a condition holds and for which it does not; what cannot be known ends the body."""
    value = evaluate(node, frame)
    truth = value if isinstance(value, bool) else lift(frame, lambda v: truth_of(v, node.span, what), value)
    if isinstance(truth, Unknown):
        raise Abandoned
    return split(frame, truth)


@evaluates(nodes.Logical)
def logical(node: nodes.Logical, frame: Frame) -> Value:
    left = evaluate(node.left, frame)
    stops = node.operator == "or"
    what = f"the left side of `{node.operator}`"
    truth = left if isinstance(left, bool) else lift(frame, lambda v: truth_of(v, node.left.span, what), left)
    if isinstance(truth, bool):
        return truth if truth == stops else _right(node, frame)
    if isinstance(truth, Unknown):
        return UNKNOWN
    yes, no = split(frame, truth)
    goes_on = no if stops else yes
    before = frame.condition
    frame.condition = frame.world.universe.both(before, goes_on)
    try:
        right = _right(node, frame)
    finally:
        frame.condition = before
    return merged(frame, [(yes if stops else no, stops), (goes_on, right)])


def _right(node: nodes.Logical, frame: Frame) -> Value:
    value = evaluate(node.right, frame)
    if isinstance(value, bool):
        return value
    return lift(frame, lambda v: truth_of(v, node.right.span, f"the right side of `{node.operator}`"), value)


@evaluates(nodes.Negation)
def negation(node: nodes.Negation, frame: Frame) -> Value:
    value = evaluate(node.operand, frame)
    if isinstance(value, bool):
        return not value

    def negate(v: Value) -> Value:
        truth = truth_of(v, node.operand.span, "the operand of `not`")
        return truth if isinstance(truth, Unknown) else not truth

    return lift(frame, negate, value)


@evaluates(nodes.Comparison)
def comparison(node: nodes.Comparison, frame: Frame) -> Value:
    values = [evaluate(operand, frame) for operand in node.operands]
    result: Value = True
    for i, operator in enumerate(node.operators):
        left, right = values[i], values[i + 1]
        if type(left) is int and type(right) is int and operator != "in":
            held: Value = _INT_ORDER[operator](left, right)
        else:
            sides = (node.operands[i].span, node.operands[i + 1].span)
            held = lift(
                frame, lambda a, b, o=operator, s=sides: compare(frame, node.span, o, a, b, s), left, right, deep=True
            )
        if len(node.operators) == 1:
            return held
        if held is False:
            return False
        result = lift(frame, lambda a, b: a if b is True else b if a is True else a and b, result, held)
    return result


_INT_ORDER = {
    "==": int.__eq__,
    "!=": int.__ne__,
    "<": int.__lt__,
    "<=": int.__le__,
    ">": int.__gt__,
    ">=": int.__ge__,
}


@evaluates(nodes.Binary)
def binary_expression(node: nodes.Binary, frame: Frame) -> Value:
    left, right = evaluate(node.left, frame), evaluate(node.right, frame)
    sides = (node.left.span, node.right.span)
    if not frame.session.checking:
        return binary(frame, node.span, node.operator, left, right, sides)
    return lift(frame, lambda a, b: binary(frame, node.span, node.operator, a, b, sides), left, right)


@evaluates(nodes.Signed)
def signed_expression(node: nodes.Signed, frame: Frame) -> Value:
    value = evaluate(node.operand, frame)
    return lift(frame, lambda v: signed(node.span, node.operator, v, frame), value)


@evaluates(nodes.Range)
def range_expression(node: nodes.Range, frame: Frame) -> Value:
    parts = [evaluate(node.start, frame), evaluate(node.stop, frame), evaluate(node.step, frame) if node.step else 1]

    def make(start: Value, stop: Value, step: Value) -> Value:
        for value, part in ((start, node.start), (stop, node.stop), (step, node.step or node.stop)):
            if isinstance(value, Unknown | Symbolic):
                return UNKNOWN
            if isinstance(value, bool) or not isinstance(value, int | float):
                raise Fault(
                    codes.WRONG_TYPE.at(part.span, f"a range needs numbers, not {describe(value)}", "not a number")
                )
        if type(start) is int and type(stop) is int and type(step) is int:
            if step <= 0:
                at = node.step.span if node.step else node.span
                raise Fault(codes.ARITHMETIC.at(at, f"the step of a range is {step}", "must be at least 1"))
            return range(start, stop + 1 if node.inclusive else stop, step)
        return RealRange(float(cast(float, start)), float(cast(float, stop)))

    return lift(frame, make, *parts)


@evaluates(nodes.Tuple)
def pair(node: nodes.Tuple, frame: Frame) -> Value:
    return Pair(_items(node.items, frame))


@evaluates(nodes.List)
def list_expression(node: nodes.List, frame: Frame) -> Value:
    return tuple(_items(node.items, frame))


def _items(items: tuple[nodes.Expression, ...], frame: Frame) -> Iterator[Value]:
    base = frame.naming
    values: list[Value] = []
    for position, item in enumerate(items):
        frame.naming = f"{base}.{position}" if base else ""
        values.append(evaluate(item, frame))
    frame.naming = base
    return iter(values)


@evaluates(nodes.Listing)
def listing(node: nodes.Listing, frame: Frame) -> Value:
    """A comprehension. Its variables are its own; each element is named after its place."""
    hidden = {t.text: frame.names.get(t.text, frame) for clause in node.clauses for t in clause.targets}
    base, before = frame.naming, frame.condition
    items: list[tuple[int, Value]] = []
    try:
        _listing(node, frame, 0, items, base)
    finally:
        frame.naming, frame.condition = base, before
        for key, value in hidden.items():
            if value is frame:
                frame.names.pop(key, None)
            else:
                frame.names[key] = cast(Value, value)
    if all(condition == before for condition, _ in items):
        return tuple(value for _, value in items)
    return _conditional_list(frame, items)


def _listing(node: nodes.Listing, frame: Frame, depth: int, items: list[tuple[int, Value]], base: str) -> None:
    if depth == len(node.clauses):
        frame.session.step(node.span)
        check_length(frame, node.span, len(items) + 1)
        frame.naming = f"{base}.{len(items)}" if base else ""
        value = evaluate(node.element, frame)
        items.append((frame.condition, value))
        return
    clause = node.clauses[depth]
    for condition, value in elements(frame, clause.iterable):
        outer = frame.condition
        frame.condition = frame.world.universe.both(outer, condition)
        if frame.effective() == NEVER:
            frame.condition = outer
            continue
        try:
            frame.session.step(clause.span)
            unpack(frame, clause.targets, value, clause.iterable.span)
            if clause.condition is not None:
                yes, _ = decide(frame, clause.condition, "the condition of a comprehension")
                frame.condition = frame.world.universe.both(frame.condition, yes)
                if frame.effective() == NEVER:
                    continue
            _listing(node, frame, depth + 1, items, base)
        finally:
            frame.condition = outer


def _conditional_list(frame: Frame, items: list[tuple[int, Value]]) -> Value:
    """A list in which some elements exist for some candidates only: one list for each combination, equal ones put together."""
    universe = frame.world.universe
    now = frame.effective()
    states: dict[tuple[Value, ...], int] = {(): ALWAYS}
    for condition, value in items:
        following: dict[tuple[Value, ...], int] = {}
        for prefix, reached in states.items():
            for taken, extended in ((condition, (*prefix, value)), (universe.negate(condition), prefix)):
                c = universe.both(reached, taken)
                if universe.both(c, now) != NEVER:
                    following[extended] = universe.either(following.get(extended, NEVER), c)
        states = following
        if len(states) > frame.session.limits.cases:
            raise TooManyCases
    return merged(frame, [(c, values) for values, c in states.items()])


def elements(frame: Frame, node: nodes.Expression) -> Iterator[tuple[int, Value]]:
    """The elements of a list, each with the candidates that have it."""
    value = evaluate(node, frame)
    if isinstance(value, range):
        frame.session.step(node.span, 0 if len(value) <= frame.session.limits.steps else len(value))
        for item in value:
            yield ALWAYS, item
        return
    if isinstance(value, tuple):
        for item in value:
            yield ALWAYS, item
        return
    if isinstance(value, Unknown):
        raise Abandoned
    if isinstance(value, Variant):
        yield from _variant_elements(frame, node, value)
        return
    raise Fault(_no_list(node.span, value))


def _variant_elements(frame: Frame, node: nodes.Expression, value: Variant) -> Iterator[tuple[int, Value]]:
    universe = frame.world.universe
    lists: list[tuple[int, tuple[Value, ...] | range]] = []
    for condition, inner in value.cases:
        if isinstance(inner, Unknown) or universe.both(frame.effective(), condition) == NEVER:
            continue
        if not isinstance(inner, tuple | range):
            raise Fault(_no_list(node.span, inner))
        lists.append((condition, inner))
    for position in range(max((len(items) for _, items in lists), default=0)):
        cases = [(condition, items[position]) for condition, items in lists if position < len(items)]
        present = NEVER
        for condition, _ in cases:
            present = universe.either(present, condition)
        yield present, merged(frame, cases)


def _no_list(span: Span, value: Value) -> Diagnostic:
    notes: tuple[str, ...] = ()
    if type(value) is int:
        notes = (f"to count, write `0..<{value}`",)
    if isinstance(value, Tensor):
        notes = ("a tensor is unpacked by `let a, b = x`, or cut by `split(x, parts, axis=...)`",)
    return codes.NOT_A_LIST.at(
        span, f"a list or range is needed here, not {describe(value)}", "not a list", notes=notes
    )


def unpack(frame: Frame, targets: tuple[nodes.Identifier, ...], value: Value, span: Span) -> None:
    """Bind names to a value: one to the whole, several to its parts."""
    if len(targets) == 1:
        frame.names[targets[0].text] = value
        return
    parts = lift(frame, lambda v: _parts(frame, v, len(targets), span), value)
    for position, target in enumerate(targets):
        frame.names[target.text] = lift(frame, lambda v, p=position: v if isinstance(v, Unknown) else v[p], parts)


def _parts(frame: Frame, value: Value, count: int, span: Span) -> Value:
    if isinstance(value, Unknown):
        return UNKNOWN
    if isinstance(value, Tensor):
        length = value.type.shape[0] if value.type.shape else 0
        if isinstance(length, Symbolic):
            length = count if not sizes.is_batch_dependent(length) else 0
        if length == count:
            return tuple(_take(frame, value, i, span) for i in range(count))
        told = f"the first axis of {value.type} is {value.type.shape[0] if value.type.shape else 'missing'}"
    elif isinstance(value, tuple | range):
        if len(value) == count:
            return tuple(value)
        told = f"{describe(value)} has {len(value)} elements"
    else:
        told = f"{describe(value)} has no parts"
    raise Fault(codes.CANNOT_UNPACK.at(span, f"{count} names cannot be bound: {told}", f"{count} values are needed"))


def _take(frame: Frame, tensor: Tensor, position: int, span: Span) -> Value:
    return apply_op(frame, ops()["index"], (tensor,), {"places": (position,)}, span, {"x": span})


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
                    return cast(Value, found)
        case _:
            pass
    near = closest(wanted, known)
    notes = (
        (f"a member with a similar name exists: `{near}`",)
        if near
        else (f"its members: {', '.join(known)}",)
        if known
        else ()
    )
    raise Fault(
        codes.NO_SUCH_MEMBER.at(node.name.span, f"{describe(value)} has no member `{wanted}`", "not there", notes=notes)
    )


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
    return lift(frame, lambda value, *places: _index(node, frame, value, places), operand, *parts)


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
    if not -len(value) <= place < len(value):
        last = f"the last one is {len(value) - 1}" if value else "the list is empty"
        count = f"{len(value)} element{'' if len(value) == 1 else 's'}"
        raise Fault(codes.OUT_OF_RANGE.at(at, f"index {place} of a list of {count}", last))
    return value[place]


def _index_tensor(node: nodes.Index, frame: Frame, value: Tensor, places: tuple[Value, ...]) -> Value:
    """Indices as the op takes them: an int, a slice, a range, the rest, or a table look-up by a tensor."""
    entries: list[Value] = []
    tensors: list[Value] = []
    for place, part in zip(places, node.subscripts, strict=True):
        if isinstance(place, Cut):
            entries.append(("slice", place[0], place[1]))
        elif place is _REST:
            entries.append("rest")
        elif isinstance(place, range):
            entries.append(("range", place.start, place.stop, place.step))
        elif isinstance(place, Tensor):
            tensors.append(place)
            entries.append("tensor")
        elif isinstance(place, int | Symbolic) and not isinstance(place, bool):
            entries.append(place)
        else:
            raise Fault(
                codes.WRONG_TYPE.at(part.span, f"a tensor cannot be indexed by {describe(place)}", "not an index")
            )
    if len(tensors) > 1:
        raise Fault(
            codes.WRONG_VALUE.at(node.span, "a tensor is indexed by one tensor at most", f"{len(tensors)} are given")
        )
    spans = {"x": node.operand.span, "places": node.span, "at": node.span}
    return apply_op(frame, ops()["index"], (value, *tensors), {"places": tuple(entries)}, node.span, spans)
