"""Where tokens stand on their lines. The language does not care; finding the end of a broken statement does."""

from dataclasses import dataclass

from archdsl.source import Source
from archdsl.syntax.tokens import BYTE_ORDER_MARK, Token


@dataclass(frozen=True, slots=True)
class Layout:
    """`first` has, by offset, the column of each token that is the first of its line; `indents` the same by line."""

    source: Source
    first: dict[int, int]
    indents: dict[int, int]

    def line(self, token: Token) -> int:
        return self.source.position(token.span.start)[0]

    def is_first(self, token: Token) -> bool:
        return token.span.start in self.first

    def indent(self, token: Token) -> int:
        """The column where the token's line begins."""
        return self.indents.get(self.line(token), 1)

    @property
    def margin(self) -> int:
        """The column of the leftmost line."""
        return min(self.indents.values(), default=1)


def lay_out(source: Source, tokens: list[Token]) -> Layout:
    first: dict[int, int] = {}
    indents: dict[int, int] = {}
    marked = source.text.startswith(BYTE_ORDER_MARK)
    for token in tokens:
        line, column = source.position(token.span.start)
        if line not in indents:
            column -= marked and line == 1
            indents[line] = first[token.span.start] = column
    return Layout(source, first, indents)
