"""The file that is written: imports, definitions as the user wrote them, modules written out, the entry. They refer to
each other by marks until all are known; then each gets a name that nothing else has."""

import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from itertools import chain, count

from archdsl.meaning.catalogue import registry as catalogue
from archdsl.meaning.declared import Declared, Unit
from archdsl.meaning.scope import LANGUAGE
from archdsl.resolved.reading import Key, bound, defined, definition, library_of, read
from archdsl.syntax import nodes
from archdsl_compiler.ops.registry import find

OPENING, CLOSING = "\ue000", "\ue001"
MARK = re.compile(f"{OPENING}([0-9]+){CLOSING}")


@dataclass(slots=True, eq=False)
class Item:
    """One name of the file. `library` is where it is imported from; a `fixed` name stays as it is, because modules are
    called after it; `hides` are the names that the text binds for itself."""

    number: int
    name: str
    kind: str = ""
    unit: Unit | None = None
    start: int = 0
    library: str = ""
    text: str = ""
    fixed: bool = False
    hides: frozenset[str] = frozenset()

    @property
    def mark(self) -> str:
        return f"{OPENING}{self.number}{CLOSING}"


@dataclass(slots=True)
class Page:
    """`clashing` are components whose names other definitions need. Where the entry is a definition, `root`, it is
    called `entry` from now on, and `defaults` replace those of its settings."""

    entry: str
    clashing: frozenset[Key] = frozenset()
    root: Key | None = None
    defaults: Mapping[str, str] = field(default_factory=dict[str, str])
    items: list[Item] = field(default_factory=list[Item])
    known: dict[Key, Item] = field(default_factory=dict[Key, Item])
    ops: set[str] = field(default_factory=set[str])

    def new(self, name: str, kind: str = "") -> Item:
        item = Item(len(self.items), name, kind)
        self.items.append(item)
        return item

    def declared(self, declared: Declared) -> str:
        return self.refer((declared.unit, declared.name))

    def refer(self, key: Key) -> str:
        """The mark of a definition, which is imported or written out from now on."""
        item = self.known.get(key)
        if item is None:
            item = self._entered(key)
        return item.mark

    def _entered(self, key: Key) -> Item:
        unit, name = key
        node = definition(key)
        kind = kind_of(key)
        library = library_of(unit)
        if library:
            item = self.known[key] = self.new(name, kind)
            item.library = library
            return item
        for own in (t.text for t in node.targets) if isinstance(node, nodes.Let) else (name,):
            made = self.known[unit, own] = self.new(own, kind)
            made.unit, made.start = unit, node.span.start
        item = self.known[key]
        first = self.known[unit, node.targets[0].text] if isinstance(node, nodes.Let) else item
        first.fixed = is_module(key) and key not in self.clashing
        if key == self.root:
            first.name, first.fixed = self.entry, True
        first.hides = bound(key)
        first.text = self._written(key, node)
        return item

    def _written(self, key: Key, node: nodes.Declaration | nodes.Extern | nodes.Let) -> str:
        """The text of a definition, with marks for what it reads and for its own name."""
        unit = key[0]
        own = node.targets if isinstance(node, nodes.Let) else (node.name,)
        edits = [(name.span.start, name.span.end, self.known[unit, name.text].mark) for name in own]
        for name in read(key):
            following = defined(unit, name.text)
            if following is not None:
                edits.append((name.span.start, name.span.end, self.refer(following)))
            else:
                self.ops.add(name.text)
        for name, text in self.defaults.items() if key == self.root else ():
            assert isinstance(node, nodes.Declaration | nodes.Extern)
            setting = next(s for s in node.settings or () if s.name.text == name)
            if setting.default is not None:
                # Marks inside of the old default go with it.
                start, end = setting.default.span.start, setting.default.span.end
                edits = [edit for edit in edits if not start <= edit[0] < end]
                edits.append((start, end, text))
            else:
                last = setting.domain or setting.type or setting.name
                edits.append((last.span.end, last.span.end, f" = {text}"))
        return documented(node.doc, spliced(node.span.source.text, node.span.start, node.span.end, edits))

    # ---- names

    def parts(self, order: Callable[[Unit], int]) -> list[str]:
        """The imports and the definitions one by one, with their names."""
        names = self._names()
        imports: dict[str, list[str]] = {}
        written: list[Item] = []
        for item in self.items:
            if item.library:
                name = names[item.number]
                imports.setdefault(item.library, []).append(
                    item.name if name == item.name else f"{item.name} as {name}"
                )
            elif item.text:
                written.append(item)
        lines = [f"from {path} import {', '.join(sorted(imports[path]))}" for path in sorted(imports)]
        parts = ["\n".join(lines)] if lines else []
        parts += [item.text for item in sorted(written, key=lambda item: self._place(item, order))]
        return [MARK.sub(lambda mark: names[int(mark[1])], part) for part in parts]

    @staticmethod
    def _place(item: Item, order: Callable[[Unit], int]) -> tuple[int, int, int]:
        return (1, 0, item.number) if item.unit is None else (0, order(item.unit), item.start)

    def _names(self) -> dict[int, str]:
        hidden = frozenset[str]().union(*(item.hides for item in self.items))
        used: set[str] = {self.entry}
        names: dict[int, str] = {}

        def give(item: Item, name: str) -> None:
            names[item.number] = name
            used.add(name)

        for item in self.items:
            if item.fixed or item.kind == "entry":
                give(item, item.name)
        for item in sorted((i for i in self.items if i.number not in names), key=lambda i: (i.unit is None, i.number)):
            written_out = item.unit is None and not item.library
            others = hidden if item.unit is None else self._hidden_elsewhere(item.unit)
            taken = used | others if written_out else used | others | self.ops
            give(item, free_name(item.name, item.kind, taken, avoid_language=written_out))
        return names

    def _hidden_elsewhere(self, unit: Unit) -> frozenset[str]:
        return frozenset[str]().union(*(item.hides for item in self.items if item.unit is not unit))


def free_name(name: str, kind: str, taken: Iterable[str], avoid_language: bool = False) -> str:
    """The name, or one like it that is free."""
    used = set(taken)
    candidates = chain([name, f"{name}_{kind}"] if kind else [name], (f"{name}_{number}" for number in count(2)))
    return next(c for c in candidates if c not in used and not (avoid_language and of_the_language(c)))


def of_the_language(name: str) -> bool:
    """Whether a name means something where no file defines it."""
    return name in LANGUAGE or find(name) is not None or catalogue.find(name) is not None


def kind_of(key: Key) -> str:
    """The kind of a declaration; "value" of a `let`."""
    unit, name = key
    return unit.declarations[name].kind.name if name in unit.declarations else "value"


def is_module(key: Key) -> bool:
    """Whether a definition is a component whose name modules are called after."""
    unit, name = key
    return name in unit.declarations and unit.declarations[name].kind.module


def spliced(text: str, start: int, end: int, edits: list[tuple[int, int, str]]) -> str:
    """A piece of a text with some of its places written anew."""
    pieces: list[str] = []
    at = start
    for first, last, new in sorted(edits):
        pieces += [text[at:first], new]
        at = last
    return "".join((*pieces, text[at:end]))


def documented(doc: str, text: str) -> str:
    """A definition under its documentation."""
    return "".join(f"## {line}".rstrip() + "\n" for line in doc.splitlines()) + text
