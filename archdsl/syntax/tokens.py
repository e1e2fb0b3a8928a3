"""Cuts a text into tokens with spans, keeps its comments, and refuses what no parser should see: characters outside of
the language, strings without an end, numbers and nesting without measure. One pass, linear in the text's length."""

from dataclasses import dataclass
from typing import Final

from archdsl.diagnostics import codes
from archdsl.diagnostics.record import Diagnostic, Edit, Fix
from archdsl.source import Source, Span
from archdsl.syntax import nodes
from archdsl.syntax.grammar import grammar
from archdsl.syntax.limits import DEFAULT_LIMITS, MOST_FAULTS, SyntaxLimits
from archdsl.syntax.strings import bad_escape

BYTE_ORDER_MARK: Final = "\ufeff"


class Token:
    """`doc` is the text of the `##` lines straight above. No dataclass, for speed: there are a dozen on every line."""

    __slots__ = ("doc", "span", "text", "type")

    def __init__(self, type: str, text: str, span: Span) -> None:
        self.type = type
        self.text = text
        self.span = span
        self.doc = ""

    def __repr__(self) -> str:
        return f"Token({self.type}, {self.text!r})"


@dataclass(frozen=True, slots=True)
class Tokens:
    tokens: list[Token]
    comments: tuple[nodes.Comment, ...]
    faults: tuple[Diagnostic, ...]


NUMBERS: Final = frozenset({"INT", "FLOAT", "QUANTITY"})
# What an expression may end with.
OPERAND_ENDS: Final = frozenset(
    {"NAME", "INT", "FLOAT", "QUANTITY", "STRING", "TRUE", "FALSE", "NONE", "RPAR", "RSQB", "ELLIPSIS"}
)

_OPENS, _CLOSES, _SEPARATES, _APPLIES, _IF = range(1, 6)
_ROLES: Final = {
    **dict.fromkeys(("LPAR", "LSQB", "LBRACE"), _OPENS),
    **dict.fromkeys(("RPAR", "RSQB", "RBRACE"), _CLOSES),
    **dict.fromkeys(
        ("COMMA", "EQUAL", "COLON", "ARROW", "FOR", "LET", "RETURN", "REQUIRE", "EXPOSE", "AT"), _SEPARATES
    ),
    **dict.fromkeys(("MAXIMIZE", "MINIMIZE", "FROM", "EXTERN"), _SEPARATES),
    **dict.fromkeys(("PIPE", "OR", "AND", "NOT", "COMPARE", "IN", "RANGE", "ADD", "MUL", "POW", "AS", "DOT"), _APPLIES),
    "IF": _IF,
}


def tokenize(source: Source, limits: SyntaxLimits = DEFAULT_LIMITS, start: int = 0, end: int | None = None) -> Tokens:
    """All tokens between two offsets. Text that is no token is left out and named in `faults`."""
    text = source.text
    end = len(text) if end is None else end
    rules = grammar()
    words = rules.words
    tokens: list[Token] = []
    comments: list[nodes.Comment] = []
    faults: list[Diagnostic] = []
    docs: list[str] = []
    depth = Depth(limits)
    measure = depth.measure
    fresh = True  # nothing but space since the line began
    holds_nul = "\0" in text
    if start == 0 and text.startswith(BYTE_ORDER_MARK):
        start = 1
    for match in rules.pattern.finditer(text, start, end):
        kind = match.lastgroup
        value = match.group()
        if kind == "WS":
            lines = value.count("\n")
            fresh = fresh or lines > 0
            if lines > 1:
                docs.clear()
            continue
        place = match.span()
        span = Span(source, place[0], place[1])
        if kind == "COMMENT":
            if holds_nul and "\0" in value:
                faults.append(_stray(_nul(span)))
            comments.append(nodes.Comment(span, value.rstrip(), fresh))
            if fresh and value.startswith("##"):
                docs.append(value[2:].removeprefix(" ").rstrip())
            else:
                docs.clear()
            continue
        fresh = False
        if kind == "NAME":
            kind = words.get(value, "NAME")
        elif kind == "STRING":
            if "\\" in value and (fault := bad_escape(span)):
                faults.append(fault)
            elif holds_nul and "\0" in value:
                faults.append(_stray(_nul(span)))
        elif kind in NUMBERS:
            if fault := _bad_number(span, kind, limits):
                faults.append(fault)
                value = "0"
        elif kind == "UNFINISHED":
            faults.append(_unfinished(source, place[0], place[1]))
            kind = "STRING"
        elif kind == "SINGLE":
            faults.append(_single(span))
            kind = "STRING"
        elif kind == "STRAY":
            _add_stray(faults, span)
            if len(faults) >= MOST_FAULTS:
                break
            continue
        assert kind is not None
        token = Token(kind, value, span)
        if docs:
            token.doc = "\n".join(docs)
            docs.clear()
        if fault := measure(token):
            faults.append(fault)
        tokens.append(token)
        if len(faults) >= MOST_FAULTS:
            break
    return Tokens(tokens, tuple(comments), tuple(faults))


class Depth:
    """Measures, token by token and from above, how deep the tree of each expression will be."""

    __slots__ = ("applied", "deepest", "inner", "last", "limits", "outer", "told")

    def __init__(self, limits: SyntaxLimits) -> None:
        self.limits = limits
        self.outer: list[tuple[int, int, int]] = []
        self.applied = 0  # operators of the expression that is being read
        self.inner = 0  # the deepest bracket in it
        self.deepest = 0  # the deepest expression before it in the same bracket
        self.last = ""
        self.told = False

    def measure(self, token: Token) -> Diagnostic | None:
        """The fault that begins at this token, if one does; one for each top-level item at most."""
        kind = token.type
        last = self.last
        self.last = kind
        if last == "RBRACE" and kind != "ELSE":
            self._next()
        role = _ROLES.get(kind)
        if role is None:
            return None
        if role == _SEPARATES:
            self._next()
            return None
        if role == _OPENS:
            called = kind != "LBRACE" and last in OPERAND_ENDS
            self.outer.append((self.applied + called, self.inner, self.deepest))
            self.applied = self.inner = self.deepest = 0
            if len(self.outer) > self.limits.nesting and not self.told:
                self.told = True
                return too_nested(token.span, "brackets in brackets", "nesting", self.limits.nesting)
            return None
        if role == _CLOSES:
            inside = max(self.deepest, self.applied + self.inner) + 1
            if self.outer:
                self.applied, inner, self.deepest = self.outer.pop()
                self.inner = max(inner, inside)
        elif role == _IF and last in OPERAND_ENDS:
            self._next()
        else:
            self.applied += 1
        if self.applied + self.inner > self.limits.chain and not self.told:
            self.told = True
            return too_nested(token.span, "operators, calls and members one after another", "chain", self.limits.chain)
        return None

    def _next(self) -> None:
        if not self.outer:
            self.told = False
        if self.applied or self.inner:
            self.deepest = max(self.deepest, self.applied + self.inner)
            self.applied = self.inner = 0


def too_nested(span: Span, what: str, limit: str, most: int) -> Diagnostic:
    return codes.TOO_NESTED.at(
        span,
        f"more than {most:,} {what}",
        "the limit is reached here",
        notes=(f"name a part of it with `let`, or raise the limit: --limit {limit}={2 * most}",),
    )


def _bad_number(span: Span, kind: str, limits: SyntaxLimits) -> Diagnostic | None:
    length = span.end - span.start
    if length > limits.digits and (length := sum(map(str.isdigit, span.text))) > limits.digits:
        return codes.TOO_LONG.at(
            span,
            f"a number of more than {limits.digits:,} digits",
            f"{length:,} digits",
            notes=(f"raise the limit: --limit digits={length}",),
        )
    if kind == "FLOAT" and float(span.text) == float("inf"):
        return codes.TOO_LONG.at(span, "this real number is too large", "reals end at about 1.8e308")
    return None


def _unfinished(source: Source, start: int, end: int) -> Diagnostic:
    end -= source.text[start:end].endswith("\r")
    return codes.UNFINISHED_STRING.at(
        Span(source, start, end),
        "this string has no end",
        'write `"` where it ends; a string stays on its line',
    )


def _single(span: Span) -> Diagnostic:
    inside = span.text[1:-1]
    # What the other quotes and a backslash mean in there is a guess.
    fixes = () if '"' in inside or "\\" in inside else (Fix('write `"`', (Edit(span, f'"{inside}"'),)),)
    return codes.UNEXPECTED.at(span, "`'` is not part of the language", _ADVICE["'"], fixes=fixes)


def _nul(span: Span) -> Span:
    at = span.start + span.text.index("\0")
    return Span(span.source, at, at + 1)


def _add_stray(faults: list[Diagnostic], span: Span) -> None:
    """One fault for a run of characters that begin no token."""
    if faults:
        before = faults[-1].primary.span
        if before.end == span.start and faults[-1].code in (codes.UNEXPECTED.name, codes.UNREADABLE.name):
            joined = before.to(span)
            faults[-1] = _stray(joined) if joined.end - joined.start < 40 else faults[-1]
            return
    faults.append(_stray(span))


def _stray(span: Span) -> Diagnostic:
    text = span.text
    if not text.isprintable():
        shown = ", ".join(f"U+{ord(character):04X}" for character in text[:4] if not character.isprintable())
        return codes.UNREADABLE.at(span, f"a character that is no text: {shown}", "remove it")
    return codes.UNEXPECTED.at(span, f"`{text}` is not part of the language", _ADVICE.get(text, "remove it"))


_ADVICE: Final = {
    "!": "`not` negates, `!=` compares",
    "&": "`and` joins conditions",
    "&&": "`and` joins conditions",
    "|": "`|>` is a pipe, `or` joins conditions",
    "||": "`or` joins conditions",
    ";": "statements need nothing between them",
    "'": 'strings stand in `"`',
    "^": "a power is `**`",
    "$": "remove it",
    "~": "`not` negates",
    "`": 'strings stand in `"`',
}
