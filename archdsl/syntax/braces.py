"""Makes the braces of a faulty piece match, by what the indentation says, and tells where one is missing or too much:
then what stands between them can be checked statement by statement."""

from dataclasses import dataclass, field

from archdsl.diagnostics import codes
from archdsl.diagnostics.record import Diagnostic, Label
from archdsl.source import Span
from archdsl.syntax.layout import Layout
from archdsl.syntax.limits import MOST_FAULTS
from archdsl.syntax.tokens import Token


def mend_braces(tokens: list[Token], layout: Layout) -> tuple[list[Token], tuple[Diagnostic, ...]]:
    """The tokens with braces put in or left out so that they match, and a fault for each."""
    unclosed = unopened = 0
    for token in tokens:
        if token.type == "LBRACE":
            unclosed += 1
        elif token.type == "RBRACE":
            unclosed, unopened = (unclosed - 1, unopened) if unclosed else (0, unopened + 1)
    if not unclosed and not unopened:
        return tokens, ()
    mending = _Mending(tokens, layout, unclosed, unopened)
    mending.run()
    return mending.mended, tuple(mending.faults)


@dataclass(slots=True)
class _Mending:
    tokens: list[Token]
    layout: Layout
    unclosed: int  # closing braces that are missing
    unopened: int  # closing braces that are too many
    mended: list[Token] = field(default_factory=list[Token])
    faults: list[Diagnostic] = field(default_factory=list[Diagnostic])
    open: list[Token] = field(default_factory=list[Token])

    def run(self) -> None:
        for token, follows in zip(self.tokens, [*self.tokens[1:], None], strict=True):
            if len(self.faults) >= MOST_FAULTS:
                self.mended = self.tokens
                return
            if self.layout.is_first(token):
                self._close_before(
                    token, is_else=token.type == "ELSE" and follows is not None and follows.type == "LBRACE"
                )
            if token.type == "LBRACE":
                self.open.append(token)
            elif token.type == "RBRACE":
                if self.unopened and self._is_one_too_many(token):
                    self.unopened -= 1
                    if not self._open_before(token):
                        self.faults.append(codes.UNEXPECTED.at(token.span, "`}` closes nothing", "remove it"))
                        continue
                if self.open:
                    self.open.pop()
            self.mended.append(token)
        while self.open and len(self.faults) < MOST_FAULTS:
            self._close()

    def _close_before(self, token: Token, is_else: bool) -> None:
        """A line that stands no deeper than the one with the open brace comes after its body."""
        column = self.layout.first[token.span.start]
        while self.unclosed and self.open:
            deep = self.layout.indent(self.open[-1])
            if (column > deep and not is_else) or (column == deep and token.type == "RBRACE"):
                return
            if self.layout.line(self.open[-1]) == self.layout.line(token):
                return
            self._close()
            is_else = False

    def _close(self) -> None:
        opener = self.open.pop()
        self.unclosed -= 1
        before = self.mended[-1].span
        self.faults.append(
            codes.UNCLOSED.at(
                before, "`{` is never closed", "`}` is missing after this", others=(Label(opener.span, "opened here"),)
            )
        )
        self.mended.append(Token("RBRACE", "}", Span(before.source, before.end, before.end)))

    def _is_one_too_many(self, token: Token) -> bool:
        if not self.open:
            return True
        layout = self.layout
        opener = self.open[-1]
        if layout.line(opener) == layout.line(token):
            return False
        return not layout.is_first(token) or layout.first[token.span.start] > layout.indent(opener)

    def _open_before(self, token: Token) -> bool:
        """Put in the `{` that this `}` asks for, behind the line that stands as deep and has none."""
        column = self.layout.first.get(token.span.start)
        inside = [
            at for at, known in enumerate(self.mended) if not self.open or known.span.start > self.open[-1].span.start
        ]
        for at in reversed(inside):
            header = self.mended[at]
            if self.layout.first.get(header.span.start) != column:
                continue
            line = self.layout.line(header)
            end = at
            while end + 1 < len(self.mended) and self.layout.line(self.mended[end + 1]) == line:
                end += 1
            follows = self.mended[at + 1 : at + 2]
            begins = header.type in ("FOR", "IF", "AT") or (header.type, *(known.type for known in follows)) in (
                ("NAME", "NAME"),
                ("RBRACE", "ELSE"),
            )
            if not begins or any(known.type == "LBRACE" for known in self.mended[at : end + 1]):
                return False
            last = self.mended[end].span
            brace = Token("LBRACE", "{", Span(last.source, last.end, last.end))
            self.mended.insert(end + 1, brace)
            self.open.append(brace)
            self.faults.append(codes.UNEXPECTED.at(last, "`{` is missing", "the body begins after this"))
            return True
        return False
