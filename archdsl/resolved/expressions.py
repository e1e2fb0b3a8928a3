"""Values as expressions of the language: what a setting is given as in a resolved file."""

import re
from collections.abc import Callable, Iterable
from typing import TypeAlias

from archdsl.meaning.builtins import Builtin
from archdsl.meaning.declared import Declared
from archdsl.meaning.values import (
    Amount,
    Component,
    Composed,
    Configured,
    Decided,
    Pair,
    Placed,
    RealRange,
    Value,
    Wrapped,
    show,
)
from archdsl.syntax.strings import escape
from archdsl_compiler.ops.contract import InitialValue
from archdsl_compiler.sizes import Symbolic

Names: TypeAlias = Callable[[Declared], str]
"""How a declaration is called in the file that is written."""
Sizes: TypeAlias = Callable[[Symbolic], str]
"""How a size that follows from the batch is written."""
MOST_REPEATED = 4
"""Equal elements of a list that are written one by one; more of them become a comprehension."""


def expression(value: Value, names: Names, sizes: Sizes) -> str:
    """The text whose value this is."""

    def text(inner: Value) -> str:
        return expression(inner, names, sizes)

    match value:
        case str():
            return f'"{escape(value)}"'
        case float():
            return re.sub("e([+-])0+", r"e\1", repr(value))
        case None | bool() | int() | range() | RealRange():
            return show(value)
        case Pair():
            return f"({', '.join(map(text, value))}{',' if len(value) == 1 else ''})"
        case tuple():
            return listed([text(item) for item in value])
        case Component():
            name = names(value.callee) if isinstance(value.callee, Declared) else value.name
            return called(name, [f"{key}={text(inner)}" for key, inner in value.settings])
        case Configured():
            return f"{value.name}({', '.join(f'{key}={text(inner)}' for key, inner in value.settings)})"
        case Composed():
            return " |> ".join(_step(text(s.component), s.component, s.label) for s in value.steps)
        case Wrapped():
            return f"{value.wrapper}({text(value.inner)})"
        case Placed():
            return _step(text(value.inner), value.inner, value.label)
        case Decided():
            pairs = ", ".join(f"({text(path)}, {text(option)})" for path, option in value.decisions)
            return f"decide({text(value.space)}, [{pairs}])"
        case InitialValue():
            return f"{value.rule}({text(value.amount) if value.amount != () else ''})"
        case Symbolic():
            return sizes(value)
        case Builtin():
            return value.name
        case Amount():
            return f"{value.number:f}s" if value.dimension == "time" else f"{value.number / 1024:f}KiB"
        case _:
            raise TypeError(f"{value!r} cannot be written as an expression")


def called(name: str, arguments: Iterable[str]) -> str:
    """A component with settings; without any its name says it."""
    inside = ", ".join(arguments)
    return f"{name}({inside})" if inside else name


def listed(items: list[str]) -> str:
    """A list, short where all of it is one thing said many times."""
    if len(items) > MOST_REPEATED and len(set(items)) == 1 and not items[0].isdecimal():
        return f"[{items[0]} for _ in 0..<{len(items)}]"
    return f"[{', '.join(items)}]"


def _step(text: str, component: Value, label: str | None) -> str:
    inside = f"({text})" if isinstance(component, Composed) else text
    return inside if label is None else f"{inside} as {label_text(label)}"


def label_text(label: str) -> str:
    """A label as it is written: numbers in brackets, in quotes where a part is neither name nor number."""
    parts = label.split(".")
    if NAME.fullmatch(parts[0]) is None or any(STEP.fullmatch(part) is None for part in parts) or RESERVED & set(parts):
        return f'"{label}"'
    return parts[0] + "".join(f"[{part}]" if part.isdecimal() else f".{part}" for part in parts[1:])


NAME = re.compile("[A-Za-z_][A-Za-z0-9_]*")
STEP = re.compile("[A-Za-z_][A-Za-z0-9_]*|0|[1-9][0-9]*")
RESERVED = frozenset(
    "and as at by choose else expose extern false for from if import in let maximize minimize none not or require"
    " return then true when".split()
)
"""Words that are no names."""
