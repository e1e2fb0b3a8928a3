"""The lines of a method: what its variables are called, and its loops and conditions."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import chain, count

from archdsl_compiler.emit.code import (
    Apply,
    Batch,
    Choice,
    Expression,
    Infix,
    Member,
    Number,
    Part,
    Raw,
    Use,
    literal,
    render,
    replace,
    values_in,
    walk,
)
from archdsl_compiler.emit.inlining import codes_of, instead, reads_of, with_inlined
from archdsl_compiler.emit.layout import WIDTH, statement
from archdsl_compiler.emit.lifted import Cycle, Line
from archdsl_compiler.emit.words import reached, variable
from archdsl_compiler.graph import Scalar, Structure, leaves

SPARE = ("y", "z", "u", "v", "a", "b")
OTHERWISE = "value"
_Writer = Callable[[Expression], str]


@dataclass(frozen=True, slots=True)
class Method:
    """What a method is made of. `names` are what the source calls values; `part` writes a part; `lengths` has the
    number of elements of each list of parts. With `shapes`, lines end with the shape of what they give."""

    inputs: Mapping[int, str]
    items: Sequence[Line | Cycle]
    returns: Expression
    names: Mapping[int, str]
    part: Callable[[Part], str]
    lengths: Mapping[str, int]
    exposed: Mapping[str, int] = field(default_factory=dict[str, int])
    shapes: bool = False
    reserved: frozenset[str] = frozenset()
    indent: int = 8


def lines_of(method: Method) -> list[str]:
    """The lines of a method, with its `return`."""
    text, variables = lines_and_names(method)
    if method.exposed:
        pad = " " * method.indent
        text.append(f"{pad}if self.training:")
        text += [f"{pad}    self.{name} = {variables[value]}" for name, value in method.exposed.items()]
    leaf = _leaf(method, variables)
    result = render(method.returns, leaf)
    last = _last_assignment(text, result, method.indent) if not method.exposed else None
    if last is None:
        return [*text, *statement(method.indent, "return ", method.returns, leaf)]
    *before, code = text[: last + 1]
    first = f"{' ' * method.indent}return {code[method.indent + len(result) + 3 :]}"
    first = first if len(first) <= WIDTH else first.partition("  # ")[0]
    if len(first) > WIDTH:
        return [*text, f"{' ' * method.indent}return {result}"]
    return [*before, first, *text[last + 1 :]]


def lines_and_names(method: Method) -> tuple[list[str], Mapping[int, str]]:
    """The lines without `return`, and the variable that each value of the result is in at the end."""
    kept = frozenset(values_in(method.returns)) | frozenset(method.exposed.values())
    items = with_inlined(method.items, kept, method.indent, method.names)
    body = _Body(method)
    body.follow(items, kept)
    batch = any(isinstance(part, Batch) for item in items for code in codes_of(item) for part in walk(code))
    if batch:
        first = next(iter(method.inputs.values()))
        body.text.insert(0, f"{' ' * method.indent}batch = {first}.shape[0]")
    return body.text, body.names


def _last_assignment(text: Sequence[str], name: str, indent: int) -> int | None:
    """Where the last statement begins, if it only gives a value to the name that is returned."""
    start = next((k for k in range(len(text) - 1, -1, -1) if not text[k][indent:].startswith((" ", ")", "]"))), -1)
    return start if start >= 0 and text[start][indent:].startswith(f"{name} = ") and name.isidentifier() else None


def _leaf(method: Method, names: Mapping[int, str]) -> _Writer:
    def write(part: Expression) -> str:
        match part:
            case Use():
                return names[part.value]
            case Part():
                return method.part(part)
            case Batch():
                return "batch"
            case Number():
                return literal(part.value)
            case _:
                raise TypeError(f"{part} is not lifted")

    return write


class _Body:
    """Follows a block from top to bottom and keeps what variables hold: `names` the variable of each value, `holders`
    the value in each variable, `last` where each value is read last."""

    def __init__(self, method: Method) -> None:
        self.method = method
        self.names: dict[int, str] = dict(method.inputs)
        self.holders: dict[str, int] = {name: value for value, name in method.inputs.items()}
        self.last: dict[int, int] = {}
        self.indent = method.indent
        self.text: list[str] = []

    def follow(self, items: Sequence[Line | Cycle], kept: frozenset[int]) -> None:
        for position, item in enumerate(items):
            self.last.update((value, position) for value in reads_of(item))
        self.last.update((value, len(items)) for value in kept)
        open_guard: Expression | None = None
        for position, item in enumerate(items):
            if isinstance(item, Cycle):
                self._cycle(item, position)
                open_guard = None
                continue
            source = instead(item)
            alone = source is None or (source in self.names and not self._lives(source, position))
            if item.guard is None or not alone:
                self._assign(item, position)
                open_guard = None
                continue
            if item.guard != open_guard:
                self.text.append(f"{' ' * self.indent}if {render(item.guard, _leaf(self.method, self.names))}:")
                open_guard = item.guard
            self._change(item, source, position)

    def _lives(self, value: int, position: int) -> bool:
        """Whether a value is still read after an item."""
        return self.last.get(value, -1) > position

    def _change(self, line: Line, source: int | None, position: int) -> None:
        """A guarded line, which changes a variable where it runs."""
        write = self._writer()
        (target,) = leaves(line.targets)
        if source is None:
            self._name(target, line.code, position, (target,))
        else:
            self._bind(target, self.names[source])
        self.text += chained(self.indent + 4, self.names[target], line.code, write)

    def _assign(self, line: Line, position: int) -> None:
        code = line.code
        source = instead(line)
        if line.guard is not None and source is not None:
            code = Choice(line.guard, code, Use(source))
        targets = tuple(leaves(line.targets))
        if isinstance(code, Use) and len(targets) == 1:
            self._bind(targets[0], self.names[code.value])
            return
        write = self._writer()
        for target in targets:
            self._name(target, code, position, targets)
        lines = chained(self.indent, self._target(line.targets), code, write)
        if self.method.shapes and len(lines) == 1 and len(line.types) == 1 and line.types[0].shape:
            note = f"  # [{', '.join(map(str, line.types[0].shape))}]"
            lines[0] += note if len(lines[0]) + len(note) <= WIDTH and "batch" in note else ""
        self.text += lines

    def _writer(self) -> _Writer:
        """Writes leaves with the variables as they are now."""
        return _leaf(self.method, dict(self.names))

    def _target(self, structure: Structure) -> str:
        if isinstance(structure, tuple):
            inner = [self._target(part) for part in structure]
            return ", ".join(f"({text})" if "," in text else text for text in inner) + ("," if len(inner) == 1 else "")
        return "_" if isinstance(structure, Scalar) or structure < 0 else self.names[structure]

    def _name(self, value: int, code: Expression, position: int, together: Sequence[int]) -> None:
        """Give a value a variable: what the source calls it, or that of a value that is read here for the last time."""
        wished = self.method.names.get(value, "")
        ending = [v for v in values_in(code) if not self._lives(v, position) and v in self.names]
        reused = [self.names[v] for v in ending][:1] if len(together) == 1 else []
        candidates = [wished, *reused] if wished not in ("", "x") else [*reused, *([wished] if wished else [])]
        taken = {self.names[v] for v in together if v != value and v in self.names}
        for name in chain(candidates, SPARE, (f"{OTHERWISE}_{n}" for n in count(1))):
            holder = self.holders.get(name)
            free = holder is None or not self._lives(holder, position)
            if free and name not in taken and name not in self.method.reserved:
                self._bind(value, name)
                return

    def _bind(self, value: int, name: str) -> None:
        self.names[value] = name
        self.holders[name] = value

    # ---- loops

    def _cycle(self, cycle: Cycle, position: int) -> None:
        pad = " " * self.indent
        inner = _Body(self.method)
        inner.names, inner.holders, inner.indent = dict(self.names), dict(self.holders), self.indent + 4
        state: dict[int, str] = {}
        for entry, produced in cycle.carried:
            name = self.names[entry]
            if self._lives(entry, position) or name in state.values():
                free = (n for n in chain(SPARE, (f"state_{k}" for k in count(1))) if n not in self.holders)
                self.text.append(f"{pad}{(new := next(free))} = {name}")
                name = new
            inner._bind(entry, name)
            state[produced] = name
        header, element = self._header(cycle, frozenset(inner.names.values()))
        self.text.append(f"{pad}{header}")
        leaving = {first for first, final in cycle.exits if final in self.last}
        lines = with_inlined(cycle.body, frozenset(leaving | set(state)), inner.indent, self.method.names)
        inner.last = {value: k for k, line in enumerate(lines) for value in values_in(line.code)}
        entries = {entry: produced for entry, produced in cycle.carried}
        # What comes from outside is read again in the next pass; what goes on or leaves is read after the last line.
        outside = [
            value
            for value in self.names
            if value not in entries and (value in inner.last or self._lives(value, position))
        ]
        inner.last.update((value, len(lines)) for value in (*outside, *state, *leaving))
        moves: list[str] = []
        for k, line in enumerate(lines):
            code = replace(
                line.code, lambda part: Raw(element(part)) if isinstance(part, Part) and part.place >= 0 else None
            )
            targets = tuple(leaves(line.targets))
            write = inner._writer()
            for target in targets:
                entry = next((e for e, produced in cycle.carried if produced == target), None)
                if entry is not None and not inner._lives(entry, k):
                    inner._bind(target, state[target])
                    continue
                inner._name(target, code, k, targets)
                if target in state:
                    moves.append(f"{pad}    {state[target]} = {inner.names[target]}")
            inner.text += chained(inner.indent, inner._target(line.targets), code, write)
        self.text += [*inner.text, *moves]
        for first, final in cycle.exits:
            if first in inner.names:
                self._bind(final, state.get(first, inner.names[first]))

    def _header(self, cycle: Cycle, names: frozenset[str]) -> tuple[str, Callable[[Part], str]]:
        """`for block in self.blocks:` where whole lists are run through, else by number; and how parts of a pass are
        written."""
        moving = [p for line in cycle.body for p in walk(line.code) if isinstance(p, Part) and p.place >= 0]
        starts = {_list_of(part): _place_of(part) for part in reversed(moving)}
        passes = cycle.count.value if isinstance(cycle.count, Number) else 0
        assert isinstance(passes, int)
        whole = all(start == 0 and self.method.lengths.get(name) == passes for name, start in starts.items())
        if whole and len({(_list_of(part), _place_of(part)) for part in moving}) == len(starts):
            variables: dict[str, str] = {}
            for container in reversed(starts):
                variables[container] = self._loop_variable(container, names | set(variables.values()))
            sources = [self.method.part(Part(container)) for container in variables]
            source = sources[0] if len(sources) == 1 else f"zip({', '.join(sources)})"
            header = f"for {', '.join(variables.values())} in {source}:"
            return header, lambda part: variables[_list_of(part)] + _tail(part)
        start = min(starts.values(), default=0)

        def indexed(part: Part) -> str:
            offset = _place_of(part) - start
            number = "i" if offset == 0 else f"i + {offset}"
            return f"{self.method.part(Part(_list_of(part)))}[{number}]{_tail(part)}"

        return f"for i in range({f'{start}, {start + passes}' if start else passes}):", indexed

    def _loop_variable(self, container: str, taken: frozenset[str]) -> str:
        base = container.rsplit(".", 1)[-1]
        name = base[:-1] if base.endswith("s") and len(base) > 2 else f"{base}_part"
        name = variable(name, constructing=True) if name.isidentifier() else "part"
        while name in taken or name in self.method.reserved:
            name = f"{name}_"
        return name


def _list_of(part: Part) -> str:
    return ".".join(part.label.split(".")[: part.place])


def _place_of(part: Part) -> int:
    return int(part.label.split(".")[part.place])


def _tail(part: Part) -> str:
    return reached("", part.label.split(".")[part.place + 1 :])


def chained(indent: int, left: str, code: Expression, write: _Writer) -> list[str]:
    """An assignment; a chain of methods or a sum that is too long for a line goes on in the next ones."""
    lines = statement(indent, f"{left} = ", code, write)
    name = left.partition(",")[0]
    if (len(lines) == 1 and len(lines[0]) <= WIDTH) or not name.isidentifier():
        return lines
    begun = isinstance(code, Infix) and isinstance(code.left, Use | Raw)  # its left side is a variable already
    if isinstance(code, Infix) and not begun and name not in {write(p) for p in walk(code.right) if isinstance(p, Use)}:
        rest: Expression = Infix(code.sign, Raw(name), code.right)
        return [*chained(indent, name, code.left, write), *chained(indent, left, rest, write)]
    inner, outer = code, list[Apply]()
    while isinstance(inner, Apply) and isinstance(inner.function, Member):
        outer.append(inner)
        inner = inner.function.of
        read = (write(p) for each in outer for a in each.arguments for p in walk(a) if isinstance(p, Use))
        if name in read:
            return lines  # what the rest still needs would be overwritten
        short = statement(indent, f"{name} = ", inner, write)
        if len(short) == 1 and len(short[0]) <= WIDTH and not isinstance(inner, Use | Raw | Part | Member):
            rest = Raw(name)
            for each in reversed(outer):
                assert isinstance(each.function, Member)
                rest = Apply(Member(rest, each.function.name), each.arguments, each.named)
            return [*short, *chained(indent, left, rest, write)]
    return lines
