"""Lays expressions out as documents, with as few parentheses as they need."""

from bisect import bisect_left
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Final

from archdsl.syntax import nodes
from archdsl.syntax.document import (
    BEFORE_OPERATOR,
    HARD,
    SOFT,
    SPACE,
    Document,
    FillLine,
    First,
    Group,
    Nest,
    group,
    has_brackets,
    is_broken,
    width,
)
from archdsl.syntax.walk import COMMA_WHEN_BROKEN, Walk

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
# Things as wide as this are set many on a line when their list is too long for one.
SHORT: Final = 24


@dataclass(frozen=True, slots=True)
class Link:
    """An operator and what stands behind it; `begins` where the operator is the first of its line."""

    begins: bool
    content: Document


def level(node: nodes.Node) -> int:
    """How tightly an expression holds together."""
    if isinstance(node, nodes.Binary):
        return OPERATORS[node.operator]
    if isinstance(node, nodes.Logical):
        return OR if node.operator == "or" else AND
    return LEVELS.get(type(node), ATOM)


class Expressions(Walk):
    """Walks the expressions."""

    def expression(self, node: nodes.Node, least: int = SELECT) -> Document:
        """An expression in a place that takes nothing looser than `least`."""
        dropped = self._drop_parentheses(node)
        document = EXPRESSIONS[type(node)](self, node)
        self.at += dropped
        if level(node) < least:
            document = ("(", document, ")")
        return (document, *self.remark_behind()) if dropped else document

    def loose(self, node: nodes.Node) -> Document:
        return self.expression(node, OR)

    def _drop_parentheses(self, node: nodes.Node) -> int:
        """Step over the parentheses around an expression; those that it needs are written anew."""
        end = bisect_left(self.ends, node.span.end)
        dropped = 0
        while self.kind() == "LPAR" and self.partners[self.at] == end:
            inner = self.at + 1
            if isinstance(node, nodes.Tuple) and not (
                self.tokens[inner].type == "LPAR" and self.partners[inner] == end - 1
            ):
                break
            self.at += 1
            end -= 1
            dropped += 1
        return dropped

    def chain(self, node: Any, belongs: Callable[[Any], bool], first: int, others: int) -> tuple[Document, list[Link]]:
        """A run of operators, each applied to all that stands left of it: the first operand, and the links."""
        rights, lefts, head = [node.right], list[nodes.Node](), node.left
        while belongs(head):
            lefts.append(head)
            rights.append(head.right)
            head = head.left
        # Parentheses around a beginning of the run change nothing.
        ends = {bisect_left(self.ends, left.span.end) for left in lefts}
        closers: set[int] = set()
        while self.kind() == "LPAR" and ((partner := self.partners[self.at]) in ends or partner + 1 in closers):
            closers.add(partner)
            self.at += 1
        start = self._operand(head, first, closers)
        links: list[Link] = []
        for right in reversed(rights):
            begins = self.begins_line(self.at)
            links.append(Link(begins, (self.take(), " ", self._operand(right, others, closers))))
        return start, links

    def _operand(self, node: nodes.Node, least: int, closers: set[int]) -> Document:
        document = self.expression(node, least)
        if self.at not in closers:
            return document
        while self.at in closers:
            self.at += 1
        return (document, *self.remark_behind())

    def word(self, node: nodes.Node) -> Document:
        return self.take()

    def select(self, node: nodes.Select) -> Document:
        condition = (self.take(), " ", self.loose(node.condition))
        chosen = (self.take(), " ", self.expression(node.chosen))
        otherwise = (self.take(), " ", self.expression(node.otherwise))
        return group((condition, Nest((SPACE, chosen, SPACE, otherwise))))

    def pipe(self, node: nodes.Pipe) -> Document:
        head, links = self.chain(node, lambda left: isinstance(left, nodes.Pipe), PIPE, OR)
        apart = (head, Nest(tuple((HARD, link.content) for link in links)))
        if any(link.begins for link in links):
            rows = Nest(tuple((HARD if link.begins else " ", link.content) for link in links))
            return First((head, rows), apart, all_lines=True)
        if is_broken(links[-1].content) and not is_broken((head, *(link.content for link in links[:-1]))):
            # The last step alone is opened up: `x |> choose(`.
            return First((head, *((" ", link.content) for link in links)), apart)
        return group((head, Nest(tuple((SPACE, link.content) for link in links))))

    def logical(self, node: nodes.Logical) -> Document:
        here = level(node)
        head, links = self.chain(
            node, lambda left: isinstance(left, nodes.Logical) and left.operator == node.operator, here, here + 1
        )
        return group((head, Nest(tuple((SPACE, link.content) for link in links))))

    def binary(self, node: nodes.Binary) -> Document:
        here = level(node)
        if here == POWER:
            parts = (self.expression(node.left, PLACED), " ", self.take(), " ", self.expression(node.right, UNARY))
            return parts
        head, links = self.chain(
            node, lambda left: isinstance(left, nodes.Binary) and level(left) == here, here, here + 1
        )
        return self._operators(head, [link.content for link in links])

    def comparison(self, node: nodes.Comparison) -> Document:
        head = self.expression(node.operands[0], RANGE)
        return self._operators(head, [(self.take(), " ", self.expression(right, RANGE)) for right in node.operands[1:]])

    def _operators(self, head: Document, links: list[Document]) -> Document:
        """Lines are broken inside of the operands where that can be, else before the operators."""
        flat = (head, *((" ", link) for link in links))
        if any(has_brackets(part) for part in (head, *(link[-1] for link in links if isinstance(link, tuple)))):
            return flat
        return group((head, Nest(tuple((BEFORE_OPERATOR, link) for link in links))))

    def negation(self, node: nodes.Negation) -> Document:
        return (self.take(), " ", self.expression(node.operand, NOT))

    def signed(self, node: nodes.Signed) -> Document:
        return (self.take(), self.expression(node.operand, UNARY))

    def range_(self, node: nodes.Range) -> Document:
        ends = (self.expression(node.start, SUM), self.take(), self.expression(node.stop, SUM))
        return ends if node.step is None else (ends, " ", self.take(), " ", self.expression(node.step, SUM))

    def labelled(self, node: nodes.Labelled) -> Document:
        return (self.expression(node.operand, POSTFIX), " ", self.take(), " ", self.label(node.label))

    def label(self, label: nodes.Label) -> Document:
        if label.quoted:
            return self.take()
        parts: list[Document] = []
        for step in label.steps:
            if isinstance(step, str):
                if self.kind() == "DOT":
                    parts.append(self.take())
                parts.append(self.take())
            else:
                parts += (self.take(), self.expression(step), self.take())
        return tuple(parts)

    def call(self, node: nodes.Call) -> Document:
        callee = self.expression(node.callee, POSTFIX)
        if len(node.arguments) == 1 and isinstance(node.arguments[0].value, nodes.Listing):
            listing = node.arguments[0].value
            if listing.bare:
                return (callee, self._comprehension(listing))
        found = self.brackets(node.arguments, self.argument)
        last = node.arguments[-1] if node.arguments else None
        if last is None or last.name is not None or not isinstance(last.value, nodes.List | nodes.Listing):
            return (callee, found.together(found.kept))
        before, hugged = found.contents[:-1], found.contents[-1]
        if found.kept or found.remarks or is_broken((found.opened, *before)) or isinstance(hugged, tuple):
            return (callee, found.together(found.kept))
        # The last argument alone is opened up: `decide(edge(), [`.
        hugged = group(hugged.content, broken=True) if isinstance(hugged, Group) else hugged
        embraced = (found.opened, *((part, ", ") for part in before), hugged, found.closed)
        opened = First(embraced, found.together(broken=True))
        return (callee, opened if is_broken(found.contents[-1]) else First(found.together(), opened))

    def argument(self, node: nodes.Argument) -> Document:
        if node.name is None:
            return self.expression(node.value)
        return (self.take(), self.take(), self.expression(node.value))

    def _comprehension(self, node: nodes.Listing) -> Document:
        opened = self.take()
        inner: list[Document] = [SOFT, self.expression(node.element)]
        for clause in node.clauses:
            inner += (SPACE, self.clause(clause))
        inner += self.remarks(self.start())
        return group((opened, Nest(tuple(inner)), SOFT, self.take()))

    def clause(self, node: nodes.Clause) -> Document:
        head = (self.take(), " ", self.targets(node.targets), " ", self.take(), " ", self.loose(node.iterable))
        return head if node.condition is None else (head, " ", self.take(), " ", self.loose(node.condition))

    def targets(self, targets: Sequence[nodes.Identifier]) -> Document:
        return self.listed(targets, self.word)

    def index(self, node: nodes.Index) -> Document:
        operand = self.expression(node.operand, POSTFIX)
        return (operand, self.brackets(node.subscripts, self.expression).together(comma=""))

    def slice_(self, node: nodes.Slice) -> Document:
        start = "" if node.start is None else self.expression(node.start)
        colon = self.take()
        return (start, colon, "" if node.stop is None else self.expression(node.stop))

    def rest(self, node: nodes.Rest) -> Document:
        return self.take() if node.name is None else (self.take(), self.take())

    def member(self, node: nodes.Member) -> Document:
        return (self.expression(node.operand, POSTFIX), self.take(), self.take())

    def tuple_(self, node: nodes.Tuple) -> Document:
        found = self.brackets(node.items, self.expression)
        return found.together(found.kept, "," if len(node.items) == 1 else COMMA_WHEN_BROKEN)

    def list_(self, node: nodes.List) -> Document:
        found = self.brackets(node.items, self.expression)
        if found.kept:
            ends = (COMMA_WHEN_BROKEN, *found.remarks)
            rows: list[Document] = []
            for begins, content in zip(found.begins, found.contents, strict=True):
                rows += ("," if rows else "", HARD if begins or not rows else " ", content)
            return First(
                (found.opened, Nest((*rows, *ends)), HARD, found.closed), found.together(broken=True), all_lines=True
            )
        if len(found.contents) < 2 or any(width(content) > SHORT for content in found.contents):
            return found.together()
        filled: list[Document] = [SOFT, found.contents[0]]
        for content in found.contents[1:]:
            filled += (",", FillLine(width(content) + 2), content)
        return group((found.opened, Nest((*filled, COMMA_WHEN_BROKEN, *found.remarks)), SOFT, found.closed))

    def listing(self, node: nodes.Listing) -> Document:
        return self._comprehension(node)

    def choose(self, node: nodes.Choose) -> Document:
        word = self.take()
        found = self.brackets(node.options, self.option)
        return (word, found.together(found.kept))

    def option(self, node: nodes.Option) -> Document:
        value = self.expression(node.value)
        return value if node.condition is None else (value, " ", self.take(), " ", self.loose(node.condition))


EXPRESSIONS: Final[dict[type, Callable[[Expressions, Any], Document]]] = {
    nodes.Name: Expressions.word,
    nodes.Integer: Expressions.word,
    nodes.Real: Expressions.word,
    nodes.Quantity: Expressions.word,
    nodes.String: Expressions.word,
    nodes.Boolean: Expressions.word,
    nodes.Nothing: Expressions.word,
    nodes.Select: Expressions.select,
    nodes.Pipe: Expressions.pipe,
    nodes.Logical: Expressions.logical,
    nodes.Negation: Expressions.negation,
    nodes.Comparison: Expressions.comparison,
    nodes.Binary: Expressions.binary,
    nodes.Signed: Expressions.signed,
    nodes.Range: Expressions.range_,
    nodes.Labelled: Expressions.labelled,
    nodes.Listing: Expressions.listing,
    nodes.Call: Expressions.call,
    nodes.Index: Expressions.index,
    nodes.Slice: Expressions.slice_,
    nodes.Rest: Expressions.rest,
    nodes.Member: Expressions.member,
    nodes.Tuple: Expressions.tuple_,
    nodes.List: Expressions.list_,
    nodes.Choose: Expressions.choose,
}
