"""The types of settings: whether a value fits one, and how both are called in messages."""

from collections.abc import Callable, Iterable

from archdsl.meaning.catalogue.families import FAMILIES
from archdsl.meaning.values import (
    Amount,
    Component,
    Composed,
    Configured,
    Decided,
    Placed,
    RealRange,
    Tensor,
    Unknown,
    Value,
    Variant,
    Wrapped,
    show,
)
from archdsl.syntax import nodes
from archdsl_compiler.ops.contract import InitialValue, Op
from archdsl_compiler.sizes import Symbolic

_COMPONENT_KINDS = ("op", "function", "mixer", "block", "stage", "model")


def _is_int(value: Value) -> bool:
    return type(value) is int or isinstance(value, Symbolic)


def _is_real(value: Value) -> bool:
    return type(value) is int or type(value) is float or isinstance(value, Symbolic)


def _is_part(value: Value) -> bool:
    """What can be applied to a tensor and sit inside a model."""
    if isinstance(value, Component):
        return value.kind in _COMPONENT_KINDS
    return isinstance(value, Composed | Wrapped | Placed)


def _is_number_list(value: Value) -> bool:
    return isinstance(value, range) or (isinstance(value, tuple) and all(_fits(item, _is_int) for item in value))


def _is_format(value: Value) -> bool:
    if isinstance(value, Configured):
        return value.entry.family == "format"
    return _is_dtype(value)


def _is_dtype(value: Value) -> bool:
    if isinstance(value, Component):
        return isinstance(value.callee, Op) and value.callee.category == "cast"
    return isinstance(value, Configured) and value.entry.family == "format"


def _of_kind(*kinds: str) -> Callable[[Value], bool]:
    return lambda value: isinstance(value, Component) and value.kind in kinds


def _of_family(name: str) -> Callable[[Value], bool]:
    return lambda value: isinstance(value, Configured) and value.entry.family == name


TYPES: dict[str, tuple[Callable[[Value], bool], str]] = {
    "int": (_is_int, "an int"),
    "real": (_is_real, "a real number"),
    "bool": (lambda v: isinstance(v, bool), "true or false"),
    "str": (lambda v: isinstance(v, str), "a string"),
    "list": (lambda v: isinstance(v, tuple | range), "a list"),
    "tuple": (lambda v: isinstance(v, tuple), "a tuple"),
    "mixer": (_is_part, "a mixer"),
    "block": (_is_part, "a block"),
    "stage": (_is_part, "a stage"),
    "model": (_of_kind("model"), "a model"),
    "space": (lambda v: isinstance(v, Decided) or _of_kind("space", "model")(v), "a space or a model"),
    "quant": (_of_kind("quant"), "a quant"),
    "train": (_of_kind("train"), "a train recipe"),
    "format": (_is_format, "a number format"),
    "dtype": (_is_dtype, "a dtype"),
    "function": (_of_kind("function"), "a function"),
    "quantity": (lambda v: isinstance(v, Amount) or _is_real(v), "a quantity such as 10ms"),
    "any": (lambda v: True, "anything"),
    # Types that only settings of ops and of entries of the catalogue have.
    "time": (lambda v: isinstance(v, Amount) and v.dimension == "time", "a time such as 8h"),
    "bytes": (lambda v: isinstance(v, Amount) and v.dimension == "size", "a size such as 8GiB"),
    "sizes": (lambda v: _is_int(v) or _is_number_list(v), "an int, or a list with one for each axis"),
    "axes": (lambda v: _is_int(v) or _is_number_list(v), "an axis, or a list of axes"),
    "padding": (lambda v: v == "same" or _is_int(v) or _is_number_list(v), 'an int, one for each axis, or "same"'),
    "shape": (_is_number_list, "a list of sizes"),
    "init": (
        lambda v: v is None or _is_real(v) or isinstance(v, InitialValue),
        "a number or an initial value such as trunc_normal(0.02)",
    ),
}


def _fits(value: Value, test: Callable[[Value], bool]) -> bool:
    """Whether every form that choices give the value passes."""
    if isinstance(value, Variant):
        return all(_fits(inner, test) for _, inner in value.cases)
    return isinstance(value, Unknown) or test(value)


def _some(value: tuple[Value, ...] | range) -> tuple[Value, ...] | range:
    """The elements that tell the type of all: one of a range, which may have more than can be looked at."""
    return value[:1] if isinstance(value, range) else value


def fits(value: Value, name: str, arguments: tuple[nodes.Type, ...] = (), optional: bool = False) -> bool:
    """Whether a value has a type. An unknown type takes everything: its name was reported where it stands."""
    if isinstance(value, Unknown):
        return True
    if isinstance(value, Variant):
        return all(fits(inner, name, arguments, optional) for _, inner in value.cases)
    if value is None and optional:
        return True
    if name in TYPES:
        test = TYPES[name][0]
    elif name in FAMILIES:
        test = _of_family(name)
    else:
        test = TYPES["any"][0]
    if not test(value):
        return False
    if arguments and isinstance(value, tuple | range):
        inner = arguments[0]
        return all(fits(item, inner.name, inner.arguments, inner.optional) for item in _some(value))
    return True


def fits_text(value: Value, text: str) -> bool:
    """Whether a value has a type that is written as text: the tables of ops and of the catalogue."""
    if type(value) is int and text in ("int", "sizes", "axes", "real", "int?", "init"):
        return True
    optional = text.endswith("?")
    name, _, rest = text.removesuffix("?").partition("[")
    if not rest:
        return fits(value, name, (), optional)
    if value is None:
        return optional
    if isinstance(value, Variant):
        return all(fits_text(inner, text) for _, inner in value.cases)
    return isinstance(value, Unknown) or (
        isinstance(value, tuple | range) and all(fits_text(v, rest.removesuffix("]")) for v in _some(value))
    )


def describe_type(name: str, arguments: tuple[nodes.Type, ...] = (), optional: bool = False) -> str:
    words = TYPES[name][1] if name in TYPES else FAMILIES[name].words if name in FAMILIES else name
    if arguments:
        words = f"a list of {_plural(arguments[0].name)}" if not arguments[0].arguments else "a list of lists"
    return f"{words} or `none`" if optional else words


_PLURALS = {"str": "strings", "real": "real numbers", "bool": "true and false", "any": "any values"}


def _plural(name: str) -> str:
    return _PLURALS.get(name, f"{name}s")


def describe_text(text: str) -> str:
    """A type that is written as text, in words."""
    if "|" in text:
        return " or ".join(describe_text(part.strip()) for part in text.split("|"))
    optional = text.endswith("?")
    name, _, rest = text.removesuffix("?").partition("[")
    words = (
        f"a list of {_plural(rest.removesuffix(']').removesuffix('?'))}"
        if rest
        else TYPES[name][1]
        if name in TYPES
        else FAMILIES[name].words
        if name in FAMILIES
        else f"a {name}"
    )
    return f"{words} or `none`" if optional else words


def listed(names: Iterable[str]) -> str:
    """Names as messages list them."""
    return ", ".join(f"`{name}`" for name in names)


def in_a_sentence(documentation: str) -> str:
    """A sentence of the documentation, as a note goes on with it."""
    return documentation[:1].lower() + documentation[1:].rstrip(".")


def with_article(words: str) -> str:
    return f"{'an' if words[0] in 'aeiou' else 'a'} {words}"


def describe(value: Value) -> str:
    """A value with what it is, for the other half of a message."""
    match value:
        case None:
            return "`none`"
        case bool():
            return show(value)
        case int():
            return f"the int {value}"
        case float():
            return f"the real {value!r}"
        case str():
            return f"the string {show(value) if len(value) < 60 else show(value[:50] + '...')}"
        case tuple():
            return f"the list {show(value)}"
        case range() | RealRange():
            return f"the range {show(value)}"
        case Tensor():
            return f"the tensor {value.type}"
        case Symbolic():
            return f"the int `{value}`"
        case Component():
            return f"the {value.kind} `{value.name}`"
        case Composed():
            return "a chain of components"
        case Wrapped() | Placed():
            return f"the component `{value.name}`"
        case Configured():
            family = FAMILIES.get(value.entry.family)
            return f"the {family.words.partition(' ')[2] if family else value.entry.family} `{value.name}`"
        case Decided():
            return "a space with decisions taken"
        case Amount():
            return "a time" if value.dimension == "time" else "a size in bytes"
        case InitialValue():
            return f"the initial value {show(value)}"
        case Variant():
            return " or ".join(dict.fromkeys(describe(inner) for _, inner in value.cases[:3]))
        case Unknown():
            return "an unknown value"
        case _:
            return f"the function `{value.name}`"
