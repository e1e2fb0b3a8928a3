"""Recognises what was meant by text that is no syntax here: habits of other languages, a pattern without quotes, an
expression where a statement belongs. Says what this language writes instead."""

from collections.abc import Sequence
from typing import Final

from archdsl.diagnostics import codes
from archdsl.diagnostics.record import Diagnostic, Edit, Fix
from archdsl.source import Span
from archdsl.syntax.cutting import CLOSERS, OPENERS, is_word
from archdsl.syntax.engine import END, Failure, reduce_tokens
from archdsl.syntax.labels import Unparsed
from archdsl.syntax.tokens import OPERAND_ENDS, Token

BEGINNINGS: Final = {"while": "loops are `for`", "elif": "write `else if`"}
SIGNS: Final = frozenset({"ADD", "MUL", "POW", "COMPARE", "EQUAL", "OPTIONAL"})
_BEGIN: Final = frozenset(OPENERS)
OPERATORS: Final = frozenset({"ADD", "MUL", "POW"})
INSTEAD: Final = {"===": "write `==`", "!==": "write `!=`"}


def recognised(failure: Failure, tokens: Sequence[Token], start: str) -> Diagnostic | None:
    """What is wrong with tokens that do not parse, where it is one of these."""
    at = failure.position
    return _beginning(tokens, at, start) or _sign(tokens, at) or _objective(tokens, at) or _pattern(tokens, start)


def is_comment(tokens: Sequence[Token], at: int) -> bool:
    """Words stand behind `//`, on its line, and the parse stopped at one of them or behind them."""
    found = tokens[at] if at < len(tokens) else None
    if found is not None and found.text == "//":
        return at == 0
    end = at + 1 if found is not None and is_word(found) else at
    begin = end
    while begin > 0 and is_word(tokens[begin - 1]):
        begin -= 1
    # One word alone is a divisor.
    if begin == 0 or tokens[begin - 1].text != "//" or end - begin < (1 if found is not None and end > at else 2):
        return False
    source, _start, behind = tokens[begin - 1].span
    return "\n" not in source.text[behind : tokens[end - 1].span.end]


def without_effect(tokens: Sequence[Token], at: int, start: str) -> Diagnostic | None:
    """An expression as a statement. A name alone is the beginning of anything."""
    if start != "item" or at >= len(tokens):
        return None
    last = tokens[-1].span
    try:
        if isinstance(reduce_tokens(tokens, "expr", Token(END, "", Span(last.source, last.end, last.end))), Failure):
            return None
    except Unparsed:
        return None
    name = tokens[0].text
    advice = f"bind it: `{name} = {name} |> ...`" if tokens[at].type == "PIPE" and at == 1 else "bind it to a name"
    return codes.UNEXPECTED.at(tokens[0].span.to(last), "this has no effect", advice)


def _beginning(tokens: Sequence[Token], at: int, start: str) -> Diagnostic | None:
    first = tokens[0]
    if first.text not in BEGINNINGS or at == 0 or [token.type for token in tokens[1:2]] in ([], ["EQUAL"]):
        return None
    what = "declaration" if start == "start" else "statement"
    return codes.UNEXPECTED.at(first.span, f"no {what} begins with `{first.text}`", BEGINNINGS[first.text])


def _sign(tokens: Sequence[Token], at: int) -> Diagnostic | None:
    """The signs that touch where the parse stopped, as one."""
    if at >= len(tokens) or tokens[at].type not in SIGNS:
        return None
    begin, end = at, at + 1
    while begin > 0 and tokens[begin - 1].type in SIGNS and tokens[begin - 1].span.end == tokens[begin].span.start:
        begin -= 1
    while end < len(tokens) and tokens[end].type in SIGNS and tokens[end].span.start == tokens[end - 1].span.end:
        end += 1
    span = tokens[begin].span.to(tokens[end - 1].span)
    advice = INSTEAD.get(span.text)
    if span.text == "?" and any(token.type == "COLON" for token in tokens[end:]):
        advice = "write `if a then b else c`"
    elif begin == 1 and end == 3 and tokens[1].type in OPERATORS and tokens[2].type == "EQUAL":
        name = tokens[0].text
        advice = f"write `{name} = {name} {tokens[1].text} ...`"
    return codes.UNEXPECTED.at(span, f"`{span.text}` is not part of the language", advice) if advice else None


def _objective(tokens: Sequence[Token], at: int) -> Diagnostic | None:
    if at != 2 or tokens[0].type not in ("MINIMIZE", "MAXIMIZE") or [token.type for token in tokens[2:3]] != ["LPAR"]:
        return None
    word, name = tokens[0].text, tokens[1]
    source, place, _end = name.span
    fix = Fix(f"write `{name.text} = ` before it", (Edit(Span(source, place, place), f"{name.text} = "),))
    title = "an objective with arguments needs a name"
    return codes.UNEXPECTED.at(name.span, title, f"write `{word} {name.text} = {name.text}(...)`", fixes=(fix,))


def _pattern(tokens: Sequence[Token], start: str) -> Diagnostic | None:
    """An arrow in the arguments of a call: no expression holds one."""
    if start == "start" and tokens[0].type != "LET":
        return None
    arrow = next((at for at, token in enumerate(tokens) if token.type == "ARROW"), None)
    if arrow is None:
        return None
    before = tokens[:arrow][::-1]
    opener = arrow - 1 - _length(before, CLOSERS, _BEGIN)
    begin = arrow - _length(before, CLOSERS, _BEGIN, "COMMA")
    end = arrow + 1 + _length(tokens[arrow + 1 :], _BEGIN, CLOSERS, "COMMA")
    if opener < 1 or tokens[opener].type != "LPAR" or tokens[opener - 1].type not in OPERAND_ENDS:
        return None
    span = tokens[begin].span.to(tokens[end - 1].span)
    return codes.UNEXPECTED.at(span, "a pattern stands in quotes", 'write `"` around it')


def _length(tokens: Sequence[Token], deeper: frozenset[str], back: frozenset[str], stop: str = "") -> int:
    """How many tokens there are before `stop` or the end of the bracket that they stand in."""
    depth = 0
    for at, token in enumerate(tokens):
        if depth == 0 and (token.type == stop or token.type in back):
            return at
        depth += (token.type in deeper) - (token.type in back)
    return len(tokens)
