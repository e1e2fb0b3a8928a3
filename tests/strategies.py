"""Random programs that parse, for property tests: `programs` as plain text, `scattered` with line ends and comments
wherever the language allows them. They hold every form of the grammar; what they mean is left to chance."""

from collections.abc import Callable
from typing import Final

from hypothesis import strategies as st

Tokens = list[str]

NAMES: Final = (
    "a",
    "b",
    "x",
    "width",
    "conv",
    "long_name_of_a_thing",
    "_",
    "q2",
    "a_very_long_name_of_a_component_indeed",
)
KINDS: Final = ("function", "mixer", "block", "stage", "model", "space", "quant", "train", "search", "other")
LITERALS: Final = (
    ["0"],
    ["12"],
    ["1.5"],
    ["1e-5"],
    ["2.5E3"],
    ["10ms"],
    ["4MiB"],
    ["1.5K"],
    ['"text"'],
    ['"b c h w -> b (h w) c"'],
    ['"\\"q\\" \\\\ \\n"'],
    ["true"],
    ["false"],
    ["none"],
)
LABELS: Final = (
    ["fc1"],
    ["head", ".", "fc"],
    ['"block{i + 1}.{j}"'],
    ['"plain"'],
    ["blocks", "[", "2", "*", "i", "]", ".", "norm"],
    ["[", "i", "]"],
    ["_"],
)
COMPARES: Final = ("==", "!=", "<=", ">=", "<", ">", "in")
PRODUCTS: Final = ("*", "/", "//", "%", "@")

# The levels of the grammar, loosest first.
EXPRESSION, PIPE, OR, AND, NOT, COMPARISON, RANGE, SUM, PRODUCT, UNARY, POWER, PLACED, POSTFIX, ATOM = range(14)


class Author:
    """Draws a program piece by piece; `room` is what may still be nested."""

    def __init__(self, draw: st.DrawFn) -> None:
        self.draw = draw

    def one_of(self, options: tuple[object, ...]) -> object:
        return self.draw(st.sampled_from(options))

    def number(self, least: int, most: int) -> int:
        return self.draw(st.integers(least, most))

    def chance(self) -> bool:
        return self.draw(st.booleans())

    def name(self) -> str:
        return self.draw(st.sampled_from(NAMES))

    def names(self) -> Tokens:
        return self.listed([[self.name()] for _ in range(self.number(1, 3))])

    @staticmethod
    def listed(parts: list[Tokens]) -> Tokens:
        return [token for number, part in enumerate(parts) for token in ([",", *part] if number else part)]

    def several(self, one: Callable[[], Tokens], least: int, most: int) -> Tokens:
        """Things with commas between them, and perhaps one behind the last."""
        parts = [one() for _ in range(self.number(least, most))]
        return [*self.listed(parts), *([","] if parts and self.chance() else [])]

    # ---- expressions

    def expression(self, room: int, level: int = EXPRESSION) -> Tokens:
        """An expression that may stand where the grammar asks for this level, sometimes in needless parentheses."""
        if room <= 0:
            return self.atom(0)
        found = self.number(EXPRESSION, ATOM)
        tokens = self.of_level(found, room - 1)
        return ["(", *tokens, ")"] if found < level or self.number(0, 7) == 0 else tokens

    def of_level(self, level: int, room: int) -> Tokens:
        e = self.expression
        if level == EXPRESSION:
            return ["if", *e(room, OR), "then", *e(room), "else", *e(room)]
        if level == PIPE:
            return self.chain(room, PIPE, OR, lambda: "|>")
        if level == OR:
            return [*e(room, OR), "or", *e(room, AND)]
        if level == AND:
            return [*e(room, AND), "and", *e(room, NOT)]
        if level == NOT:
            return ["not", *e(room, NOT)]
        if level == COMPARISON:
            links = [[str(self.one_of(COMPARES)), *e(room, RANGE)] for _ in range(self.number(1, 2))]
            return [*e(room, RANGE), *(token for link in links for token in link)]
        if level == RANGE:
            step = ["by", *e(room, SUM)] if self.chance() else []
            return [*e(room, SUM), str(self.one_of(("..", "..<"))), *e(room, SUM), *step]
        if level == SUM:
            return self.chain(room, SUM, PRODUCT, lambda: str(self.one_of(("+", "-"))))
        if level == PRODUCT:
            return self.chain(room, PRODUCT, UNARY, lambda: str(self.one_of(PRODUCTS)))
        if level == UNARY:
            return [str(self.one_of(("+", "-"))), *e(room, UNARY)]
        if level == POWER:
            return [*e(room, PLACED), "**", *e(room, UNARY)]
        if level == PLACED:
            return [*e(room, POSTFIX), "as", *self.draw(st.sampled_from(LABELS))]
        return self.postfix(room) if level == POSTFIX else self.atom(room)

    def chain(self, room: int, first: int, others: int, operator: Callable[[], str]) -> Tokens:
        tokens = self.expression(room, first)
        for _ in range(self.number(1, 3)):
            tokens = [*tokens, operator(), *self.expression(room, others)]
        return tokens

    def postfix(self, room: int) -> Tokens:
        operand = self.expression(room, POSTFIX)
        form = self.number(0, 4)
        if form == 0:
            return [*operand, ".", self.name()]
        if form == 1:
            return [*operand, "[", *self.several(lambda: self.subscript(room), 1, 3), "]"]
        if form == 2:
            return [*operand, "(", *self.comprehension(room), ")"]
        return [*operand, "(", *self.several(lambda: self.argument(room), 0, 4), ")"]

    def argument(self, room: int) -> Tokens:
        return [self.name(), "=", *self.expression(room)] if self.chance() else self.expression(room)

    def subscript(self, room: int) -> Tokens:
        form = self.number(0, 3)
        if form == 0:
            return ["..."]
        if form == 1:
            start = self.expression(room) if self.chance() else []
            return [*start, ":", *(self.expression(room) if self.chance() else [])]
        return self.expression(room)

    def comprehension(self, room: int) -> Tokens:
        tokens = self.expression(room)
        for _ in range(self.number(1, 2)):
            condition = ["if", *self.expression(room, OR)] if self.chance() else []
            tokens = [*tokens, "for", *self.names(), "in", *self.expression(room, OR), *condition]
        return tokens

    def atom(self, room: int) -> Tokens:
        form = self.number(0, 6) if room > 0 else self.number(0, 2)
        if form < 2:
            return [self.name()]
        if form == 2:
            return list(self.draw(st.sampled_from(LITERALS)))
        if form == 3:
            return ["[", *self.several(lambda: self.expression(room), 0, 4), "]"]
        if form == 4:
            rest = self.several(lambda: self.expression(room), 0, 2)
            return ["(", *self.expression(room), ",", *rest, ")"]
        if form == 5:
            return ["[", *self.comprehension(room), "]"]
        return ["choose", "(", *self.several(lambda: self.option(room), 1, 3), ")"]

    def option(self, room: int) -> Tokens:
        condition = ["when", *self.expression(room, OR)] if self.chance() else []
        return [*self.expression(room), *condition]

    # ---- signatures

    def type(self, room: int = 1) -> Tokens:
        inner: Tokens = []
        if room and self.chance():
            inner = ["[", *self.listed([self.type(room - 1) for _ in range(self.number(1, 2))]), "]"]
        return [str(self.one_of(("int", "list", "mixer"))), *inner, *(["?"] if self.chance() else [])]

    def setting(self) -> Tokens:
        form = [":", *self.type()] if self.chance() else []
        domain = ["in", *self.expression(1, OR)] if self.chance() else []
        default = ["=", *self.expression(1)] if self.chance() else []
        return [self.name(), *form, *domain, *default]

    def tensor(self) -> Tokens:
        form: Tokens = []
        if self.chance():
            optional = ["?"] if self.chance() else []
            dtype = ["int64"] if self.chance() else []
            form = [":", *(["list"] if self.number(0, 3) == 0 else [*dtype, *self.shape()]), *optional]
        return [self.name(), *form, *(["=", "none"] if self.chance() else [])]

    def shape(self) -> Tokens:
        return ["[", *self.several(self.axis, 0, 4), "]"]

    def axis(self) -> Tokens:
        form = self.number(0, 3)
        if form == 0:
            return [*([self.name()] if self.chance() else []), "..."]
        return self.expression(1 if form == 1 else 0, OR)

    def signature(self) -> Tokens:
        tokens = ["(", *self.several(self.setting, 0, 4), ")"]
        if self.chance():
            tokens += ["(", *self.several(self.tensor, 0, 3), ")"]
            if self.chance():
                tokens += ["->", *self.listed([self.shape() for _ in range(self.number(1, 2))])]
        return tokens

    # ---- statements

    def body(self, room: int) -> Tokens:
        return ["{", *(token for _ in range(self.number(0, 3)) for token in self.statement(room)), "}"]

    def statement(self, room: int) -> Tokens:
        form = self.number(0, 9 if room > 0 else 6)
        e = self.expression
        if form == 0:
            return self.let()
        if form < 3:
            return [self.name(), "=", *e(2)]
        if form == 3:
            return ["return", *self.listed([e(2) for _ in range(self.number(1, 2))])]
        if form == 4:
            return ["require", *e(2), *([":", '"a reason for it"'] if self.chance() else [])]
        if form == 5:
            return ["expose", self.name(), "=", *e(2)]
        if form == 6:
            metric = ["=", *e(1)] if self.chance() else []
            return [str(self.one_of(("maximize", "minimize"))), self.name(), *metric]
        if form == 7:
            return ["for", *self.names(), "in", *e(1, OR), *self.body(room - 1)]
        if form == 8:
            return ["at", *self.listed([e(1, OR) for _ in range(self.number(1, 2))]), *self.body(room - 1)]
        return self.condition(room)

    def condition(self, room: int) -> Tokens:
        tokens = ["if", *self.expression(1, OR), *self.body(room - 1)]
        form = self.number(0, 2)
        if form == 0:
            return tokens
        return [*tokens, "else", *(self.condition(room - 1) if form == 1 and room > 1 else self.body(room - 1))]

    def let(self) -> Tokens:
        return ["let", *self.names(), "=", *self.expression(3)]

    def item(self) -> Tokens:
        form = self.number(0, 5)
        if form == 0:
            return self.let()
        if form == 1:
            path = [*(["."] if self.chance() else []), self.name(), *([".", self.name()] if self.chance() else [])]
            names = [[self.name(), *(["as", self.name()] if self.chance() else [])] for _ in range(self.number(1, 3))]
            return ["from", *path, "import", *self.listed(names)]
        kind = str(self.one_of(KINDS))
        if form == 2:
            return ["extern", kind, self.name(), *self.signature(), "=", '"package.module:Name"']
        return [kind, self.name(), *(self.signature() if self.chance() else []), *self.body(3)]


@st.composite
def token_lists(draw: st.DrawFn) -> list[str]:
    """The tokens of a program."""
    author = Author(draw)
    return [token for _ in range(author.number(0, 4)) for token in author.item()]


def programs() -> st.SearchStrategy[str]:
    """Programs on one line."""
    return token_lists().map(" ".join)


GAPS: Final = (
    " ",
    " ",
    " ",
    "  ",
    "\n",
    "\n  ",
    "\n\n\n",
    " # said behind\n",
    "\n# said alone\n",
    "\n\n  ## said of what follows\n\n",
)


@st.composite
def scattered(draw: st.DrawFn) -> str:
    """Programs with line ends and comments between any two tokens."""
    tokens = draw(token_lists())
    gaps = draw(st.lists(st.sampled_from(GAPS), min_size=1, max_size=12))
    end = draw(st.sampled_from(("", "# end", "\n")))
    return "".join(f"{token}{gaps[at % len(gaps)]}" for at, token in enumerate(tokens)) + end
