"""Functions of numbers and lists. Some share their name with an op (`sum`, `max`, `sqrt`): tensors go there, numbers
come here."""

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, cast

from archdsl.diagnostics import codes
from archdsl.diagnostics.record import Diagnostic
from archdsl.meaning.operators import Number, arithmetic, check_length, checked, compare, is_number, truth_of
from archdsl.meaning.run import Fault, Frame
from archdsl.meaning.types import describe
from archdsl.meaning.values import UNKNOWN, Pair, Unknown, Value
from archdsl.meaning.variants import lift
from archdsl.source import Span
from archdsl_compiler import sizes
from archdsl_compiler.sizes import Symbolic

if TYPE_CHECKING:
    from archdsl.meaning.binding import Arguments

Run = Callable[[Frame, Span, "Arguments"], Value]


@dataclass(frozen=True, slots=True, eq=False)
class Builtin:
    """A function of the language. `signature` and `doc` are its entry in the reference."""

    name: str
    signature: str
    doc: str
    run: Run


BUILTINS: dict[str, Builtin] = {}
OVERLOADS: dict[str, Builtin] = {}
"""What an op's name means for numbers."""


def _declare(signature: str, doc: str, *, overload: bool = False) -> Callable[[Run], Run]:
    name = signature.partition("(")[0]

    def register(run: Run) -> Run:
        (OVERLOADS if overload else BUILTINS)[name] = Builtin(name, signature, doc, run)
        return run

    return register


def take(
    name: str, known: Sequence[str], arguments: "Arguments", span: Span, defaults: Mapping[str, Value] | None = None
) -> list[Value]:
    """The arguments of a builtin in order."""
    from archdsl.meaning.binding import fill

    filled = fill(name, known, arguments, span)
    values: list[Value] = []
    for key in known:
        if key in filled:
            values.append(filled[key].value)
        elif defaults is not None and key in defaults:
            values.append(defaults[key])
        else:
            raise Fault(codes.MISSING_SETTING.at(span, f"`{name}` needs `{key}`", f"`{key}` is not given"))
    return values


def _expected(span: Span, name: str, what: str, value: Value) -> Diagnostic:
    return codes.WRONG_TYPE.at(span, f"`{name}` needs {what}, not {describe(value)}", f"needs {what}")


def _items(span: Span, name: str, value: Value) -> tuple[Value, ...] | range:
    if not isinstance(value, tuple | range):
        raise Fault(_expected(span, name, "a list", value))
    return value


def _number(span: Span, name: str, value: Value) -> Number:
    if not is_number(value):
        raise Fault(_expected(span, name, "a number", value))
    return cast(Number, value)


# ---- lists


@_declare("len(list)", "How many elements a list has.")
def _len(frame: Frame, span: Span, arguments: "Arguments") -> Value:
    (value,) = take("len", ["list"], arguments, span)
    return lift(frame, lambda v: v if isinstance(v, Unknown) else len(_items(span, "len", v)), value)


def _listing(name: str, function: Callable[[Frame, Span, tuple[Value, ...] | range], Value]) -> Run:
    def run(frame: Frame, span: Span, arguments: "Arguments") -> Value:
        (value,) = take(name, ["list"], arguments, span)

        def each(v: Value) -> Value:
            if isinstance(v, Unknown):
                return v
            items = _items(span, name, v)
            check_length(frame, span, len(items))
            return function(frame, span, items)

        return lift(frame, each, value)

    return run


_declare("enumerate(list)", "Pairs of place and element.")(
    _listing("enumerate", lambda frame, span, items: tuple(Pair(item) for item in enumerate(items)))
)
_declare("reversed(list)", "The list from its end.")(
    _listing("reversed", lambda frame, span, items: tuple(reversed(items)))
)


@_declare("sorted(list)", "The numbers or strings of a list in rising order.")
def _sorted(frame: Frame, span: Span, arguments: "Arguments") -> Value:
    (value,) = take("sorted", ["list"], arguments, span)

    def run(v: Value) -> Value:
        if isinstance(v, Unknown):
            return v
        items = _items(span, "sorted", v)
        check_length(frame, span, len(items))
        if any(isinstance(item, Unknown | Symbolic) for item in items):
            return UNKNOWN
        if not (all(is_number(item) for item in items) or all(isinstance(item, str) for item in items)):
            raise Fault(_expected(span, "sorted", "a list of numbers or of strings", v))
        return tuple(sorted(cast("list[int]", list(items))))

    return lift(frame, run, value, deep=True)


@_declare("zip(first, second, ...)", "Elements of several lists side by side; the lists must be equally long.")
def _zip(frame: Frame, span: Span, arguments: "Arguments") -> Value:
    values = [given.value for given in arguments.positional]
    if len(values) < 2 or arguments.named:
        raise Fault(codes.MISSING_SETTING.at(span, "`zip` takes two or more lists", "lists by position"))

    def run(*lists: Value) -> Value:
        if any(isinstance(v, Unknown) for v in lists):
            return UNKNOWN
        items = [_items(span, "zip", v) for v in lists]
        if len({len(part) for part in items}) > 1:
            lengths = ", ".join(str(len(part)) for part in items)
            raise Fault(
                codes.MISMATCH.at(span, f"the lists of `zip` have {lengths} elements", "lists of one length are needed")
            )
        check_length(frame, span, len(items[0]))
        return tuple(Pair(parts) for parts in zip(*items, strict=True))

    return lift(frame, run, *values)


@_declare("range(stop) or range(start, stop)", "`0..<stop` as a function.")
def _range(frame: Frame, span: Span, arguments: "Arguments") -> Value:
    values = [given.value for given in arguments.positional]
    if not 1 <= len(values) <= 3 or arguments.named:
        raise Fault(codes.MISSING_SETTING.at(span, "`range` takes one to three ints", "ints by position"))

    def run(*parts: Value) -> Value:
        if any(isinstance(p, Unknown | Symbolic) for p in parts):
            return UNKNOWN
        if any(type(p) is not int for p in parts):
            raise Fault(_expected(span, "range", "ints", parts[0]))
        if len(parts) == 3 and parts[2] == 0:
            raise Fault(codes.ARITHMETIC.at(span, "the step of a range is 0", "must not be 0"))
        return range(*cast("tuple[int, ...]", parts))

    return lift(frame, run, *values)


@_declare("linspace(start, stop, count)", "`count` numbers in even steps, both ends among them.")
def _linspace(frame: Frame, span: Span, arguments: "Arguments") -> Value:
    values = take("linspace", ["start", "stop", "count"], arguments, span)

    def run(start: Value, stop: Value, count: Value) -> Value:
        if any(isinstance(v, Unknown | Symbolic) for v in (start, stop, count)):
            return UNKNOWN
        a, b = float(cast(float, _number(span, "linspace", start))), float(cast(float, _number(span, "linspace", stop)))
        if type(count) is not int or count < 0:
            raise Fault(_expected(span, "linspace", "a count of at least 0", count))
        check_length(frame, span, count)
        return tuple(a + (b - a) * i / (count - 1) if count > 1 else a for i in range(count))

    return lift(frame, run, *values)


@_declare("count(list, value)", "How often a value is in a list.")
def _count(frame: Frame, span: Span, arguments: "Arguments") -> Value:
    items, wanted = take("count", ["list", "value"], arguments, span)

    def run(v: Value) -> Value:
        if isinstance(v, Unknown):
            return v
        total: Value = 0
        frame.session.step(span, len(_items(span, "count", v)))
        for item in _items(span, "count", v):
            same = lift(frame, lambda a, b: compare(frame, span, "==", a, b, (span, span)), item, wanted, deep=True)
            total = lift(frame, _counted, total, same)
        return total

    return lift(frame, run, items)


def _counted(total: Value, same: Value) -> Value:
    return total + same if isinstance(total, int) and isinstance(same, bool) else UNKNOWN


# ---- reductions: folds, so that a sum of choices has as many cases as it has values


def _fold(name: str, start: Value, combine: Callable[[Span, Value, Value], Value]) -> Run:
    def run(frame: Frame, span: Span, arguments: "Arguments") -> Value:
        values: Value = tuple(given.value for given in arguments.positional)
        if len(arguments.positional) == 1:
            values = arguments.positional[0].value
        if arguments.named:
            key, given = next(iter(arguments.named.items()))
            raise Fault(
                codes.UNKNOWN_SETTING.at(
                    given.name or span, f"`{name}` of numbers has no setting `{key}`", "only for tensors"
                )
            )

        def whole(v: Value) -> Value:
            if isinstance(v, Unknown):
                return v
            items = _items(span, name, v)
            frame.session.step(span, len(items))
            total = start
            for position, item in enumerate(items):
                first = position == 0 and start is None
                total = item if first else lift(frame, lambda a, b: _combined(combine, span, a, b), total, item)
            if total is None:
                raise Fault(codes.ARITHMETIC.at(span, f"`{name}` of an empty list", "needs at least one number"))
            if len(items) == 1 and start is None:
                lift(frame, lambda v: v if isinstance(v, Unknown) else _number(span, name, v), total)
            return total

        return lift(frame, whole, values)

    return run


def _combined(combine: Callable[[Span, Value, Value], Value], span: Span, a: Value, b: Value) -> Value:
    return UNKNOWN if isinstance(a, Unknown) or isinstance(b, Unknown) else combine(span, a, b)


def _extreme(name: str, pick: Callable[[Number, Number], Number]) -> Callable[[Span, Value, Value], Value]:
    def combine(span: Span, a: Value, b: Value) -> Value:
        x, y = _number(span, name, a), _number(span, name, b)
        if isinstance(x, Symbolic) or isinstance(y, Symbolic):
            return cast(Value, sizes.apply(name, x, y))
        return pick(x, y)

    return combine


def _add(span: Span, a: Value, b: Value) -> Value:
    return arithmetic(span, "+", _number(span, "sum", a), _number(span, "sum", b))


def _multiply(span: Span, a: Value, b: Value) -> Value:
    return arithmetic(span, "*", _number(span, "product", a), _number(span, "product", b))


def _mean(frame: Frame, span: Span, arguments: "Arguments") -> Value:
    total = OVERLOADS["sum"].run(frame, span, arguments)
    length = _len(frame, span, arguments)
    return lift(
        frame,
        lambda a, b: _combined(lambda s, x, y: arithmetic(s, "/", cast(Number, x), cast(Number, y)), span, a, b),
        total,
        length,
    )


_declare("sum(list)", "The sum of numbers.", overload=True)(_fold("sum", 0, _add))
_declare("mean(list)", "The mean of numbers.", overload=True)(_mean)
_declare("product(list)", "The product of numbers; 1 of none.")(_fold("product", 1, _multiply))
_declare("max(list) or max(a, b, ...)", "The largest number.", overload=True)(
    _fold("max", None, _extreme("max", lambda a, b: a if cast(float, a) >= cast(float, b) else b))
)
_declare("min(list) or min(a, b, ...)", "The smallest number.", overload=True)(
    _fold("min", None, _extreme("min", lambda a, b: a if cast(float, a) <= cast(float, b) else b))
)


def _quantifier(name: str, stops: bool) -> Run:
    def run(frame: Frame, span: Span, arguments: "Arguments") -> Value:
        (value,) = take(name, ["list"], arguments, span)

        def whole(v: Value) -> Value:
            if isinstance(v, Unknown):
                return v
            frame.session.step(span, len(_items(span, name, v)))
            result: Value = not stops
            for item in _items(span, name, v):
                truth = lift(frame, lambda i: truth_of(i, span, f"an element of `{name}`"), item)
                result = lift(
                    frame,
                    lambda a, b: (
                        stops if a is stops or b is stops else b if a is not stops and not isinstance(a, Unknown) else a
                    ),
                    result,
                    truth,
                )
                if result is stops:
                    break
            return result

        return lift(frame, whole, value)

    return run


_declare("all(list)", "Whether every element is true.")(_quantifier("all", False))
_declare("any(list)", "Whether some element is true.")(_quantifier("any", True))


# ---- numbers


def _unary(name: str, function: Callable[[Number], Number]) -> Run:
    def run(frame: Frame, span: Span, arguments: "Arguments") -> Value:
        (value,) = take(name, ["x"], arguments, span)

        def each(v: Value) -> Value:
            if isinstance(v, Unknown):
                return v
            if name in ("int", "real") and isinstance(v, bool):
                return int(v) if name == "int" else float(v)
            x = _number(span, name, v)
            if isinstance(x, Symbolic):
                return cast(Value, sizes.apply(name, x))
            try:
                return cast(Value, checked(span, function(x)))
            except (ValueError, OverflowError):
                raise Fault(codes.ARITHMETIC.at(span, f"`{name}` of {x} is no number", "not defined here")) from None

        return lift(frame, each, value)

    return run


def _half_away(x: Number) -> Number:
    """Rounding as people expect it: halves away from zero."""
    return math.floor(abs(cast(float, x)) + 0.5) * (1 if cast(float, x) >= 0 else -1)


def _ilog2(x: Number) -> Number:
    if type(x) is not int or x < 1:
        raise ValueError
    return x.bit_length() - 1


_declare("int(x)", "The number without its fraction; true is 1.")(_unary("int", lambda x: int(cast(float, x))))
_declare("real(x)", "The number as a real.")(_unary("real", lambda x: float(cast(float, x))))
_declare("round(x)", "The nearest int, halves away from zero.", overload=True)(_unary("round", _half_away))
_declare("floor(x)", "The largest int not above.", overload=True)(_unary("floor", lambda x: math.floor(cast(float, x))))
_declare("ceil(x)", "The smallest int not below.", overload=True)(_unary("ceil", lambda x: math.ceil(cast(float, x))))
_declare("ilog2(x)", "The largest power of two not above, as its exponent.")(_unary("ilog2", _ilog2))
_declare("abs(x)", "The size of a number.", overload=True)(_unary("abs", lambda x: abs(cast(float, x))))
_declare("sqrt(x)", "The square root of a number.", overload=True)(_unary("sqrt", lambda x: math.sqrt(cast(float, x))))
_declare("log(x)", "The natural logarithm of a number.", overload=True)(
    _unary("log", lambda x: math.log(cast(float, x)))
)
_declare("exp(x)", "The exponential of a number.", overload=True)(_unary("exp", lambda x: math.exp(cast(float, x))))
_declare("sin(x)", "The sine of a number.", overload=True)(_unary("sin", lambda x: math.sin(cast(float, x))))
_declare("cos(x)", "The cosine of a number.", overload=True)(_unary("cos", lambda x: math.cos(cast(float, x))))
