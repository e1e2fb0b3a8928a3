"""Operators: what `+`, `//`, `<`, `in` and their like do to numbers, lists, quantities and tensors."""

import math
import operator as operator_functions
from collections.abc import Callable
from typing import Any, cast

from archdsl.diagnostics import codes
from archdsl.diagnostics.record import Diagnostic, Label
from archdsl.meaning.op_calls import apply_op
from archdsl.meaning.run import Fault, Frame
from archdsl.meaning.types import describe
from archdsl.meaning.values import Amount, Measured, Pair, Tensor, Unknown, Value, Variant, is_component
from archdsl.meaning.worlds import Site
from archdsl.source import Span
from archdsl_compiler import sizes
from archdsl_compiler.ops.registry import ops
from archdsl_compiler.sizes import Symbolic

Number = int | float | Symbolic

BINARY_OPS = {
    "+": "add",
    "-": "subtract",
    "*": "multiply",
    "/": "divide",
    "//": "floor_divide",
    "%": "remainder",
    "**": "power",
    "@": "matmul",
}
COMPARING_OPS = {
    "==": "equal",
    "!=": "not_equal",
    "<": "less",
    "<=": "less_equal",
    ">": "greater",
    ">=": "greater_equal",
}
LARGEST = 1 << 63


def binary(frame: Frame, span: Span, operator: str, left: Value, right: Value, sides: tuple[Span, Span]) -> Value:
    """One arithmetic operator on definite values."""
    if isinstance(left, Unknown) or isinstance(right, Unknown):
        return left if isinstance(left, Unknown) else right
    if is_number(left) and is_number(right) and operator != "@":
        return arithmetic(span, operator, cast(Number, left), cast(Number, right))
    if isinstance(left, Tensor) or isinstance(right, Tensor):
        if operator == "@" and (is_number(left) or is_number(right)):
            raise Fault(_wrong(span, operator, left, right, span))
        for side, value in zip(sides, (left, right), strict=True):
            if not isinstance(value, Tensor) and not is_number(value):
                raise Fault(_wrong(span, operator, left, right, side))
        return apply_op(frame, ops()[BINARY_OPS[operator]], (left, right), {}, span, {"x": sides[0], "y": sides[1]})
    if operator == "+" and isinstance(left, tuple | range) and isinstance(right, tuple | range):
        return joined(frame, span, left, right)
    if isinstance(left, Amount) and operator in "*/" and is_number(right) and not isinstance(right, Symbolic):
        return Amount(left.dimension, float(cast(float, arithmetic(span, operator, left.number, cast(float, right)))))
    raise Fault(_wrong(span, operator, left, right, span))


def joined(frame: Frame, span: Span, left: tuple[Value, ...] | range, right: tuple[Value, ...] | range) -> Value:
    """Two lists, one after the other."""
    length = len(left) + len(right)
    check_length(frame, span, length)
    frame.session.step(span, length // 16)
    return frame.session.weighed((*left, *right), span)


def check_length(frame: Frame, span: Span, length: int) -> None:
    """Refuse a list that would be longer than the limit, before it is made."""
    if length > frame.session.limits.elements:
        raise Fault(
            codes.LIST_TOO_LONG.at(
                span,
                f"a list of {length:,} elements is longer than {frame.session.limits.elements:,}",
                "this list",
                notes=(f"raise the limit: --limit elements={length}",),
            )
        )


def is_number(value: Value) -> bool:
    return type(value) is int or type(value) is float or isinstance(value, Symbolic)


def arithmetic(span: Span, operator: str, left: Number, right: Number) -> Value:
    """A number from two numbers, or a fault that says why there is none."""
    try:
        if operator == "+":
            result = left + right
        elif operator == "-":
            result = left - right
        elif operator == "*":
            result = left * right
        elif operator == "/":
            result = left / right
        elif operator == "//":
            result = left // right
        elif operator == "%":
            result = left % right
        else:
            result = _power(span, left, right)
    except ZeroDivisionError:
        raise Fault(codes.ARITHMETIC.at(span, "division by zero", f"the right side of `{operator}` is 0")) from None
    except OverflowError:
        raise Fault(codes.NUMBER_TOO_LARGE.at(span, "the result is too large for a number", "this overflows")) from None
    return checked(span, result)


def _power(span: Span, left: Number, right: Number) -> Number:
    if (
        type(left) is int
        and type(right) is int
        and right > 0
        and left not in (-1, 0, 1)
        and left.bit_length() * right > 4096
    ):
        raise OverflowError
    result = cast("Number | complex", left**right)
    if isinstance(result, complex):
        raise Fault(codes.ARITHMETIC.at(span, "a power of a negative number that is not real", "no real number"))
    return result


def checked(span: Span, number: Number) -> Number:
    """The number, if it has at most 64 bits and is one."""
    if type(number) is int and not -LARGEST <= number < LARGEST:
        raise Fault(
            codes.NUMBER_TOO_LARGE.at(span, "the result has more than 64 bits", "this is too large for a number")
        )
    if type(number) is float and not math.isfinite(number):
        raise Fault(codes.NUMBER_TOO_LARGE.at(span, "the result is too large for a number", "this overflows"))
    return number


def compare(frame: Frame, span: Span, operator: str, left: Value, right: Value, sides: tuple[Span, Span]) -> Value:
    """One comparison of definite values. Only `==` and `!=` compare everything; `none` is equal to `none` alone."""
    if isinstance(left, Measured) or isinstance(right, Measured):
        check_measured(span, operator, left, right, sides)
    if isinstance(left, Unknown) or isinstance(right, Unknown):
        return left if isinstance(left, Unknown) else right
    if operator == "in":
        return contained(frame, span, left, right, sides)
    if left is None or right is None:
        if operator in ("==", "!="):
            return (left is right) == (operator == "==")
        raise Fault(_wrong(span, operator, left, right, sides[0] if left is None else sides[1]))
    if isinstance(left, Tensor) or isinstance(right, Tensor):
        for side, value in zip(sides, (left, right), strict=True):
            if not isinstance(value, Tensor) and not is_number(value):
                raise Fault(_wrong(span, operator, left, right, side))
        return apply_op(frame, ops()[COMPARING_OPS[operator]], (left, right), {}, span, {"x": sides[0], "y": sides[1]})
    if isinstance(left, Symbolic) or isinstance(right, Symbolic):
        if is_number(left) and is_number(right):
            return compare_sizes(frame, span, operator, cast(Number, left), cast(Number, right))
        return operator == "!="
    if operator in ("==", "!="):
        return equal(left, right) == (operator == "==")
    ordered = (is_number(left) and is_number(right)) or (
        isinstance(left, Amount) and isinstance(right, Amount) and left.dimension == right.dimension
    )
    if not ordered:
        raise Fault(_wrong(span, operator, left, right, span))
    return bool(_ORDER[operator](left, right))


def check_measured(span: Span, operator: str, left: Value, right: Value, sides: tuple[Span, Span]) -> None:
    """Whether a metric is compared with what it measures: a time with a time, a count with a number."""
    for metric, other, side in ((left, right, sides[1]), (right, left, sides[0])):
        if not isinstance(metric, Measured) or isinstance(other, Unknown):
            continue
        dimension = other.dimension if isinstance(other, Amount) else ""
        if operator != "in" and (dimension != metric.dimension or not isinstance(other, Amount | int | float)):
            wanted = {"time": "a time such as 10ms", "size": "a size such as 4MiB"}.get(metric.dimension, "a number")
            told = f"the number {side.text}" if is_number(other) else describe(other)
            raise Fault(codes.WRONG_OPERANDS.at(span, f"`{metric.name}` is compared with {told}", f"needs {wanted}"))


def equal(left: Value, right: Value) -> bool:
    """Equality of definite values: true is not 1, a list equals a tuple of the same values."""
    if isinstance(left, bool) != isinstance(right, bool):
        return False
    if isinstance(left, range) and isinstance(right, range):
        return left == right
    if isinstance(left, tuple | range) and isinstance(right, tuple | range):
        return len(left) == len(right) and all(map(equal, left, right))
    return left == right


def compare_sizes(frame: Frame, span: Span, operator: str, left: Number, right: Number) -> Value:
    """A comparison with an unknown size. The batch may not be compared; an open size that could be either is followed
    both ways."""
    if sizes.is_batch_dependent(left) or sizes.is_batch_dependent(right):
        if left == right and operator in ("==", "<=", ">="):
            return True
        raise Fault(
            codes.BATCH_DEMANDED.at(
                span,
                "the batch size is compared",
                "the batch stays free: no statement may depend on it",
                notes=("models run at any batch size; compare other axes, or put the batch into a pattern",),
            )
        )
    truth = sizes.decide(operator, left, right)
    if truth is not None:
        return truth
    world = frame.world
    key = ("size", operator, left, right)
    number = world.known.get(key)
    if number is None:
        number = world.known[key] = world.universe.new_site(2)
        world.sites.append(Site("", (True, False), span, of_size=True))
    return Variant(((world.universe.taken(number, 0), True), (world.universe.taken(number, 1), False)))


def contained(frame: Frame, span: Span, left: Value, right: Value, sides: tuple[Span, Span]) -> Value:
    if not isinstance(right, tuple | range):
        raise Fault(_wrong(span, "in", left, right, sides[1]))
    if isinstance(right, range):
        return type(left) is int and left in right
    found: Value = False
    for item in right:
        same = compare(frame, span, "==", left, item, sides)
        if same is True:
            return True
        if same is not False:
            found = same
    return found


def signed(span: Span, operator: str, value: Value, frame: Frame) -> Value:
    if isinstance(value, Unknown):
        return value
    if is_number(value):
        return value if operator == "+" else -cast(Number, value)
    if isinstance(value, Tensor):
        return value if operator == "+" else apply_op(frame, ops()["negate"], (value,), {}, span, {"x": span})
    raise Fault(
        codes.WRONG_OPERANDS.at(
            span, f"`{operator}` needs a number or a tensor, not {describe(value)}", "cannot be negated"
        )
    )


def truth_of(value: Value, span: Span, what: str) -> Value:
    """A boolean, or the fault that it is none."""
    if isinstance(value, bool | Unknown):
        return value
    if isinstance(value, Tensor):
        raise Fault(
            codes.TENSOR_CONDITION.at(
                span,
                f"{what} is a tensor, which is not known when the model is built",
                f"a tensor {value.type}",
                notes=("choose element by element with `where(condition, a, b)`",),
            )
        )
    raise Fault(codes.WRONG_TYPE.at(span, f"{what} must be true or false, not {describe(value)}", "not a boolean"))


def _wrong(span: Span, operator: str, left: Value, right: Value, at: Span) -> Diagnostic:
    notes: tuple[str, ...] = ()
    if any(is_component(side) and side is not None for side in (left, right)):
        notes = ("a component is no tensor: apply it first, as in `x |> norm` or `norm(x)`",)
    elif operator == "*" and any(isinstance(side, Pair | tuple | range) for side in (left, right)):
        notes = ("to repeat an element, write `[value for i in 0..<n]`",)
    others = () if at == span else (Label(span, ""),)
    return codes.WRONG_OPERANDS.at(
        at,
        f"`{operator}` does not take {describe(left)} and {describe(right)}",
        "does not fit the operator",
        others=others,
        notes=notes,
    )


_ORDER: dict[str, Callable[[Any, Any], bool]] = {
    "<": operator_functions.lt,
    "<=": operator_functions.le,
    ">": operator_functions.gt,
    ">=": operator_functions.ge,
}
