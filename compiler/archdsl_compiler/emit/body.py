"""The lines of a method: which values get a variable, what it is called, and which are written where they are used."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import chain, count

from archdsl_compiler.emit.code import (
    Apply,
    Batch,
    Choice,
    Expression,
    Member,
    Number,
    Part,
    Raw,
    Row,
    Use,
    literal,
    replace,
    walk,
)
from archdsl_compiler.emit.layout import WIDTH, statement
from archdsl_compiler.emit.lifted import Cycle, Line
from archdsl_compiler.graph import Scalar, Structure, leaves

DEEPEST = 4
SPARE = ("y", "z", "u", "v", "a", "b")
OTHERWISE = "value"


@dataclass(frozen=True, slots=True)
class Method:
    """What a method is made of. `names` are what the source calls values; `parts` writes a part; `lengths` has the
    number of elements of each list of parts, where it is one number for all modules."""

    inputs: Mapping[int, str]
    items: Sequence[Line | Cycle]
    returns: Expression | None
    names: Mapping[int, str]
    parts: Callable[[Part], str]
    lengths: Mapping[str, int]
    exposed: Mapping[str, int] = field(default_factory=dict[str, int])
    shapes: bool = False
    reserved: frozenset[str] = frozenset()
    indent: int = 8


def lines_of(method: Method) -> list[str]:
    return _Body(method).lines()


class _Body:
    """Follows a method from top to bottom and keeps what variables hold."""

    def __init__(self, method: Method) -> None:
        self.method = method
        self.names: dict[int, str] = dict(method.inputs)
        self.holders: dict[str, int] = {name: value for value, name in method.inputs.items()}
        self.aliases: dict[int, int] = {}

    def lines(self) -> list[str]:
        method = self.method
        items = _with_inlined(method)
        last: dict[int, int] = {}
        for position, item in enumerate(items):
            for value in _reads(item):
                last[value] = position
        kept = [*(method.returns and _values(method.returns) or ()), *method.exposed.values()]
        for value in kept:
            last[value] = len(items)
        text: list[str] = []
        if any(isinstance(part, Batch) for item in items for code in _codes(item) for part in walk(code)):
            name = next(iter(method.inputs.values()))
            text.append(f"{' ' * method.indent}batch = {name}.shape[0]")
        position = 0
        while position < len(items):
            item = items[position]
            if isinstance(item, Cycle):
                text += self._cycle(item, position, last)
                position += 1
                continue
            if item.guard is not None and self._in_place(item, position, last):
                run = [item]
                while position + len(run) < len(items):
                    after = items[position + len(run)]
                    if not isinstance(after, Line) or after.guard != item.guard:
                        break
                    if not self._in_place(after, position + len(run), last):
                        break
                    run.append(after)
                text.append(f"{' ' * method.indent}if {self._text(item.guard)}:")
                for number, each in enumerate(run):
                    text += self._assignment(each, position + number, last, 4, guarded=True)
                position += len(run)
                continue
            text += self._assignment(item, position, last, 0)
            position += 1
        for name, value in method.exposed.items():
            text.append(f"{' ' * method.indent}if self.training:")
            text.append(f"{' ' * method.indent}    self.{name} = {self.names[value]}")
        if method.returns is not None:
            text += self._return(text)
        return text

    def _return(self, text: list[str]) -> list[str]:
        """`return`, of the expression itself where the last line only names it."""
        assert self.method.returns is not None
        result = self._render(self.method.returns)
        pad = " " * self.method.indent
        if text and not self.method.exposed and result.isidentifier():
            before = f"{pad}{result} = "
            if text[-1].startswith(before):
                code = text[-1][len(before) :]
                text.pop()
                line = f"{pad}return {code}"
                return [line if len(line) <= WIDTH else line.partition("  # ")[0]]
            if text[-1] in (f"{pad})", f"{pad}]"):
                start = next((k for k in range(len(text) - 1, -1, -1) if text[k].startswith(before)), None)
                if start is not None and all(line.startswith(f"{pad}    ") for line in text[start + 1 : -1]):
                    tail = [f"{pad}return {text[start][len(before) :]}", *text[start + 1 :]]
                    del text[start:]
                    return tail
        return statement(self.method.indent, "return ", self.method.returns, self._leaf)

    def _in_place(self, line: Line, position: int, last: Mapping[int, int]) -> bool:
        """Whether a guarded line can change a variable: what it stands for is read no more."""
        source = _source(line)
        return source is not None and last.get(source, -1) <= position and source in self.names

    def _assignment(
        self, line: Line, position: int, last: Mapping[int, int], deeper: int, guarded: bool = False
    ) -> list[str]:
        code = line.code
        if line.guard is not None and not guarded:
            source = _source(line)
            code = Choice(line.guard, code, Use(source)) if source is not None else code
        targets = list(leaves(line.targets))
        if guarded:
            source = _source(line)
            assert source is not None and len(targets) == 1
            before = self._snapshot(code)
            name = self.names[source]
            self._bind(targets[0], name)
            return _chain(self.method.indent + deeper, name, code, before)
        if isinstance(code, Use) and len(targets) == 1:
            self.names[targets[0]] = self.names[code.value]
            self.holders[self.names[code.value]] = targets[0]
            return []
        before = self._snapshot(code)
        for target in targets:
            self._name(target, code, position, last, targets)
        left = self._target(line.targets)
        lines = _chain(self.method.indent + deeper, left, code, before)
        if self.method.shapes and len(lines) == 1 and len(line.types) == 1:
            note = f"  # {_shape(line.types[0].shape)}"
            if len(lines[0]) + len(note) <= WIDTH and "batch" in note:
                lines[0] += note
        return lines

    def _snapshot(self, code: Expression) -> Callable[[Expression], str]:
        """Writes leaves with the names that hold before the assignment."""
        names = dict(self.names)
        return lambda part: names[part.value] if isinstance(part, Use) else self._leaf(part)

    def _target(self, structure: Structure) -> str:
        if isinstance(structure, tuple):
            inner = [self._target(part) for part in structure]
            return ", ".join(f"({text})" if "," in text else text for text in inner) + ("," if len(inner) == 1 else "")
        return "_" if isinstance(structure, Scalar) or structure < 0 else self.names[structure]

    def _name(
        self, value: int, code: Expression, position: int, last: Mapping[int, int], together: Sequence[int]
    ) -> None:
        reads = [v for v in _values(code) if last.get(v, -1) <= position]
        wished = self.method.names.get(value, "")
        reused = [self.names[v] for v in reads if v in self.names][:1] if len(together) == 1 else []
        if wished and wished not in ("x",):
            candidates = [wished, *reused]
        else:
            candidates = [*reused, *([wished] if wished else [])]
        taken = {self.names[v] for v in together if v != value and v in self.names}
        for name in chain(candidates, SPARE, (f"{OTHERWISE}_{n}" for n in count(1))):
            holder = self.holders.get(name)
            if name in taken or name in self.method.reserved:
                continue
            if holder is None or last.get(holder, -1) <= position:
                self._bind(value, name)
                return

    def _bind(self, value: int, name: str) -> None:
        self.names[value] = name
        self.holders[name] = value

    def _cycle(self, cycle: Cycle, position: int, last: Mapping[int, int]) -> list[str]:
        pad = " " * self.method.indent
        text: list[str] = []
        inner = _Body(self.method)
        inner.names, inner.holders = dict(self.names), dict(self.holders)
        forced: dict[int, str] = {}
        for entry, produced in cycle.carried:
            name = self.names[entry]
            if last.get(entry, -1) > position or name in forced.values():
                new = next(
                    n for n in (*SPARE, "state") if n not in self.holders or last.get(self.holders[n], -1) < position
                )
                text.append(f"{pad}{new} = {name}")
                name = new
            inner._bind(entry, name)
            forced[produced] = name
        header, element = self._header(cycle, set(inner.names.values()))
        text.append(f"{pad}{header}")
        body_last: dict[int, int] = {}
        lines = list(
            _inlined(
                cycle.body, frozenset(v for v, _ in cycle.exits if self._leaves_loop(v, cycle, last)) | set(forced)
            )
        )
        for k, line in enumerate(lines):
            for value in _values(line.code):
                body_last[value] = k
        for value, when in last.items():
            if when > position or value not in {v for line in lines for v in _values(line.code)}:
                body_last[value] = max(
                    body_last.get(value, -1), len(lines) if when > position else body_last.get(value, -1)
                )
        for line in lines:
            for value in _values(line.code):
                if value in self.names and value not in {e for e, _ in cycle.carried}:
                    body_last[value] = len(lines)
        for produced in forced:
            body_last[produced] = len(lines)
        tail: list[str] = []
        for k, line in enumerate(lines):
            targets = list(leaves(line.targets))
            code = replace(
                line.code, lambda part: Raw(element(part)) if isinstance(part, Part) and element(part) else None
            )
            before = inner._snapshot(code)
            for target in targets:
                entry = next((e for e, p in cycle.carried if p == target), None)
                free = entry is not None and body_last.get(entry, -1) <= k
                if target in forced and free:
                    inner._bind(target, forced[target])
                else:
                    inner._name(target, code, k, body_last, targets)
                    if target in forced:
                        tail.append(f"{pad}    {forced[target]} = {inner.names[target]}")
            text += statement(self.method.indent + 4, f"{inner._target(line.targets)} = ", code, before)
        text += tail
        for first, final in cycle.exits:
            if first in inner.names:
                self._bind(final, forced.get(first, inner.names[first]))
        return text

    def _leaves_loop(self, value: int, cycle: Cycle, last: Mapping[int, int]) -> bool:
        return any(first == value and final in last for first, final in cycle.exits)

    def _header(self, cycle: Cycle, names: set[str]) -> tuple[str, Callable[[Part], str]]:
        """`for block in self.blocks:`, and how parts of the pass are written."""
        lists: dict[str, tuple[str, int]] = {}
        for line in cycle.body:
            for part in walk(line.code):
                if isinstance(part, Part) and part.place >= 0:
                    segments = part.label.split(".")
                    container = ".".join(segments[: part.place])
                    lists.setdefault(container, ("", int(segments[part.place])))
        count = cycle.count.value if isinstance(cycle.count, Number) else 0
        whole = all(start == 0 and self.method.lengths.get(name, count) == count for name, (_, start) in lists.items())
        variables: dict[str, str] = {}
        for container in lists:
            base = container.rsplit(".", 1)[-1]
            name = base[:-1] if base.endswith("s") and len(base) > 2 else f"{base}_part"
            while name in names or name in variables.values() or name in self.method.reserved:
                name += "_"
            variables[container] = name
        if whole and lists:
            sources = [self.method.parts(Part(container)) for container in lists]
            source = sources[0] if len(sources) == 1 else f"zip({', '.join(sources)})"
            header = f"for {', '.join(variables.values())} in {source}:"

            def element(part: Part) -> str:
                if part.place < 0:
                    return ""
                segments = part.label.split(".")
                tail = segments[part.place + 1 :]
                return variables[".".join(segments[: part.place])] + "".join(
                    f"[{s}]" if s.isdigit() else f".{s}" for s in tail
                )

            return header, element
        start = min((start for _, start in lists.values()), default=0)
        header = f"for i in range({start}, {start + int(str(count))}):" if start else f"for i in range({count}):"

        def indexed(part: Part) -> str:
            if part.place < 0:
                return ""
            segments = part.label.split(".")
            offset = int(segments[part.place]) - start
            index = "i" if offset == 0 else f"i + {offset}" if offset > 0 else f"i - {-offset}"
            text = self.method.parts(Part(".".join(segments[: part.place]))) + f"[{index}]"
            return text + "".join(f"[{s}]" if s.isdigit() else f".{s}" for s in segments[part.place + 1 :])

        return header, indexed

    def _text(self, code: Expression) -> str:
        return self._render(code)

    def _render(self, code: Expression) -> str:
        from archdsl_compiler.emit.code import render

        return render(code, self._leaf)

    def _leaf(self, part: Expression) -> str:
        match part:
            case Use():
                return self.names[part.value]
            case Part():
                return self.method.parts(part)
            case Batch():
                return "batch"
            case Number():
                return literal(part.value)
            case _:
                raise TypeError(f"{part} is not lifted")


def _chain(indent: int, left: str, code: Expression, write: Callable[[Expression], str]) -> list[str]:
    """An assignment; a chain of methods that is too long for a line goes on in the next ones."""
    lines = statement(indent, f"{left} = ", code, write)
    if all(len(line) <= WIDTH for line in lines) and len(lines) == 1:
        return lines
    cut = code
    outer: list[Apply] = []
    while isinstance(cut, Apply) and isinstance(cut.function, Member) and left.isidentifier():
        outer.append(cut)
        cut = cut.function.of
        short = statement(indent, f"{left} = ", cut, write)
        if len(short) == 1 and len(short[0]) <= WIDTH and not isinstance(cut, Use | Raw | Part | Member):
            rest: Expression = Raw(left)
            for each in reversed(outer):
                assert isinstance(each.function, Member)
                rest = Apply(Member(rest, each.function.name), each.arguments, each.named)
            return [*short, *_chain(indent, left, rest, write)]
    return lines


def _shape(shape: Sequence[object]) -> str:
    return f"[{', '.join(map(str, shape))}]"


def _source(line: Line) -> int | None:
    """The value that goes on where a guarded line does not run."""
    return next((part.value for part in walk(line.code) if isinstance(part, Use)), None)


def _values(code: Expression) -> tuple[int, ...]:
    return tuple(part.value for part in walk(code) if isinstance(part, Use))


def _codes(item: Line | Cycle) -> tuple[Expression, ...]:
    return (item.code,) if isinstance(item, Line) else tuple(line.code for line in item.body)


def _reads(item: Line | Cycle) -> Iterator[int]:
    for code in _codes(item):
        yield from _values(code)


def _with_inlined(method: Method) -> list[Line | Cycle]:
    """The items with values that are read once written where they are read."""
    kept = set(_values(method.returns)) if method.returns is not None else set[int]()
    kept |= set(method.exposed.values())
    for item in method.items:
        if isinstance(item, Cycle):
            kept |= set(_reads(item)) | {e for e, _ in item.carried}
    return list(_inlined(method.items, frozenset(kept), method.indent))


def _inlined(items: Sequence[Line | Cycle], kept: frozenset[int] | set[int], indent: int = 12) -> Iterator:  # pyright: ignore[reportMissingTypeArgument, reportUnknownParameterType]
    readers: dict[int, int] = {}
    for item in items:
        for value in _reads(item):
            readers[value] = readers.get(value, 0) + 1
        if isinstance(item, Line) and item.guard is not None:
            source = _source(item)
            if source is not None:
                kept = set(kept) | {source}
    pending: dict[int, tuple[Line, int]] = {}
    result: list[Line | Cycle] = []
    for item in items:
        if isinstance(item, Cycle):
            result.append(item)
            continue
        code = item.code
        for value in sorted(set(_values(code)), reverse=True):
            found = pending.get(value)
            if found is None or found[0].guard != item.guard:
                continue
            inner = found[0].code
            trial = replace(code, lambda part, value=value, inner=inner: inner if part == Use(value) else None)
            if _fits(trial, indent, inner, code, value):
                code = trial
                result.remove(found[0])
            del pending[value]
        line = Line(item.targets, code, item.guard, item.types)
        result.append(line)
        outputs = list(leaves(item.targets))
        if len(outputs) == 1 and not isinstance(item.targets, tuple):
            value = outputs[0]
            if readers.get(value, 0) == 1 and value not in kept:
                pending[value] = (line, 0)
    yield from result


def _fits(code: Expression, indent: int, inner: Expression, outer: Expression, value: int) -> bool:
    """Whether code stays readable with another piece in it: one line, not too deep."""
    from archdsl_compiler.emit.code import render

    def rough(part: Expression) -> str:
        match part:
            case Part():
                return "self." + part.label
            case Number():
                return literal(part.value)
            case _:
                return "x"

    return len(render(code, rough)) + indent + 14 <= WIDTH and _depth(code) <= DEEPEST


def _depth(code: Expression) -> int:
    from archdsl_compiler.emit.code import parts

    inner = max((_depth(part) for part in parts(code)), default=0)
    return inner + (1 if isinstance(code, Apply) else 0)


def row(values: Sequence[Expression]) -> Expression:
    return values[0] if len(values) == 1 else Row(tuple(values))
