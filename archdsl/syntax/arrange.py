"""Lays a tree out as a document. The tokens of the text are taken one by one as the tree is walked: so each comment is
met between the tokens where it stands, whatever place that is.

Some breaks are the author's: a `|>` that begins a line, the rows of a list and a one-line body stay so while they fit;
brackets whose last line ends with a comma stay open."""

from collections.abc import Callable, Sequence
from typing import Any, Final

from archdsl.source import Span
from archdsl.syntax import nodes
from archdsl.syntax.arrange_expressions import Expressions
from archdsl.syntax.document import HARD, SPACE, Document, First, Line, Nest, Remark, WhenBroken, group, joined
from archdsl.syntax.tokens import Tokens
from archdsl.syntax.walk import Brackets

# In which bodies the `=` of lines that follow each other stand below each other, and of which statements.
FIELDS: Final = (nodes.Let, nodes.Assign)
ALIGNED: Final[dict[str, tuple[type, ...]]] = {
    "quant": FIELDS,
    "train": FIELDS,
    "search": FIELDS,
    "space": (nodes.Let,),
}
# Names of `let`s that follow each other are aligned while their widths differ by no more than this.
RAGGED: Final = 3


def arrange(file: nodes.File, tokens: Tokens) -> Document:
    return _Arranger(file, tokens).file()


class _Arranger(Expressions):
    """Walks the declarations and statements; `aligned` are those whose `=` stand below each other."""

    def __init__(self, file: nodes.File, tokens: Tokens) -> None:
        super().__init__(file, tokens)
        self.tree = file
        self.aligned: tuple[type, ...] = (nodes.Let,)

    def file(self) -> Document:
        return _lines(self.sequence(self.tree.items, len(self.text)))

    # ---- signatures

    def setting(self, node: nodes.Setting) -> Document:
        parts: list[Document] = [self.take()]
        if node.type is not None:
            parts += (self.take(), " ", self.type_(node.type))
        if node.domain is not None:
            parts += (" ", self.take(), " ", self.loose(node.domain))
        if node.default is not None:
            parts += self._default(node.default, spaced=len(parts) > 1)
        return tuple(parts)

    def _default(self, value: nodes.Expression, spaced: bool) -> tuple[Document, ...]:
        space = " " if spaced else ""
        return (space, self.take(), space, self.expression(value))

    def type_(self, node: nodes.Type) -> Document:
        name = self.take()
        inner = (self.take(), self.listed(node.arguments, self.type_), self.take()) if node.arguments else ""
        return (name, inner, self.take() if node.optional else "")

    def tensor(self, node: nodes.TensorParameter) -> Document:
        parts: list[Document] = [self.take()]
        if node.form is not None:
            parts += (self.take(), " ", self.form(node.form))
        if node.default is not None:
            parts += self._default(node.default, spaced=len(parts) > 1)
        return tuple(parts)

    def form(self, node: nodes.Form) -> Document:
        word = "" if node.word is None else self.take()
        shape = "" if node.shape is None else self.shape(node.shape)
        return (word, shape, self.take() if node.optional else "")

    def shape(self, node: nodes.Shape) -> Document:
        return self.brackets(node.axes, self.loose).together(comma="")

    def header(self, node: nodes.Declaration | nodes.Extern) -> Document:
        """`kind name(settings)(tensors) -> shapes`; of two lists that are too long the first is opened first."""
        start = (self.take(), " ", self.take())
        none = Brackets("", [], [], (), "", kept=False)
        settings = none if node.settings is None else self.brackets(node.settings, self.setting)
        tensors = none if node.tensors is None else self.brackets(node.tensors, self.tensor)
        result = "" if node.result is None else (" ", self.take(), " ", self.listed(node.result, self.shape))

        def opened(first: bool, second: bool) -> Document:
            return (start, settings.together(first or settings.kept), tensors.together(second or tensors.kept), result)

        if not settings.contents:
            return First(opened(False, False), opened(False, True), all_lines=True)
        return First(
            opened(False, False), First(opened(True, False), opened(True, True), all_lines=True), all_lines=True
        )

    # ---- statements

    def statement(self, node: nodes.Node) -> Document:
        if isinstance(node, nodes.Let | nodes.Assign):
            name = self.take() if isinstance(node, nodes.Assign) else (self.take(), " ", self.targets(node.targets))
            return (name, " ", self.take(), " ", self.expression(node.value))
        return STATEMENTS[type(node)](self, node)

    def return_(self, node: nodes.Return) -> Document:
        return (self.take(), " ", self.listed(node.values, self.expression))

    def require(self, node: nodes.Require) -> Document:
        condition = (self.take(), " ", self.expression(node.condition))
        return condition if node.reason is None else group((condition, self.take(), Nest((SPACE, self.take()))))

    def expose(self, node: nodes.Expose) -> Document:
        return (self.take(), " ", self.take(), " ", self.take(), " ", self.expression(node.value))

    def for_(self, node: nodes.For) -> Document:
        head = (self.take(), " ", self.targets(node.targets), " ", self.take(), " ", self.loose(node.iterable), " ")
        return self._with_body(node, head, node.body)

    def at_(self, node: nodes.At) -> Document:
        return self._with_body(node, (self.take(), " ", self.listed(node.targets, self.loose), " "), node.body)

    def if_(self, node: nodes.If) -> Document:
        inline = self._is_inline(node.span)
        parts: list[Document] = []
        while True:
            parts += (self.take(), " ", self.loose(node.condition), " ", self.body(node.then, inline))
            if node.otherwise is None:
                break
            parts += (" ", self.take(), " ")
            if isinstance(node.otherwise, nodes.Body):
                parts.append(self.body(node.otherwise, inline))
                break
            node = node.otherwise
        return group(tuple(parts)) if inline else tuple(parts)

    def objective(self, node: nodes.Objective) -> Document:
        head = (self.take(), " ", self.take())
        return head if node.metric is None else (head, " ", self.take(), " ", self.expression(node.metric))

    def import_(self, node: nodes.Import) -> Document:
        head: list[Document] = [self.take(), " "]
        while self.kind() != "IMPORT":
            head.append(self.take())
        return (*head, " ", self.take(), " ", self.listed(node.names, self.imported))

    def imported(self, node: nodes.Imported) -> Document:
        name = self.take()
        return name if node.alias is None else (name, " ", self.take(), " ", self.take())

    def extern(self, node: nodes.Extern) -> Document:
        return (self.take(), " ", self.header(node), " ", self.take(), " ", self.take())

    def declaration(self, node: nodes.Declaration) -> Document:
        before = self.aligned
        self.aligned = ALIGNED.get(node.kind.text, ())
        document = self._with_body(node, (self.header(node), " "), node.body)
        self.aligned = before
        return document

    # ---- bodies

    def _is_inline(self, span: Span) -> bool:
        return "\n" not in span.text

    def _with_body(self, node: nodes.Node, head: Document, body: nodes.Body) -> Document:
        inline = self._is_inline(body.span)
        return (head, group(self.body(body, inline)) if inline else self.body(body, inline))

    def body(self, node: nodes.Body, inline: bool) -> Document:
        opened = self.take()
        lines = self.sequence(node.items, node.span.end - 1, inline)
        closed = self.take()
        if not lines:
            return (opened, closed)
        if inline:
            return (opened, Nest((SPACE, *joined((line for _empty, line in lines), Line("  ")))), SPACE, closed)
        return (opened, Nest((HARD, _lines(lines))), HARD, closed)

    def sequence(self, items: Sequence[nodes.Node], end: int, inline: bool = False) -> list[tuple[bool, Document]]:
        """Statements and the comments between them, each with whether an empty line stands before it."""
        lines: list[tuple[bool, Document]] = []
        places: list[int] = []
        before = self.tokens[self.at - 1].span.end if self.at else 0
        for item in items:
            before = self._comments(lines, before, self.start())
            empty = self._is_empty_between(before, self.start())
            places.append(len(lines))
            lines.append((empty, self.statement(item)))
            before = self.tokens[self.at - 1].span.end
            if self.said and self.comments[self.said - 1].span.end > before:
                before = self.comments[self.said - 1].span.end
        self._comments(lines, before, end)
        self._align(items, places, lines, inline)
        return lines

    def _comments(self, lines: list[tuple[bool, Document]], before: int, until: int) -> int:
        while self.said < len(self.comments) and self.comments[self.said].span.start < until:
            comment = self.comments[self.said]
            self.said += 1
            lines.append((self._is_empty_between(before, comment.span.start), Remark(comment.text, own_line=True)))
            before = comment.span.end
        return before

    def _is_empty_between(self, start: int, end: int) -> bool:
        return self.text.count("\n", start, end) > 1

    def _align(
        self, items: Sequence[nodes.Node], places: Sequence[int], lines: list[tuple[bool, Document]], inline: bool
    ) -> None:
        """Put spaces before the `=` of statements that follow each other."""
        widths = [self._name_width(item) for item in items]
        start = 0
        for end in range(1, len(items) + 1):
            if end < len(items) and self._is_near(widths[end - 1], widths[end]):
                if places[end] == places[end - 1] + 1 and not lines[places[end]][0]:
                    continue
            widest = max(widths[start:end])
            for at in range(start, end):
                empty, line = lines[places[at]]
                if isinstance(line, tuple) and 0 < widths[at] < widest:
                    spaces = " " * (widest - widths[at])
                    lines[places[at]] = (empty, (line[0], WhenBroken(spaces) if inline else spaces, *line[1:]))
            start = end

    def _is_near(self, one: int, other: int) -> bool:
        """The widths of two names let their `=` be aligned."""
        return bool(one and other) and (self.aligned == FIELDS or abs(one - other) <= RAGGED)

    def _name_width(self, item: nodes.Node) -> int:
        """The columns up to the space before `=`; 0 where that is not aligned."""
        if not isinstance(item, self.aligned):
            return 0
        if isinstance(item, nodes.Assign):
            return len(item.name.text)
        return len("let ") + len(item.targets[0].text) if isinstance(item, nodes.Let) and len(item.targets) == 1 else 0


def _lines(lines: Sequence[tuple[bool, Document]]) -> Document:
    parts: list[Document] = []
    for empty, line in lines:
        if parts:
            parts += (HARD, HARD) if empty else (HARD,)
        parts.append(line)
    return tuple(parts)


STATEMENTS: Final[dict[type, Callable[[_Arranger, Any], Document]]] = {
    nodes.Return: _Arranger.return_,
    nodes.Require: _Arranger.require,
    nodes.Expose: _Arranger.expose,
    nodes.For: _Arranger.for_,
    nodes.If: _Arranger.if_,
    nodes.At: _Arranger.at_,
    nodes.Objective: _Arranger.objective,
    nodes.Import: _Arranger.import_,
    nodes.Extern: _Arranger.extern,
    nodes.Declaration: _Arranger.declaration,
}
