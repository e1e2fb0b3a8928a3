"""Python expressions as small trees, as far as emission needs them.

A tree keeps apart what makes the structure of code (names, operators, calls) and the numbers in it: the instances of a
component are laid over each other, and only their `Number`s may differ. Text is made last, by `render`."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import TypeAlias, cast


@dataclass(frozen=True, slots=True)
class Raw:
    """Code as it stands: `nn.Linear`, `self.training`, `None`."""

    text: str


@dataclass(frozen=True, slots=True)
class Number:
    """A number, boolean or string that may differ from instance to instance, or a list of such. `hint` is how the
    source wrote it, `name` what it is called where it is wanted."""

    value: object
    hint: str = ""
    name: str = ""


@dataclass(frozen=True, slots=True)
class Default(Number):
    """A number that its argument has anyway. It is written only where other instances have another one: then it has
    become a name."""


@dataclass(frozen=True, slots=True)
class Each:
    """A number that differs from pass to pass of a loop: one value for each, and whether that is the usual one."""

    values: tuple[object, ...]
    hint: str = ""
    name: str = ""
    usual: tuple[bool, ...] = ()


@dataclass(frozen=True, slots=True)
class Part:
    """What stands under a label of the module: a layer, a parameter, a buffer. In a loop `place` says which segment of
    the label counts the passes."""

    label: str
    place: int = -1


@dataclass(frozen=True, slots=True)
class Maker:
    """A function that makes layers of one class which begin otherwise than PyTorch's: how their weight and bias do."""

    layer: str
    begins: tuple[tuple[str, object], ...]


@dataclass(frozen=True, slots=True)
class Use:
    """A value of the module, by its number in the graph."""

    value: int


@dataclass(frozen=True, slots=True)
class Batch:
    """The size of the batch, read from an input when the model runs."""


@dataclass(frozen=True, slots=True)
class Apply:
    """A call: `function(arguments, name=...)`."""

    function: "Expression"
    arguments: tuple["Expression", ...] = ()
    named: tuple[tuple[str, "Expression"], ...] = ()


@dataclass(frozen=True, slots=True)
class Member:
    """`of.name`."""

    of: "Expression"
    name: str


@dataclass(frozen=True, slots=True)
class Index:
    """`of[places]`."""

    of: "Expression"
    places: tuple["Expression", ...]


@dataclass(frozen=True, slots=True)
class Slice:
    """`start:stop:step` inside an index; what is None is left out."""

    start: "Expression | None" = None
    stop: "Expression | None" = None
    step: "Expression | None" = None


@dataclass(frozen=True, slots=True)
class Infix:
    """`left sign right`, for arithmetic, comparison and `@`."""

    sign: str
    left: "Expression"
    right: "Expression"


@dataclass(frozen=True, slots=True)
class Prefix:
    """`-of`, `~of`, `*of`."""

    sign: str
    of: "Expression"


@dataclass(frozen=True, slots=True)
class Choice:
    """`then if condition else otherwise`."""

    condition: "Expression"
    then: "Expression"
    otherwise: "Expression"


@dataclass(frozen=True, slots=True)
class Row:
    """A list or a tuple."""

    items: tuple["Expression", ...]
    brackets: str = "()"


@dataclass(frozen=True, slots=True)
class Comprehension:
    """`[element for ... in ...]`. Until it is lifted, the element holds an `Each` for what differs from pass to pass;
    then it has `variables` and the `source` that they run over."""

    element: "Expression"
    count: "Expression"
    variables: str = ""
    source: "Expression | None" = None


Expression: TypeAlias = (
    Raw
    | Number
    | Each
    | Part
    | Maker
    | Use
    | Batch
    | Apply
    | Member
    | Index
    | Slice
    | Infix
    | Prefix
    | Choice
    | Row
    | Comprehension
)


def call(function: str, *arguments: Expression, **named: Expression) -> Apply:
    """`function(arguments, name=...)` of a function by its name."""
    return Apply(Raw(function), arguments, tuple(named.items()))


def method(of: Expression, name: str, *arguments: Expression, **named: Expression) -> Apply:
    """`of.name(arguments, name=...)`."""
    return Apply(Member(of, name), arguments, tuple(named.items()))


def parts(expression: Expression) -> tuple[Expression, ...]:
    """The expressions directly inside one, in the order of the text."""
    match expression:
        case Apply():
            return (expression.function, *expression.arguments, *(value for _, value in expression.named))
        case Member():
            return (expression.of,)
        case Index():
            return (expression.of, *expression.places)
        case Slice():
            return tuple(part for part in (expression.start, expression.stop, expression.step) if part is not None)
        case Infix():
            return (expression.left, expression.right)
        case Prefix():
            return (expression.of,)
        case Choice():
            return (expression.then, expression.condition, expression.otherwise)
        case Row():
            return expression.items
        case Comprehension():
            source = () if expression.source is None else (expression.source,)
            return (expression.element, expression.count, *source)
        case _:
            return ()


def with_parts(expression: Expression, change: Callable[[Expression], Expression]) -> Expression:
    """The expression with what is directly inside it changed."""
    match expression:
        case Apply():
            return Apply(
                change(expression.function),
                tuple(change(a) for a in expression.arguments),
                tuple((name, change(value)) for name, value in expression.named),
            )
        case Member():
            return Member(change(expression.of), expression.name)
        case Index():
            return Index(change(expression.of), tuple(change(place) for place in expression.places))
        case Slice():
            ends = (expression.start, expression.stop, expression.step)
            return Slice(*(None if end is None else change(end) for end in ends))
        case Infix():
            return Infix(expression.sign, change(expression.left), change(expression.right))
        case Prefix():
            return Prefix(expression.sign, change(expression.of))
        case Choice():
            then, condition, otherwise = (change(part) for part in parts(expression))
            return Choice(condition, then, otherwise)
        case Row():
            return Row(tuple(change(item) for item in expression.items), expression.brackets)
        case Comprehension():
            source = None if expression.source is None else change(expression.source)
            return Comprehension(change(expression.element), change(expression.count), expression.variables, source)
        case _:
            return expression


def walk(expression: Expression) -> Iterator[Expression]:
    """An expression and all inside it, in the order of the text."""
    yield expression
    for part in parts(expression):
        yield from walk(part)


def values_in(expression: Expression) -> tuple[int, ...]:
    """The values that an expression reads."""
    return tuple(part.value for part in walk(expression) if isinstance(part, Use))


def replace(expression: Expression, change: Callable[[Expression], Expression | None]) -> Expression:
    """The expression with parts replaced, from the outside in; None keeps a part and goes on inside it."""
    changed = change(expression)
    return with_parts(expression, lambda part: replace(part, change)) if changed is None else changed


# How tightly things bind, as Python has it; a part that binds less tightly than its place asks gets parentheses.
_CHOICE, _COMPARE, _OR, _XOR, _AND, _SUM, _PRODUCT, _UNARY, _POWER, _ATOM = range(10)
_LEVELS = {
    **dict.fromkeys(("==", "!=", "<", "<=", ">", ">="), _COMPARE),
    "|": _OR,
    "&": _AND,
    **dict.fromkeys(("+", "-"), _SUM),
    **dict.fromkeys(("*", "/", "//", "%", "@"), _PRODUCT),
    "**": _POWER,
}


def _level(expression: Expression) -> int:
    match expression:
        case Infix():
            return _LEVELS[expression.sign]
        case Prefix():
            return _UNARY if expression.sign != "*" else _CHOICE
        case Choice():
            return _CHOICE
        case Number(value=int() | float() as value) if value < 0:
            return _UNARY
        case _:
            return _ATOM


def render(expression: Expression, leaf: Callable[[Expression], str]) -> str:
    """The text of an expression. `leaf` writes its `Number`s, `Use`s and the `Batch`; what it gives must bind like a
    name."""

    def inner(part: Expression, level: int) -> str:
        text = render(part, leaf)
        return f"({text})" if _level(part) < level else text

    match expression:
        case Raw():
            return expression.text
        case Number() | Each() | Part() | Maker() | Use() | Batch():
            return leaf(expression)
        case Apply():
            arguments = [render(a, leaf) for a in expression.arguments]
            named = [(name, value) for name, value in expression.named if not isinstance(value, Default)]
            arguments += [f"{name}={render(value, leaf)}" for name, value in named]
            return f"{inner(expression.function, _ATOM)}({', '.join(arguments)})"
        case Member():
            return f"{inner(expression.of, _ATOM)}.{expression.name}"
        case Index():
            return f"{inner(expression.of, _ATOM)}[{', '.join(render(place, leaf) for place in expression.places)}]"
        case Slice():
            start, stop, step = (
                "" if end is None else render(end, leaf) for end in (expression.start, expression.stop, expression.step)
            )
            plain = all(part.lstrip("-").replace("_", "").isalnum() for part in (start, stop, step) if part)
            gap = "" if plain else " "
            before = f"{start}{gap if start else ''}:{gap if stop else ''}{stop}"
            return f"{before}{gap if stop else ''}:{gap}{step}" if step else before
        case Infix():
            level = _LEVELS[expression.sign]
            # `**` takes its right side first, and comparisons do not chain.
            left = inner(expression.left, level + (1 if level in (_POWER, _COMPARE) else 0))
            right = inner(expression.right, _UNARY if level == _POWER else level + 1)
            simple = level == _POWER and all(_plain(text) for text in (left, right))
            return f"{left}{expression.sign}{right}" if simple else f"{left} {expression.sign} {right}"
        case Prefix():
            return f"{expression.sign}{inner(expression.of, _UNARY)}"
        case Choice():
            then, condition, otherwise = (inner(part, _CHOICE + 1) for part in parts(expression))
            return f"{then} if {condition} else {otherwise}"
        case Row(brackets=":"):
            return ": ".join(render(item, leaf) for item in expression.items)
        case Row():
            items = ", ".join(render(item, leaf) for item in expression.items)
            comma = "," if len(expression.items) == 1 and expression.brackets == "()" else ""
            return f"{expression.brackets[0]}{items}{comma}{expression.brackets[1]}"

        case Comprehension():
            assert expression.source is not None
            element, source = render(expression.element, leaf), render(expression.source, leaf)
            return f"[{element} for {expression.variables} in {source}]"


def _plain(text: str) -> bool:
    """Whether `ruff format` hugs a power around this operand: names, attributes and plain numbers."""
    return text.lstrip("-").replace(".", "").replace("_", "").isalnum()


def literal(value: object) -> str:
    """A value as Python writes it."""
    if isinstance(value, float):
        return repr(value)
    if isinstance(value, tuple):
        return f"[{', '.join(literal(item) for item in cast('tuple[object, ...]', value))}]"
    if isinstance(value, str):
        quoted = repr(value)
        return f'"{quoted[1:-1]}"' if quoted[0] == "'" and '"' not in quoted else quoted
    return repr(value)
