"""Takes the tokens of a text one by one, each with the comments that stand at it, as documents."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Final

from archdsl.syntax import nodes
from archdsl.syntax.document import SOFT, SPACE, Document, Nest, Remark, WhenBroken, group, joined
from archdsl.syntax.tokens import Token, Tokens

COMMA_WHEN_BROKEN: Final = WhenBroken(",")


@dataclass(frozen=True, slots=True)
class Brackets:
    """Brackets and what stands in them; `kept` where the author leaves them open, `begins` for what begins a line."""

    opened: Document
    contents: list[Document]
    begins: list[bool]
    remarks: tuple[Document, ...]
    closed: Document
    kept: bool

    def together(self, broken: bool = False, comma: str | WhenBroken = COMMA_WHEN_BROKEN) -> Document:
        """On one line, or each thing on its own."""
        if not self.contents and not self.remarks:
            return (self.opened, self.closed)
        end = comma if self.contents else ""
        inner = (SOFT, *joined(self.contents, (",", SPACE)), end, *self.remarks)
        return group((self.opened, Nest(inner), SOFT, self.closed), broken)


class Walk:
    """Walks the tree; `at` is the next token, `said` the number of comments that have been met."""

    def __init__(self, file: nodes.File, tokens: Tokens) -> None:
        self.text = file.span.source.text
        self.tokens = tokens.tokens
        self.comments = tokens.comments
        self.at: int = 0
        self.said: int = 0
        self.remarked = False  # a comment stands behind the last token
        self.ends = [token.span.end for token in self.tokens]
        self.partners = _partners(self.tokens)

    # ---- tokens

    def take(self) -> Document:
        """The next token, with the comments before it and those behind it on its line."""
        token = self.tokens[self.at]
        self.at += 1
        before = self.remarks(token.span.start)
        self.remarked = False
        behind = self.remark_behind()
        return (*before, token.text, *behind) if before or behind else token.text

    def take_comma(self) -> tuple[Document, ...]:
        """Step over a comma between two things; the comment behind it goes behind the first, which has one at most."""
        self.at += 1
        return self.remark_behind()

    def remark_behind(self) -> tuple[Document, ...]:
        """The comment behind the token that was just taken, if it has none yet."""
        if self.remarked or self.said == len(self.comments):
            return ()
        comment = self.comments[self.said]
        if comment.own_line or comment.span.start > self.start():
            return ()
        self.said += 1
        self.remarked = True
        return (Remark(comment.text, own_line=False),)

    def remarks(self, end: int) -> tuple[Document, ...]:
        """The comments before an offset that stand behind no token: each gets a line of its own."""
        found: list[Document] = []
        while self.said < len(self.comments) and self.comments[self.said].span.start < end:
            found.append(Remark(self.comments[self.said].text, own_line=True))
            self.said += 1
        return tuple(found)

    def start(self) -> int:
        """Where the next token stands."""
        return self.tokens[self.at].span.start if self.at < len(self.tokens) else len(self.text)

    def kind(self) -> str:
        return self.tokens[self.at].type if self.at < len(self.tokens) else ""

    def begins_line(self, at: int) -> bool:
        """A line ends between this token and the one before."""
        return "\n" in self.text[self.tokens[at - 1].span.end : self.tokens[at].span.start]

    def brackets(self, members: Sequence[Any], one: Callable[[Any], Document]) -> Brackets:
        closer = self.partners[self.at]
        kept = closer > self.at + 2 and self.tokens[closer - 1].type == "COMMA" and self.begins_line(closer)
        opened = self.take()
        begins: list[bool] = []
        contents: list[Document] = []
        for member in members:
            begins.append(self.begins_line(self.at))
            document = one(member)
            if self.kind() == "COMMA":
                document = (document, *self.take_comma())
            contents.append(document)
        remarks = self.remarks(self.start())
        return Brackets(opened, contents, begins, remarks, self.take(), kept)

    def listed(self, members: Sequence[Any], one: Callable[[Any], Document]) -> Document:
        """Things with commas between them and no brackets around."""
        documents: list[Document] = []
        for member in members:
            document = one(member)
            if len(documents) + 1 < len(members):
                document = (document, *self.take_comma())
            documents.append(document)
        return documents[0] if len(documents) == 1 else group(Nest(joined(documents, (",", SPACE))))


def _partners(tokens: Sequence[Token]) -> dict[int, int]:
    """For each opening bracket the place of its closing one."""
    partners: dict[int, int] = {}
    waiting: list[int] = []
    for at, token in enumerate(tokens):
        if token.type in ("LPAR", "LSQB", "LBRACE"):
            waiting.append(at)
        elif token.type in ("RPAR", "RSQB", "RBRACE"):
            partners[waiting.pop()] = at
    return partners
