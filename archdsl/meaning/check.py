"""Checking files: reading, names, and then the meaning of every declaration, used or not."""

import sys
import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar, cast

from archdsl.diagnostics import codes
from archdsl.diagnostics.record import Diagnostic
from archdsl.diagnostics.text import presentable
from archdsl.meaning import evaluators as evaluators
from archdsl.meaning.conditions import TooManyConditions, Universe
from archdsl.meaning.covering import cover
from archdsl.meaning.declared import Declared, Unit
from archdsl.meaning.fields import check_fields
from archdsl.meaning.limits import DEFAULT_LIMITS, Limits
from archdsl.meaning.loading import Library, NoText, UnreadableFile, load_text, load_unit
from archdsl.meaning.names import NameCheck
from archdsl.meaning.open_components import check_open
from archdsl.meaning.roots import run_entry
from archdsl.meaning.run import Body, Fault, Frame, Session, TooManyCases
from archdsl.meaning.scope import top_level
from archdsl.meaning.structure import check_structure
from archdsl.meaning.values import Component, Decided, space_of
from archdsl.meaning.verdicts import decided_at, empty, judge
from archdsl.meaning.worlds import World
from archdsl.source import Source, Span
from archdsl.syntax import nodes

_T = TypeVar("_T")


@dataclass(frozen=True, slots=True)
class Checked:
    """What was found, and how: `covered` names the spaces that were too large to be followed whole, `sampled`
    those with a continuous range, which is looked at in a few places."""

    diagnostics: tuple[Diagnostic, ...]
    library: Library
    units: tuple[Unit, ...]
    covered: tuple[str, ...] = ()
    sampled: tuple[str, ...] = ()

    @property
    def errors(self) -> int:
        return sum(d.severity == "error" for d in self.diagnostics)


def check(path: str | Path, *, limits: Limits = DEFAULT_LIMITS) -> tuple[Diagnostic, ...]:
    """Everything that is wrong in a file and in the files beside it that it imports."""
    return presentable(check_paths([Path(path)], limits).diagnostics)


def check_paths(paths: Sequence[Path], limits: Limits = DEFAULT_LIMITS) -> Checked:
    """Check files, together with the files beside them that they import. A file that cannot be read is one of the
    faults."""

    def work() -> Checked:
        library = Library(limits)
        units: list[Unit] = []
        for path in paths:
            try:
                units.append(load_unit(library, path, str(path)))
            except NoText as error:
                span = Span(Source(str(path), error.text), error.offset, error.offset + 1)
                library.found.append(
                    codes.UNREADABLE.at(span, str(error), "not UTF-8", notes=("save the file as UTF-8",))
                )
            except UnreadableFile as error:
                library.found.append(unreadable(str(path), str(error)))
        return check_units(library, units)

    return with_deep_stack(work)


def check_source(source: Source, limits: Limits = DEFAULT_LIMITS, folder: Path | None = None) -> Checked:
    """Check a text that stands in no file."""

    def work() -> Checked:
        library = Library(limits)
        return check_units(library, [load_text(library, source, folder or Path.cwd())])

    return with_deep_stack(work)


def unreadable(name: str, why: str) -> Diagnostic:
    return codes.UNREADABLE_FILE.at(Span(Source(name, ""), 0, 0), f"`{name}` cannot be read: {why}")


def with_deep_stack(work: Callable[[], _T]) -> _T:
    """Run on a thread whose stack holds as deep a nesting as the limits allow."""
    result: list[_T] = []
    failure: list[BaseException] = []

    def run() -> None:
        try:
            result.append(work())
        except BaseException as error:  # handed to the caller's thread
            failure.append(error)

    before, depth = threading.stack_size(512 * 1024 * 1024), sys.getrecursionlimit()
    sys.setrecursionlimit(max(depth, 100_000))
    try:
        thread = threading.Thread(target=run, daemon=True)
        thread.start()
        thread.join()
    finally:
        threading.stack_size(before)
        sys.setrecursionlimit(depth)
    if failure:
        raise failure[0]
    return result[0]


def check_units(library: Library, units: list[Unit]) -> Checked:
    """Check units that were read, and those that they import from beside them."""
    session = Session(library.limits, checking=True)
    for diagnostic in library.found:
        session.add(diagnostic)
    todo = list(dict.fromkeys([*units, *(unit for unit in library.units.values() if not unit.packaged)]))
    for unit in todo:
        _static(session, unit)
    for unit in todo:
        _check_unit(session, unit)
    for unit in todo:
        for declared in unit.declarations.values():
            if (
                id(declared) not in session.applied
                and not declared.kind.entry
                and not declared.kind.fields
                and declared.body
            ):
                _guarded(session, declared.node.name.span, lambda d=declared: check_open(session, d))
    return Checked(session.found, library, tuple(units), tuple(session.covered), tuple(session.sampled))


def _static(session: Session, unit: Unit) -> None:
    """Names and forms. A fault of a declaration that also evaluation would meet is told once."""
    found: list[Diagnostic] = []
    for item in unit.tree.items:
        if isinstance(item, nodes.Declaration | nodes.Extern):
            found += check_structure(item)
    found += NameCheck(unit).run()
    for diagnostic in found:
        session.add(diagnostic)


def _check_unit(session: Session, unit: Unit) -> None:
    """Evaluate what the file declares: its lets, models and spaces for all their candidates, its bodies of fields."""
    frame = Frame(session, World(Universe(session.limits.conditions)), unit, Body(""))
    for name, let in unit.lets.items():
        value = _guarded(session, let.span, lambda n=name: top_level(frame, unit, n))
        entry = value[0] if value else None
        if isinstance(entry, Component | Decided) and _is_entry(entry) and _is_complete(entry):
            session.decided_at = decided_at(let.value)
            _check_entry(session, entry, let.value.span, name)
    for declared in unit.declarations.values():
        component = Component(declared)
        if declared.body is None:
            continue
        if declared.kind.entry and _is_complete(component):
            _check_entry(session, component, declared.node.name.span, declared.name)
        elif declared.kind.fields and _is_complete(component):
            _guarded(session, declared.node.name.span, lambda c=component: check_fields(session, c))


def _is_entry(value: Component | Decided) -> bool:
    component = space_of(value)
    return isinstance(component.callee, Declared) and component.callee.kind.entry


def _is_complete(value: Component | Decided) -> bool:
    """Whether every setting has a value; otherwise a caller will give it."""
    component = space_of(value)
    given = dict(component.settings)
    callee = cast(Declared, component.callee)
    return all(name in given or node.default is not None for name, node in callee.settings.items())


def _guarded(session: Session, span: Span, work: Callable[[], _T]) -> _T | None:
    """Run a part of the check; a fault that no statement caught is reported there."""
    session.begin()
    try:
        return work()
    except Fault as fault:
        session.add(fault.diagnostic)
    except (TooManyCases, TooManyConditions, OverflowError):
        pass
    except RecursionError:
        session.add(
            codes.RECURSION.at(
                span,
                "this is nested too deeply to be evaluated",
                "too deep",
                notes=("split it into several components",),
            )
        )
    return None


def _check_entry(session: Session, entry: Component | Decided, span: Span, name: str) -> None:
    """Check a model or space for all candidates; where they are too many to be followed, a covering set of them."""
    session.begin()
    session.relaxed = False
    before = set(session.findings)
    sampled = session.samples
    try:
        judge(session, run_entry(session, entry, span), entry, span, name)
        followed = True
    except (TooManyCases, TooManyConditions, RecursionError):
        followed = False
    if session.samples > sampled:
        session.sampled.append(name)
    if followed and not session.relaxed:
        return
    errors = [key for key, f in session.findings.items() if key not in before and f.diagnostic.severity == "error"]
    proven = followed and not errors
    if not proven:
        for key in errors if session.relaxed else ():
            del session.findings[key]  # perhaps of candidates that the requirement left open rejects
        session.remembered.clear()
        session.covered.append(name)
    known = len(session.findings)
    told = len(errors) > 0 and not session.relaxed
    if not cover(session, entry, span, until_valid=proven) and len(session.findings) == known and not told:
        session.add(empty(span, name, None))
