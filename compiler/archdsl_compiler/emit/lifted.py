"""A class with its numbers lifted: the code of a template, in which every number is a literal or an expression over the
arguments of the constructor."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from archdsl_compiler.emit.code import (
    Apply,
    Choice,
    Comprehension,
    Default,
    Each,
    Expression,
    Number,
    Part,
    Prefix,
    Raw,
    Row,
    Use,
    walk,
    with_parts,
)
from archdsl_compiler.emit.lifting import Lifting, each_vector
from archdsl_compiler.emit.loops import Loop
from archdsl_compiler.emit.merging import Entry, Held, Template
from archdsl_compiler.emit.parts import ALTERNATING
from archdsl_compiler.emit.skeleton import leaves_of, refilled
from archdsl_compiler.graph import Structure
from archdsl_compiler.types import TensorType

MOST_WRITTEN_OUT = 8
"""So many elements of a list are written one by one where they differ."""


@dataclass(frozen=True, slots=True)
class Line:
    """A step with its numbers lifted. `guard` is the condition under which it runs; otherwise its first value goes on
    as it is."""

    targets: Structure
    code: Expression
    guard: Expression | None = None
    types: tuple[TensorType, ...] = ()


@dataclass(frozen=True, slots=True)
class Cycle:
    """A loop with its numbers lifted."""

    body: tuple[Line, ...]
    count: Expression
    carried: tuple[tuple[int, int], ...]
    exits: tuple[tuple[int, int], ...]


@dataclass(frozen=True, slots=True)
class Holding:
    """A member: its name, sort, the code that makes it, and the condition under which it is there."""

    name: str
    sort: str
    constructor: Expression
    guard: Expression | None = None


@dataclass(frozen=True, slots=True)
class Code:
    """All of a class but names and layout."""

    lifting: Lifting
    constants: tuple[Line, ...]
    holdings: tuple[Holding, ...]
    items: tuple[Line | Cycle, ...]


def lifted(template: Template) -> Code:
    lifting = Lifting(template)
    single = lifting.modules == 1
    # Members come first: they are what the arguments are mainly for, and give them their names.
    holdings = [_held(lifting, name, held, single) for name, held in template.members.items()]
    holdings = [
        Holding(h.name, h.sort, h.constructor, _guard(lifting, template.members[h.name].rows)) for h in holdings
    ]
    constants = [_line(lifting, entry) for entry in template.constants]
    items = [_item(lifting, entry) for entry in template.items]
    return _softened(Code(lifting, tuple(constants), tuple(holdings), tuple(items)))


def _softened(code: Code) -> Code:
    """Layers that only some modules have become the identity in the others, where one value goes through them."""
    guards = {holding.name: holding.guard for holding in code.holdings if holding.guard is not None}
    soft: dict[str, Expression] = {}
    uses: dict[str, list[str]] = {name: [] for name in guards}
    for item in code.items:
        lines = (item,) if isinstance(item, Line) else item.body
        for line in lines:
            for part in walk(line.code):
                if isinstance(part, Part) and (name := part.label.partition(".")[0]) in guards:
                    fits = (
                        isinstance(item, Line) and _sent_through(line.code) == part.label and line.guard == guards[name]
                    )
                    uses[name].append(part.label if fits else "")
    holdings: list[Holding] = []
    for holding in code.holdings:
        labels = uses.get(holding.name, [])
        if holding.guard is None or not labels or "" in labels:
            holdings.append(holding)
            continue
        inside = {label.removeprefix(holding.name).removeprefix(".") for label in labels}
        made = _with_identity(holding.constructor, holding.guard, inside)
        if made is None:
            holdings.append(holding)
            continue
        soft.update((label, holding.guard) for label in labels)
        holdings.append(Holding(holding.name, holding.sort, made))
    items = tuple(
        Line(item.targets, item.code, None, item.types)
        if isinstance(item, Line) and item.guard is not None and _sent_through(item.code) in soft
        else item
        for item in code.items
    )
    return Code(code.lifting, code.constants, tuple(holdings), items)


def _with_identity(made: Expression, guard: Expression, inside: set[str]) -> Expression | None:
    """A layer, or all layers of a container, with the identity in their stead where the guard does not hold."""
    if inside == {""}:
        return Choice(guard, made, Apply(Raw("nn.Identity")))
    match made:
        case Apply(function=Raw(text="nn.ModuleDict"), arguments=(Row(items=items) as row,)):
            names = {
                pair.items[0].text.strip('"')
                for pair in items
                if isinstance(pair, Row) and isinstance(pair.items[0], Raw)
            }
            if names != inside:
                return None
            pairs = tuple(
                Row((pair.items[0], Choice(guard, pair.items[1], Apply(Raw("nn.Identity")))), ":")
                for pair in items
                if isinstance(pair, Row)
            )
            return Apply(made.function, (Row(pairs, row.brackets),))
        case _:
            return None


def _sent_through(code: Expression) -> str:
    """The one part that a step sends one value through."""
    match code:
        case Apply(function=Part(label=label), arguments=(Use(),), named=()):
            return label
        case _:
            return ""


def _guard(lifting: Lifting, rows: Mapping[int, object]) -> Expression | None:
    present = frozenset(rows)
    return None if len(present) == lifting.modules else lifting.flag(present)


def _held(lifting: Lifting, name: str, held: Held, single: bool) -> Holding:
    code = _Writer(lifting, held.rows, single).written(held.member.constructor)
    return Holding(name, held.member.sort, code)


def _line(lifting: Lifting, entry: Entry) -> Line:
    item = entry.item
    assert not isinstance(item, Loop)
    guard = _guard(lifting, entry.rows)
    return Line(item.targets, _Writer(lifting, entry.rows, False).written(item.code), guard, item.types)


def _item(lifting: Lifting, entry: Entry) -> Line | Cycle:
    item = entry.item
    if not isinstance(item, Loop):
        return _line(lifting, entry)
    writer = _Writer(lifting, entry.rows, False)
    body = tuple(Line(step.targets, writer.written(step.code), None, step.types) for step in item.body)
    return Cycle(body, Number(item.count), item.carried, item.exits)


class _Writer:
    """Writes the numbers of one piece of code, column by column."""

    def __init__(self, lifting: Lifting, rows: Mapping[int, Sequence[Number | Each]], expand: bool) -> None:
        self.lifting = lifting
        self.rows = rows
        self.expand = expand
        self.column = 0
        self.counts: dict[int, int] = {}
        self.loop: dict[str, Expression] | None = None

    def written(self, code: Expression) -> Expression:
        if isinstance(code, Number | Each):
            found = self._number()
            return Default(found.value) if isinstance(code, Default) and isinstance(found, Number) else found
        if isinstance(code, Comprehension):
            return self._comprehension(code)
        if isinstance(code, Row | Apply):
            return _flattened(with_parts(code, self.written))
        return with_parts(code, self.written)

    def _cells(self) -> dict[int, Number | Each]:
        cells = {k: row[self.column] for k, row in self.rows.items()}
        self.column += 1
        return cells

    def _number(self) -> Expression:
        cells = self._cells()
        first = next(iter(cells.values()))
        if all(isinstance(cell, Number) for cell in cells.values()):
            return self.lifting.value(
                {k: cell.value for k, cell in cells.items() if isinstance(cell, Number)}, first.hint, first.name
            )
        vectors = each_vector(cells, self.counts)
        if all(len(set(map(repr, vector))) == 1 for vector in vectors.values()):
            return self.lifting.value({k: vector[0] for k, vector in vectors.items()}, first.hint, first.name)
        plural = first.name if first.name.endswith("s") else f"{first.name or 'value'}s"
        source = self.lifting.value(vectors, "", plural)
        assert self.loop is not None
        for name, known in self.loop.items():
            if known == source:
                return Raw(name)
        name = first.name or "value"
        if isinstance(source, Raw) and source.text.endswith("s") and len(source.text) > 2:
            name = source.text[:-1]
        base, number = name, 2
        while name in self.loop or name in self.lifting.arguments:
            name, number = f"{base}_{number}", number + 1
        self.loop[name] = source
        return Raw(name)

    def _comprehension(self, code: Comprehension) -> Expression:
        outer = self.loop, self.counts
        try:
            return self._loop(code)
        finally:
            self.loop, self.counts = outer

    def _loop(self, code: Comprehension) -> Expression:
        start = self.column
        width = sum(isinstance(part, Number | Each) for part in walk(code.element))
        counts = {k: row[start + width] for k, row in self.rows.items()}
        self.counts = {k: int(str(cell.value)) for k, cell in counts.items() if isinstance(cell, Number)}
        lengths = set(self.counts.values())
        taking_turns = isinstance(code.element, Choice) and code.element.condition == ALTERNATING
        if len(lengths) == 1 and (
            (taking_turns and lengths == {2})
            or (self.expand and self._differs(start, code) and (max(lengths) <= MOST_WRITTEN_OUT or _nested(code)))
        ):
            return self._written_out(code, start, width, lengths.pop())
        loop = self.loop = dict[str, Expression]()
        element = self.written(code.element)
        count: Expression = Raw("")
        if loop:
            self.column += 1  # the lists say how many there are
        else:
            count = self._number()
        indexed = any(part == ALTERNATING for part in walk(element))
        names, sources = list(loop), list(loop.values())
        if not sources:
            source = Apply(Raw("range"), (count,))
            return Comprehension(element, count, "i" if indexed else "_", source)
        source = sources[0] if len(sources) == 1 else Apply(Raw("zip"), tuple(sources))
        variables = ", ".join(names)
        if indexed:
            variables = f"i, {variables}" if len(names) == 1 else f"i, ({variables})"
            source = Apply(Raw("enumerate"), (source,))
        return Comprehension(element, count, variables, source)

    def _differs(self, start: int, code: Comprehension) -> bool:
        own = _own(code)
        return any(isinstance(self.rows[0][start + k], Each) for k in range(len(own)) if own[k])

    def _written_out(self, code: Comprehension, start: int, width: int, count: int) -> Expression:
        """The elements one by one, as a row that its surroundings take in."""
        items: list[Expression] = []
        own = _own(code)
        for number in range(count):
            rows = {
                k: tuple(_of_pass(row[start + j], number) if own[j] else row[start + j] for j in range(width))
                for k, row in self.rows.items()
            }
            writer = _Writer(self.lifting, rows, self.expand)
            items.append(_chosen(writer.written(_as_in(code.element, rows)), number))
        self.column = start + width + 1
        return Row(tuple(items), "[]")


def _own(code: Comprehension) -> list[bool]:
    """Of each number in the element whether it goes by this loop, and not by one inside."""
    inside = {
        id(part)
        for inner in walk(code.element)
        if isinstance(inner, Comprehension)
        for part in walk(inner.element)
        if isinstance(part, Each)
    }
    return [id(leaf) not in inside for leaf in leaves_of(code.element) if isinstance(leaf, Number | Each)]


def _as_in(code: Expression, rows: Mapping[int, Sequence[Number | Each]]) -> Expression:
    """The element with the numbers of its first module, which say what may be left out."""
    cells = iter(next(iter(rows.values())))
    return refilled(code, [next(cells) if isinstance(leaf, Number | Each) else leaf for leaf in leaves_of(code)])


def _of_pass(cell: Number | Each, number: int) -> Number:
    """A number in one pass of a loop."""
    if isinstance(cell, Each):
        kind = Default if cell.usual and cell.usual[number] else Number
        return kind(cell.values[number], cell.hint, cell.name)
    return cell


def _nested(code: Expression) -> bool:
    return any(isinstance(part, Each) and any(isinstance(value, tuple) for value in part.values) for part in walk(code))


def _chosen(code: Expression, number: int) -> Expression:
    if isinstance(code, Choice) and code.condition == ALTERNATING:
        return code.then if number % 2 == 0 else code.otherwise
    return code


def _flattened(code: Expression) -> Expression:
    """`*[a, b]` among arguments or in a list is `a, b`."""
    if isinstance(code, Row):
        return Row(tuple(item for part in code.items for item in _spread(part)), code.brackets)
    if isinstance(code, Apply):
        return Apply(code.function, tuple(item for part in code.arguments for item in _spread(part)), code.named)
    return code


def _spread(part: Expression) -> tuple[Expression, ...]:
    if isinstance(part, Prefix) and part.sign == "*" and isinstance(part.of, Row):
        return part.of.items
    return (part,)
