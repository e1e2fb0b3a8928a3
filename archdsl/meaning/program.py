"""A loaded program: what its declarations are, and their graphs for given settings and decisions."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TypeAlias, TypeVar, cast

from archdsl.diagnostics import codes
from archdsl.diagnostics.record import ArchError, UsageError
from archdsl.diagnostics.suggest import closest
from archdsl.meaning.binding import Arguments, Given, extended, setting_names
from archdsl.meaning.check import check_units, with_deep_stack
from archdsl.meaning.conditions import Universe
from archdsl.meaning.declared import Declared, Unit
from archdsl.meaning.genomes import Genome, chooser_of, value_of
from archdsl.meaning.limits import DEFAULT_LIMITS, Limits
from archdsl.meaning.loading import Library, UnreadableFile, load_unit
from archdsl.meaning.modules import finished, types_in
from archdsl.meaning.roots import run_entry
from archdsl.meaning.run import Body, Fault, Frame, Session
from archdsl.meaning.scope import top_level
from archdsl.meaning.values import Component, Decided, Value, show
from archdsl.meaning.worlds import World
from archdsl.resources import resource
from archdsl.source import Source, Span
from archdsl.syntax import nodes
from archdsl_compiler.graph import Module
from archdsl_compiler.ops.contract import Inferred
from archdsl_compiler.types import TensorType

Settings: TypeAlias = Mapping[str, object]
"""Values as Python writes them: numbers, strings, booleans, None, and lists of these; or a `Given`, a value of the
language with the place where it is written."""


@dataclass(frozen=True, slots=True)
class SettingInfo:
    """A setting as its declaration writes it; empty texts where nothing is written."""

    name: str
    type: str
    domain: str
    default: str
    doc: str


@dataclass(frozen=True, slots=True)
class DeclarationInfo:
    """A declaration, or a `let` of the file (kind "let")."""

    name: str
    kind: str
    doc: str
    settings: tuple[SettingInfo, ...]
    tensors: tuple[str, ...]
    result: tuple[str, ...]
    line: int


@dataclass(frozen=True, slots=True)
class Costs:
    """What a model costs for one picture, and the types of its results."""

    params: int
    macs: int
    outputs: tuple[TensorType, ...]


@dataclass(slots=True)
class Program:
    """A file with its imports, free of errors. It remembers the modules that it made, so that further candidates are
    cheap. `files` are the real paths of all that was read."""

    unit: Unit
    limits: Limits
    files: tuple[str, ...] = field(default=(), repr=False)
    modules: dict[object, object] = field(default_factory=dict[object, object], repr=False)
    inferred: dict[tuple[object, ...], object] = field(default_factory=dict[tuple[object, ...], object], repr=False)

    @property
    def declarations(self) -> dict[str, DeclarationInfo]:
        """The file's own declarations and lets, by name, in the order of the text."""
        found: dict[str, DeclarationInfo] = {}
        for item in self.unit.tree.items:
            match item:
                case nodes.Declaration() | nodes.Extern():
                    found[item.name.text] = _declaration(item)
                case nodes.Let():
                    line = item.span.source.position(item.span.start)[0]
                    found.update(
                        (t.text, DeclarationInfo(t.text, "let", item.doc, (), (), (), line)) for t in item.targets
                    )
                case _:
                    pass
        return found


def _declaration(item: nodes.Declaration | nodes.Extern) -> DeclarationInfo:
    settings = tuple(
        SettingInfo(s.name.text, _text(s.type), _text(s.domain), _text(s.default), s.doc) for s in item.settings or ()
    )
    tensors = tuple(t.span.text for t in item.tensors or ())
    result = tuple(shape.span.text for shape in item.result or ())
    line = item.span.source.position(item.span.start)[0]
    return DeclarationInfo(item.name.text, item.kind.text, item.doc, settings, tensors, result, line)


def _text(node: nodes.Node | None) -> str:
    return "" if node is None else node.span.text


def load(path: str | Path, *, limits: Limits = DEFAULT_LIMITS) -> Program:
    """Read and check a file; raises ArchError with everything that is wrong in it."""

    def work() -> Program:
        library = Library(limits)
        try:
            unit = load_unit(library, Path(path), str(path))
        except UnreadableFile as error:
            raise ArchError(
                (codes.UNREADABLE_FILE.at(Span(Source(str(path), ""), 0, 0), f"`{path}` cannot be read: {error}"),)
            ) from None
        errors = tuple(d for d in check_units(library, [unit]).diagnostics if d.severity == "error")
        if errors:
            raise ArchError(errors)
        for other in library.units.values():
            other.values.clear()
        return Program(unit, limits, tuple(library.units))

    return with_deep_stack(work)


def load_packaged(module: str, *, limits: Limits = DEFAULT_LIMITS) -> Program:
    """Read a shipped file by its dotted name, `zoo.swin`. It was checked when it was released, and is not again."""

    def work() -> Program:
        library = Library(limits)
        path = resource(module.replace(".", "/") + ".arch")
        unit = load_unit(library, path, module.replace(".", "/") + ".arch", module)
        errors = tuple(d for d in library.found if d.severity == "error")
        if errors:
            raise ArchError(errors)
        return Program(unit, limits, tuple(library.units))

    try:
        return work()
    except RecursionError:
        return with_deep_stack(work)


def value_of_name(program: Program, name: str, session: Session | None = None) -> tuple[Value] | None:
    """What a name means at the top level of the program's file, in a tuple because `none` is a value too."""
    frame = Frame(session or Session(program.limits), World(Universe()), program.unit, Body(""))
    try:
        return top_level(frame, program.unit, name)
    except Fault as fault:
        raise ArchError((fault.diagnostic,)) from None


def elaborate(program: Program, name: str, settings: Settings | None = None, genome: Genome | None = None) -> Module:
    """The graph of a model, or of a space with its decisions taken. Equal candidates give one object."""
    return _run(program, name, settings, genome, False, _module)


def costs(program: Program, name: str, settings: Settings | None = None, genome: Genome | None = None) -> Costs:
    """Params, multiply-accumulates and result types, without the graph of the whole."""
    return _run(program, name, settings, genome, True, _costs)


def model_of(program: Program, name: str, settings: Settings | None = None, genome: Genome | None = None) -> Component:
    """The model that a candidate is, with its settings."""
    return _run(program, name, settings, genome, True, lambda _program, _frame, component, _inputs, _result: component)


def _module(program: Program, frame: Frame, component: Component, inputs: tuple[Value, ...], result: Value) -> Module:
    settings = tuple(frame.names.get(name) for name in setting_names(component.callee))
    key = ("root", id(component.callee), settings, types_in(inputs), tuple(frame.body.decisions))
    found = program.modules.get(key)
    if found is None:
        found = program.modules[key] = finished(frame, component, inputs, result)
    return cast(Module, found)


def _costs(program: Program, frame: Frame, component: Component, inputs: tuple[Value, ...], result: Value) -> Costs:
    return Costs(frame.body.parameters, frame.body.macs, types_in((result,)))


_T = TypeVar("_T")


def _run(
    program: Program,
    name: str,
    settings: Settings | None,
    genome: Genome | None,
    counting: bool,
    finish: Callable[[Program, Frame, Component, tuple[Value, ...], Value], _T],
) -> _T:
    """Run an entry for one candidate; on a deeper stack where the usual one is too small."""

    def work() -> _T:
        session = Session(program.limits, counting=counting)
        session.remembered = program.modules
        session.inferred = cast("dict[tuple[object, ...], Inferred]", program.inferred)
        entry = entry_of(program, session, name, settings or {})
        chooser = chooser_of(name, genome, entry.decisions if isinstance(entry, Decided) else ())
        session.chooser = chooser
        try:
            root = run_entry(session, entry, Span(program.unit.source, 0, 0))
        except Fault as fault:
            raise ArchError((fault.diagnostic,)) from None
        if not root.models:
            raise UsageError(f"`{name}` gives no model")
        chooser.check_used(name)
        return finish(program, *root.models[-1])

    try:
        return work()
    except RecursionError:
        return with_deep_stack(work)


def entry_of(program: Program, session: Session, name: str, settings: Settings) -> Component | Decided:
    """The model or space that a name of the program means, with settings given to it."""
    found = value_of_name(program, name, session)
    if found is None:
        near = closest(name, program.unit.names())
        hint = f"; a similar name is `{near}`" if near else f"; it has {', '.join(program.unit.names())}"
        raise UsageError(f"`{program.unit.source.name}` has no `{name}`{hint}")
    value = found[0]
    inner = value.space if isinstance(value, Decided) else value
    if not isinstance(inner, Component) or not isinstance(inner.callee, Declared) or not inner.callee.kind.entry:
        raise UsageError(f"`{name}` is neither a model nor a space")
    chosen = with_settings(program, session, inner, settings)
    return Decided(chosen, value.decisions) if isinstance(value, Decided) else chosen


def with_settings(program: Program, session: Session, component: Component, settings: Settings) -> Component:
    """A component with settings given to it; raises ArchError with what is wrong with them."""
    if not settings:
        return component
    frame = Frame(session, World(Universe()), program.unit, Body(""))
    given = Arguments(named=_given(settings))
    try:
        return extended(frame, component, given, next(iter(given.named.values())).span)
    except Fault as fault:
        raise ArchError((fault.diagnostic,)) from None


def _given(settings: Settings) -> dict[str, Given]:
    """Settings as arguments: those of Python stand in a text of their own, those written elsewhere have their place."""
    values = {
        str(key): value_of(f"the setting `{key}`", value)
        for key, value in settings.items()
        if not isinstance(value, Given)
    }
    text = ", ".join(f"{key}={show(value)}" for key, value in values.items())
    span = Span(Source("<settings>", text), 0, len(text))
    return {
        str(key): value if isinstance(value, Given) else Given(values[str(key)], span, span)
        for key, value in settings.items()
    }
