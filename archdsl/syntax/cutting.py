"""Cuts tokens of a faulty file into pieces that can be parsed alone: top-level items by their place on the line,
statements by what no expression continues with."""

from typing import Final

from archdsl.syntax.layout import Layout
from archdsl.syntax.tokens import OPERAND_ENDS, Token

# Words that begin a statement and stand in no expression.
ALWAYS_BEGIN: Final = frozenset({"LET", "RETURN", "REQUIRE", "EXPOSE", "AT", "MAXIMIZE", "MINIMIZE", "FROM", "EXTERN"})
BEGIN_A_STATEMENT: Final = ALWAYS_BEGIN | {"FOR", "IF"}
BEGIN_AN_ITEM: Final = frozenset({"LET", "FROM", "EXTERN"})
# Words that continue what stands before them.
CONTINUE: Final = frozenset({"AND", "OR", "IN", "AS", "BY", "THEN", "ELSE", "FOR", "IF", "WHEN", "IMPORT", "NOT"})
OPENERS: Final = {"LPAR": "RPAR", "LSQB": "RSQB"}
CLOSERS: Final = frozenset(OPENERS.values())


def is_word(token: Token) -> bool:
    return token.text.isidentifier()


def cut_top_level(tokens: list[Token], layout: Layout) -> list[list[Token]]:
    """One piece for each line at the margin where an item begins. A text whose bodies are not indented is one piece."""
    margin = layout.margin
    cuts = [0]
    depth = 0
    for at, token in enumerate(tokens):
        if token.type == "LBRACE":
            depth += 1
        elif token.type == "RBRACE":
            depth -= 1
        elif at > 0 and layout.first.get(token.span.start) == margin and _begins_an_item(tokens, at, layout):
            if depth > 0 and _is_inner(tokens, at):
                return [tokens]
            cuts.append(at)
    return _pieces(tokens, cuts)


def _begins_an_item(tokens: list[Token], at: int, layout: Layout) -> bool:
    token = tokens[at]
    if token.type in BEGIN_A_STATEMENT:
        return True
    following = tokens[at + 1 : at + 3]
    if token.type != "NAME" or not following or layout.line(following[0]) != layout.line(token):
        return False
    if following[0].type == "EQUAL":
        return True
    return is_word(following[0]) and (
        following[0].type not in CONTINUE or (len(following) == 2 and following[1].type == "LPAR")
    )


def _is_inner(tokens: list[Token], at: int) -> bool:
    """A statement that stands in bodies only."""
    kind = tokens[at].type
    return (kind in BEGIN_A_STATEMENT and kind not in BEGIN_AN_ITEM) or (
        kind == "NAME" and tokens[at + 1].type == "EQUAL"
    )


def cut_where_braces_end(tokens: list[Token]) -> list[list[Token]]:
    """Items that follow each other outside of all braces."""
    cuts = [0]
    depth = 0
    for at, token in enumerate(tokens):
        before = tokens[at - 1].type if at else ""
        if token.type == "LBRACE":
            depth += 1
        elif token.type == "RBRACE":
            depth -= 1
        elif depth == 0 and (
            before == "RBRACE" or (before in OPERAND_ENDS and (token.type in BEGIN_AN_ITEM or _is_header(tokens, at)))
        ):
            cuts.append(at)
    return _pieces(tokens, cuts)


def _is_header(tokens: list[Token], at: int) -> bool:
    kinds = [token.type for token in tokens[at : at + 3]]
    return kinds[:2] == ["NAME", "NAME"] and kinds[2:] in (["LPAR"], ["LBRACE"])


def cut_statements(tokens: list[Token], layout: Layout) -> list[list[Token]]:
    """The statements of one body."""
    cuts = [0]
    indent = layout.indent(tokens[0])
    closed = _closed(tokens, layout)
    braces = 0
    brackets = 0
    sound = True  # every bracket of the statement has its partner
    for at, token in enumerate(tokens):
        kind = token.type
        if kind == "LBRACE":
            braces += 1
        elif kind == "RBRACE":
            braces -= 1
        elif braces > 0:
            continue
        elif at > 0 and _begins_a_statement(tokens, at, layout, indent, brackets > 0, sound):
            cuts.append(at)
            indent = layout.indent(token)
            brackets, sound = 0, True
        if kind in OPENERS or kind in CLOSERS:
            sound = sound and at in closed
            if at in closed:
                brackets += 1 if kind in OPENERS else -1
    return _pieces(tokens, cuts)


def _begins_a_statement(
    tokens: list[Token], at: int, layout: Layout, indent: int, bracketed: bool, sound: bool
) -> bool:
    token = tokens[at]
    before = tokens[at - 1].type
    if before == "RBRACE":
        return token.type != "ELSE"
    if not is_word(token):
        return False
    named = at + 1 < len(tokens) and tokens[at + 1].type == "EQUAL"
    first = layout.is_first(token)
    if token.type in ALWAYS_BEGIN and first and not named:
        return True
    if bracketed:
        return False
    if first and layout.indent(token) <= indent and (named or token.type in ("NAME", *BEGIN_A_STATEMENT)):
        return named or token.type != "NAME" or before in OPERAND_ENDS
    # On the same line or deeper only where nothing else can be meant.
    if not sound or before not in OPERAND_ENDS:
        return False
    return (named or first) if token.type == "NAME" else token.type in BEGIN_A_STATEMENT and not named


def _closed(tokens: list[Token], layout: Layout) -> set[int]:
    """The places of brackets, round and square, that have their partner before the statement can have ended."""
    closed: set[int] = set()
    waiting: list[int] = []
    for at, token in enumerate(tokens):
        kind = token.type
        if kind in ("LBRACE", "RBRACE"):
            waiting.clear()
        elif kind in ALWAYS_BEGIN and layout.is_first(token) and [t.type for t in tokens[at + 1 : at + 2]] != ["EQUAL"]:
            waiting.clear()
        elif kind in OPENERS:
            waiting.append(at)
        elif kind in CLOSERS and waiting:
            opener = waiting.pop()
            if OPENERS[tokens[opener].type] == kind:
                closed |= {opener, at}
    return closed


def _pieces(tokens: list[Token], cuts: list[int]) -> list[list[Token]]:
    if not tokens:
        return []
    return [tokens[start:end] for start, end in zip(cuts, [*cuts[1:], len(tokens)], strict=True)]
