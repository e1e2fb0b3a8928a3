"""The value of every other expression: literals, names, arithmetic, lists, members and indices."""

from collections.abc import Callable, Iterator
from typing import cast

from archdsl.diagnostics import codes
from archdsl.meaning.conditions import NEVER
from archdsl.meaning.dispatch import evaluate, evaluates
from archdsl.meaning.operators import binary, checked, compare, signed, truth_of
from archdsl.meaning.run import Abandoned, Fault, Frame
from archdsl.meaning.types import describe
from archdsl.meaning.values import UNKNOWN, Amount, Pair, RealRange, Unknown, Value
from archdsl.meaning.variants import lift, merged, split
from archdsl.syntax import nodes
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
    return frame.session.weighed(Pair(_items(node.items, frame)), node.span)


@evaluates(nodes.List)
def list_expression(node: nodes.List, frame: Frame) -> Value:
    return frame.session.weighed(tuple(_items(node.items, frame)), node.span)


def _items(items: tuple[nodes.Expression, ...], frame: Frame) -> Iterator[Value]:
    base = frame.naming
    values: list[Value] = []
    for position, item in enumerate(items):
        frame.naming = f"{base}.{position}" if base else ""
        values.append(evaluate(item, frame))
    frame.naming = base
    return iter(values)
