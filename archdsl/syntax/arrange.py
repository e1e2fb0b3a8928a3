"""Lays a tree out as a document. The tokens of the text are taken one by one as the tree is walked: so each comment is met
between the tokens where it stands, whatever place that is.

Some breaks are the author's: a `|>` that begins a line, the rows of a list and a one-line body stay so while they fit; brackets
whose last line ends with a comma stay open."""

from bisect import bisect_left
from collections.abc import Callable, Sequence
from typing import Any, Final

from archdsl.syntax import nodes
from archdsl.syntax.document import (
    HARD,
    SOFT,
    SPACE,
    Document,
    First,
    Group,
    Nest,
    Remark,
    WhenBroken,
    group,
    is_broken,
    joined,
)
from archdsl.syntax.tokens import Tokens

SELECT, PIPE, OR, AND, NOT, COMPARISON, RANGE, SUM, PRODUCT, UNARY, POWER, PLACED, POSTFIX, ATOM = range(14)
OPERATORS: Final = {
    "+": SUM,
    "-": SUM,
    "*": PRODUCT,
    "/": PRODUCT,
    "//": PRODUCT,
    "%": PRODUCT,
    "@": PRODUCT,
    "**": POWER,
}
LEVELS: Final[dict[type, int]] = {
    nodes.Select: SELECT,
    nodes.Pipe: PIPE,
    nodes.Negation: NOT,
    nodes.Comparison: COMPARISON,
    nodes.Range: RANGE,
    nodes.Signed: UNARY,
    nodes.Labelled: PLACED,
    nodes.Call: POSTFIX,
    nodes.Index: POSTFIX,
    nodes.Member: POSTFIX,
}
# In which bodies the `=` of lines that follow each other stand below each other, and of which statements.
FIELDS: Final = (nodes.Let, nodes.Assign)
ALIGNED: Final[dict[str, tuple[type, ...]]] = {
    "quant": FIELDS,
    "train": FIELDS,
    "search": FIELDS,
    "space": (nodes.Let,),
}
# Things as wide as this are set many on a line when their list is too long for one.
SHORT: Final = 24


def arrange(file: nodes.File, tokens: Tokens) -> Document:
    return _Arranger(file, tokens).file()


def level(node: nodes.Node) -> int:
    """How tightly an expression holds together."""
    if isinstance(node, nodes.Binary):
        return OPERATORS[node.operator]
    if isinstance(node, nodes.Logical):
        return OR if node.operator == "or" else AND
    return LEVELS.get(type(node), ATOM)


class _Arranger:
    """Walks the tree; `at` is the next token, `said` the number of comments that have been met."""

    def __init__(self, file: nodes.File, tokens: Tokens) -> None:
        self.tree = file
        self.text = file.span.source.text
        self.tokens = tokens.tokens
        self.comments = tokens.comments
        self.at = 0
        self.said = 0
        self.ends = [token.span.end for token in self.tokens]
        self.partners = _partners(self.tokens)
        self.aligned: tuple[type, ...] = (nodes.Let,)

    # ---- tokens

    def take(self) -> Document:
        """The next token, behind the comments before it."""
        token = self.tokens[self.at]
        self.at += 1
        remarks = self.remarks(token.span.start, own=token.type != "COMMA")
        return (*remarks, token.text) if remarks else token.text

    def remarks(self, end: int, own: bool = True) -> tuple[Document, ...]:
        """The comments before an offset; those with a line of their own may be left for later."""
        found: list[Document] = []
        while self.said < len(self.comments) and self.comments[self.said].span.start < end:
            comment = self.comments[self.said]
            if comment.own_line and not own:
                break
            found.append(Remark(comment.text, comment.own_line))
            self.said += 1
        return tuple(found)

    def next(self) -> str:
        return self.tokens[self.at].type if self.at < len(self.tokens) else ""

    def is_on_new_line(self, at: int) -> bool:
        """A line ends between this token and the one before."""
        return "\n" in self.between(at)

    def between(self, at: int) -> str:
        return self.text[self.tokens[at - 1].span.end : self.tokens[at].span.start]

    # ---- brackets

    def bracketed(self, items: Callable[[], Sequence[Document]], comma: bool = True) -> Document:
        """Brackets around things with commas between them, on one line or one on each."""
        opened, kept, contents, remarks, closed = self._brackets(items)
        if not contents and not remarks:
            return (opened, closed)
        end = WhenBroken(",") if comma and contents else ""
        inner = (SOFT, *joined(contents, (",", SPACE)), end, *remarks)
        return Group((opened, Nest(inner), SOFT, closed), kept or is_broken(inner) or is_broken(opened))

    def _brackets(
        self, items: Callable[[], Sequence[Document]]
    ) -> tuple[Document, bool, Sequence[Document], Any, Document]:
        closer = self.partners[self.at]
        kept = self.tokens[closer - 1].type == "COMMA" and self.is_on_new_line(closer) and closer > self.at + 2
        opened = self.take()
        contents = items()
        if self.next() == "COMMA":
            self.at += 1
        remarks = self.remarks(self.tokens[self.at].span.start)
        return opened, kept, contents, remarks, self.take()

    def comma(self) -> Document:
        """The comma between two things; its comments stand behind it."""
        taken = self.take()
        return taken if isinstance(taken, str) else taken[:-1]

    def separated(self, members: Sequence[Any], one: Callable[[Any], Document]) -> list[Document]:
        """Each member, with the comments that stand before the comma behind it."""
        documents: list[Document] = []
        for number, member in enumerate(members):
            document = one(member)
            if number + 1 < len(members):
                comma = self.comma()
                document = document if isinstance(comma, str) else (document, *comma)
            documents.append(document)
        return documents

    # ---- expressions

    def expression(self, node: nodes.Node, least: int = SELECT) -> Document:
        """An expression in a place that takes nothing looser than `least`."""
        dropped = self._drop_parentheses(node)
        document = EXPRESSIONS[type(node)](self, node)
        self.at += dropped
        return ("(", document, ")") if level(node) < least else document

    def _drop_parentheses(self, node: nodes.Node) -> int:
        """Step over the parentheses around an expression; those that it needs are written anew."""
        end = bisect_left(self.ends, node.span.end)
        dropped = 0
        while self.next() == "LPAR" and self.partners[self.at] == end:
            inner = self.at + 1
            if isinstance(node, nodes.Tuple) and not (
                self.tokens[inner].type == "LPAR" and self.partners[inner] == end - 1
            ):
                break
            self.at += 1
            end -= 1
            dropped += 1
        return dropped

    def word(self, node: nodes.Node) -> Document:
        return self.take()

    def select(self, node: nodes.Select) -> Document:
        condition = (self.take(), " ", self.expression(node.condition, OR))
        chosen = (self.take(), " ", self.expression(node.chosen))
        otherwise = (self.take(), " ", self.expression(node.otherwise))
        return group((condition, Nest((SPACE, chosen, SPACE, otherwise))))

    def pipe(self, node: nodes.Pipe) -> Document:
        steps: list[nodes.Expression] = [node.right]
        head = node.left
        while isinstance(head, nodes.Pipe) and not self._is_wrapped(head):
            steps.append(head.right)
            head = head.left
        first = self.expression(head, OR)
        parts: list[tuple[bool, Document]] = []
        for step in reversed(steps):
            begins_line = self.is_on_new_line(self.at)
            parts.append((begins_line, (self.take(), " ", self.expression(step, OR))))
        if not any(begins for begins, _part in parts):
            return group((first, Nest(tuple((SPACE, part) for _begins, part in parts))))
        rows = Nest(tuple((HARD if begins else " ", part) for begins, part in parts))
        return First((first, rows), (first, Nest(tuple((HARD, part) for _begins, part in parts))), all_lines=True)

    def _is_wrapped(self, node: nodes.Node) -> bool:
        """The text has parentheses around this left part of a chain. Its tokens are then not those of the chain alone."""
        return False
