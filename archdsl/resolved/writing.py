"""The resolved form of a candidate: one file that stands alone, with imports of the libraries only and no choice left.

A space whose choices are made in its own body comes down to a model with settings: a model of the libraries is imported
and called with them, any other one is written out with them for its defaults, so that the file has one entry. What the
model is made of is written out as its author wrote it. Only components that choose inside, and those that use them, are
written anew from the graph."""

from functools import lru_cache
from importlib.metadata import version
from typing import cast

from archdsl.meaning.check import with_deep_stack
from archdsl.meaning.declared import Declared, Unit
from archdsl.meaning.genomes import Genome
from archdsl.meaning.memory import Memory
from archdsl.meaning.program import Program, Settings, elaborate, model_of
from archdsl.meaning.values import Component
from archdsl.resolved.expressions import expression
from archdsl.resolved.page import Page, documented, is_module, kind_of, of_the_language
from archdsl.resolved.reading import (
    MOST_KEPT,
    Key,
    bound,
    chooses,
    declared_in,
    defined,
    definition,
    library_of,
    reached,
    read,
)
from archdsl.resolved.unrolled import Unrolling
from archdsl.source import Source
from archdsl.syntax.format import format_text
from archdsl_compiler.graph import Module


def resolved_source(program: Program, name: str, settings: Settings | None = None, genome: Genome | None = None) -> str:
    """The text of a file whose entry `name` is this candidate: the same graph, whatever becomes of the files that it
    was made from."""

    def work() -> str:
        return _written(program, name, settings, genome)

    try:
        return work()
    except RecursionError:
        return with_deep_stack(work)


def _written(program: Program, name: str, settings: Settings | None, genome: Genome | None) -> str:
    model = model_of(program, name, settings, genome)
    key = _key(model)
    definitions = reached(list(declared_in(model)))
    is_root = not library_of(key[0]) and not _used_by_others(key, definitions)
    inputs = {tensor.name.text for tensor in cast(Declared, model.callee).tensors}
    clashing = _clashes(program.unit, definitions, key if is_root else None, {name, *inputs})
    choosing = _Choosing(clashing)
    page = Page(name, clashing)
    doc = _doc(program, name) or definition(key).doc
    if choosing.component(model):
        _unroll(program, page, choosing, model, name, settings, genome, doc)
    elif is_root:
        page.root = key
        page.defaults = {setting: expression(value, page.declared, str) for setting, value in model.settings}
        page.refer(key)
    else:
        text = expression(model, page.declared, str)
        item = page.new(name, "entry")
        called = text if text.endswith(")") else f"{text}()"
        item.text = documented(doc, f"let {item.mark} = {called}")
    return _file(program, page, name)


def _file(program: Program, page: Page, name: str) -> str:
    order = {unit: position for position, unit in enumerate(_in_order(program.unit))}
    origin = " ".join(program.unit.source.name.split())
    head = f"# Resolved by archdsl {version('archdsl')} from {origin}:{name}\n"
    return "\n".join((head, *map(_formatted, page.parts(lambda unit: order[unit]))))


@lru_cache(maxsize=MOST_KEPT)
def _formatted(part: str) -> str:
    """A part of the file in canonical form; the candidates of a space share most of theirs."""
    return format_text(Source("resolved.arch", part))


def _unroll(
    program: Program,
    page: Page,
    choosing: "_Choosing",
    model: Component,
    name: str,
    settings: Settings | None,
    genome: Genome | None,
    doc: str,
) -> None:
    """Write the model from its graph, which is made anew so that it is known what each module was made from."""
    fresh = Program(program.unit, program.limits, inferred=program.inferred)
    graph = elaborate(fresh, name, settings, genome)
    components = {id(graph): model}
    for made, memory in fresh.modules.items():
        if isinstance(made, tuple) and isinstance(memory, Memory):
            component = cast("tuple[object, ...]", made)[0]
            if isinstance(component, Component):
                components.update((id(module), component) for module in _kept(cast("Memory[object]", memory)))
    units = {unit.source.name: unit for unit in _in_order(program.unit)}
    Unrolling(page, components, choosing.component, units).entry(graph, name, doc)


def _kept(memory: Memory[object]) -> list[Module]:
    found: list[Module] = []
    waiting = [memory]
    while waiting:
        at = waiting.pop()
        if isinstance(at.found, Module):
            found.append(at.found)
        waiting += at.branches.values()
    return found


class _Choosing:
    """Which components cannot be written by name: those that choose inside, or use one whose name is taken."""

    def __init__(self, clashing: frozenset[Key]) -> None:
        self.clashing = clashing
        self.known: dict[Key, bool] = {}

    def component(self, component: Component) -> bool:
        return any([self._key(key) for key in declared_in(component)])

    def _key(self, key: Key) -> bool:
        if key not in self.known:
            self.known[key] = any(chooses(other) or other in self.clashing for other in reached([key]))
        return self.known[key]


def _key(component: Component) -> Key:
    declared = cast(Declared, component.callee)
    return declared.unit, declared.name


def _doc(program: Program, name: str) -> str:
    own = defined(program.unit, name)
    return "" if own is None else definition(own).doc


def _used_by_others(key: Key, definitions: list[Key]) -> bool:
    return any(
        defined(other[0], name.text) == key for other in definitions if not library_of(other[0]) for name in read(other)
    )


def _clashes(main: Unit, definitions: list[Key], entry: Key | None, names: set[str]) -> frozenset[Key]:
    """The components whose names others need: of two in different files, of the entry or an input of it, of an op, of
    something that a definition in another file binds. What is only imported or called can be given another name; of a
    component, the modules are called after it. A model inside of another one clashes too: a file has one entry."""
    own = [key for key in definitions if not library_of(key[0])]
    several = len({unit for unit, _ in own}) > 1
    hidden = {key: bound(key) for key in own} if several else {}
    language = {
        found.text for key in (own if several else ()) for found in read(key) if defined(key[0], found.text) is None
    }
    writes_ops = any(map(chooses, own))
    taken = set(names)
    clashing: set[Key] = set()
    for key in sorted(own, key=lambda key: (key[0] is not main, key[1])):
        unit, called = key
        if not is_module(key) or key == entry:
            continue
        if (
            called in taken
            or called in language
            or (writes_ops and of_the_language(called))
            or any(called in own_names for other, own_names in hidden.items() if other[0] is not unit)
            or kind_of(key) == "model"
        ):
            clashing.add(key)
        taken.add(called)
    return frozenset(clashing)


def _in_order(unit: Unit) -> list[Unit]:
    """A file and those that it imports, each behind what it imports itself."""
    found: dict[Unit, None] = {}

    def visit(at: Unit) -> None:
        if at in found:
            return
        for other, _ in at.imports.values():
            if other is not None:
                visit(other)
        found[at] = None

    visit(unit)
    return list(found)
