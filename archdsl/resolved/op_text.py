"""Ops of a graph as a reader would write them: operators, indices, sums of lists, and calls for all others."""

from dataclasses import dataclass
from typing import cast

from archdsl.meaning.calls import SEVERAL
from archdsl.meaning.operators import BINARY_OPS, COMPARING_OPS
from archdsl.meaning.values import Value
from archdsl.resolved.expressions import Names, Sizes, expression
from archdsl_compiler.graph import OpCall

OPERATORS = {name: sign for sign, name in (*BINARY_OPS.items(), *COMPARING_OPS.items())}
MERGING = {merging: name for name, merging in SEVERAL.items()}


@dataclass(frozen=True, slots=True)
class Text:
    """An expression; an `atom` needs no parentheses anywhere. `head` is the value at the beginning of a pipe, or -1,
    and `steps` how long that pipe is."""

    text: str
    atom: bool = False
    head: int = -1
    steps: int = 0

    @property
    def inside(self) -> str:
        """As an operand."""
        return self.text if self.atom else f"({self.text})"


def as_operator(call: OpCall, operands: list[Text], sizes: Sizes) -> str:
    """The call without its name; empty where it has no such form."""
    name = call.op.name
    if call.wrappers or call.label:
        return ""
    if name in OPERATORS and len(operands) == 2:
        return f"{operands[0].inside} {OPERATORS[name]} {operands[1].inside}"
    if name == "transpose":
        return f"{operands[0].inside}.T"
    if name == "negate":
        return f"-{operands[0].inside}"
    if name == "index":
        places = cast("tuple[object, ...]", call.settings["places"])
        table = operands[1].text if len(operands) > 1 else ""
        return f"{operands[0].inside}[{', '.join(_place(place, table, sizes) for place in places)}]"
    return ""


def _place(place: object, table: str, sizes: Sizes) -> str:
    """What stands in the brackets of an index."""
    if place == "tensor":
        return table
    if place == "rest":
        return "..."
    if not isinstance(place, tuple):
        return _number(place, sizes)
    form, *ends = cast("tuple[object, ...]", place)
    if form == "slice":
        return ":".join("" if side is None else _number(side, sizes) for side in ends)
    start, stop, step = ends
    return f"{start}..<{stop}" + (f" by {step}" if step != 1 else "")


def _number(value: object, sizes: Sizes) -> str:
    return expression(cast(Value, value), lambda declared: declared.name, sizes)


def settings_text(call: OpCall, names: Names, sizes: Sizes) -> list[str]:
    """The settings of an op, by position as long as they are the first ones and need no names."""
    given = {name: expression(cast(Value, value), names, sizes) for name, value in call.settings.items()}
    texts: list[str] = []
    for setting in call.op.settings:
        if setting.name not in given or setting.name not in BY_POSITION:
            break
        texts.append(given.pop(setting.name))
    return [*texts, *(f"{name}={text}" for name, text in given.items())]


BY_POSITION = ("out", "kernel", "pattern", "shape", "parts", "rate", "n", "k", "groups", "experts", "shift")
"""Settings that are understood without their names."""


def name_of(call: OpCall) -> str:
    """The name under which an op is called: that of several tensors is the one of numbers and lists."""
    return MERGING.get(call.op.name, call.op.name)
