"""Lines of the right length, as `ruff format` breaks them: what fits stays on one line, else the arguments go to a line
of their own, else each to its own with a comma behind it."""

from collections.abc import Callable
from typing import cast

from archdsl_compiler.emit.code import (
    Apply,
    Choice,
    Comprehension,
    Default,
    Expression,
    Index,
    Infix,
    Member,
    Number,
    Prefix,
    Row,
    render,
)

WIDTH = 88
Writer = Callable[[Expression], str]
"""Writes the leaves of an expression."""


def statement(indent: int, before: str, code: Expression, write: Writer, after: str = "") -> list[str]:
    """The lines of `before` + code + `after`."""
    return _broken(indent, before, code, after, lambda part: render(part, write))


def _broken(indent: int, before: str, code: Expression, after: str, text: Callable[[Expression], str]) -> list[str]:
    pad = " " * indent
    whole = f"{pad}{before}{text(code)}{after}"
    if len(whole) <= WIDTH:
        return [whole]
    match code:
        case Apply():
            items = [("", argument) for argument in code.arguments] + [
                (f"{name}=", value) for name, value in code.named if not isinstance(value, Default)
            ]
            if not items:
                return [whole]
            return _bracketed(indent, f"{before}{text(code.function)}(", items, f"){after}", text)
        case Number(value=values) if type(values) is tuple:
            items: list[tuple[str, Expression]] = [("", Number(v)) for v in cast("tuple[object, ...]", values)]
            return _bracketed(indent, f"{before}[", items, f"]{after}", text)
        case Row(brackets="{}" | "[]" | "()") if code.items:
            opening, closing = code.brackets
            pairs = [("", item) for item in code.items]
            return _bracketed(
                indent, before + opening, pairs, closing + after, text, explode=len(pairs) == 1 and opening == "("
            )
        case Row(brackets=":"):
            return _broken(indent, f"{before}{text(code.items[0])}: ", code.items[1], after, text)
        case Comprehension() if code.source is not None:
            lines = [f"{pad}{before}["]
            lines += _element(indent + 4, code.element, text)
            lines += _broken(indent + 4, f"for {code.variables} in ", code.source, "", text)
            return [*lines, f"{pad}]{after}"]
        case Prefix():
            return _broken(indent, before + code.sign, code.of, after, text)
        case Index():
            return _bracketed(
                indent, f"{before}{text(code.of)}[", [("", place) for place in code.places], f"]{after}", text
            )
        case Infix() | Member() | Choice():
            return _in_parentheses(indent, before, code, after, text)
        case _:
            return [whole]


def _element(indent: int, code: Expression, text: Callable[[Expression], str]) -> list[str]:
    """What a comprehension gives in each pass; a choice takes a line for each part where it is long."""
    whole = " " * indent + text(code)
    if len(whole) <= WIDTH or not isinstance(code, Choice):
        return _broken(indent, "", code, "", text)
    lines = _broken(indent, "", code.then, "", text)
    lines += _broken(indent, "if ", code.condition, "", text)
    return lines + _broken(indent, "else ", code.otherwise, "", text)


def _bracketed(
    indent: int,
    opening: str,
    items: list[tuple[str, Expression]],
    closing: str,
    text: Callable[[Expression], str],
    explode: bool = False,
) -> list[str]:
    pad = " " * indent
    together = ", ".join(name + text(item) for name, item in items)
    inner = f"{pad}    {together}"
    if len(inner) <= WIDTH and not explode:
        return [f"{pad}{opening}", inner, f"{pad}{closing}"]
    lines = [f"{pad}{opening}"]
    for name, item in items:
        lines += _broken(indent + 4, name, item, "" if len(items) == 1 and not explode else ",", text)
    return [*lines, f"{pad}{closing}"]


def _in_parentheses(
    indent: int, before: str, code: Expression, after: str, text: Callable[[Expression], str]
) -> list[str]:
    """A long sum or choice: on a line of its own in parentheses, else broken before its operators."""
    pad = " " * indent
    whole = text(code)
    operands: list[str] = []

    def walk(part: Expression, sign: str) -> None:
        if isinstance(part, Infix) and part.sign in "+-" and isinstance(code, Infix) and code.sign in "+-":
            walk(part.left, sign)
            walk(part.right, part.sign)
        else:
            operands.append(f"{sign} {text(part)}" if sign else text(part))

    walk(code, "")
    if before.endswith((" = ", "return ")):
        if len(operands) == 2 and (lines := _last_bracket(pad, before, whole, after)):
            return lines
        if len(pad) + 4 + len(whole) <= WIDTH:
            return [f"{pad}{before}(", f"{pad}    {whole}", f"{pad}){after}"]
    if isinstance(code, Choice):
        lines = _element(indent + 4, code, text)
        return [f"{pad}{before}(", *lines, f"{pad}){after}"]
    if len(operands) < 2:
        return [f"{pad}{before}{whole}{after}"]
    return [f"{pad}{before}(", *(f"{pad}    {operand}" for operand in operands), f"{pad}){after}"]


def _last_bracket(pad: str, before: str, whole: str, after: str) -> list[str]:
    """A sum of two whose last bracket ends it goes on inside of that one, if it fits so; else nothing."""
    depth, start = 0, len(whole)
    while start and whole.endswith(")"):
        start -= 1
        depth += (whole[start] in ")]") - (whole[start] in "([")
        if not depth:
            break
    first, inner = f"{pad}{before}{whole[: start + 1]}", f"{pad}    {whole[start + 1 : -1]}"
    fits = inner.strip() and max(len(first), len(inner)) <= WIDTH
    return [first, inner, f"{pad}){after}"] if fits else []


def signature(indent: int, name: str, arguments: list[str], result: str) -> list[str]:
    """A `def` line."""
    pad = " " * indent
    whole = f"{pad}def {name}({', '.join(arguments)}) -> {result}:"
    if len(whole) <= WIDTH:
        return [whole]
    inner = f"{pad}    {', '.join(arguments)}"
    if len(inner) <= WIDTH:
        return [f"{pad}def {name}(", inner, f"{pad}) -> {result}:"]
    return [f"{pad}def {name}(", *(f"{pad}    {argument}," for argument in arguments), f"{pad}) -> {result}:"]
