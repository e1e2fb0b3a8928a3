"""Whether the targets of a `quant` meet anything in the space that a search quantizes: paths and components of a few
candidates that together take every option."""

import random
import re
from collections.abc import Callable, Iterator
from functools import cache

from archdsl.diagnostics import codes
from archdsl.diagnostics.record import ArchError, Edit, Fix
from archdsl.diagnostics.suggest import closest
from archdsl.meaning.covering import Coverer
from archdsl.meaning.modules import finished
from archdsl.meaning.roots import run_entry
from archdsl.meaning.run import Fault, Session
from archdsl.meaning.values import Component, Decided, Value, show
from archdsl.source import Span
from archdsl_compiler.graph import Module, ModuleCall, join

CANDIDATES = 12


def check_targets(session: Session, space: Component | Decided, targets: list[tuple[Value, Span]], span: Span) -> None:
    """Warn of targets that match nothing in any of the candidates looked at."""
    coverer = Coverer(random.Random(0))
    kept: dict[object, object] = {}
    left = list(targets)
    paths: set[str] = set()
    for _ in range(CANDIDATES):
        trial = Session(
            session.limits, chooser=coverer, applied=session.applied, inferred=session.inferred, remembered=kept
        )
        for path, name in _places_of_candidate(trial, space, span):
            paths.add(path)
            left = [(value, at) for value, at in left if not matches(value, path, name)]
        if not left or not coverer.finish():
            break
    for value, at in left if paths else ():
        near = closest(value, paths) if isinstance(value, str) and "*" not in value else None
        notes = (f"a path with a similar name exists: `{near}`",) if near else ()
        fixes = (
            (Fix(f"write `{near}`", (Edit(at, show(near)),), safe=False),) if near and at.text == show(value) else ()
        )
        title = f"{describe_target(value)} matches nothing"
        session.add(codes.NO_MATCH.at(at, title, _nothing(value, space), notes=notes, fixes=fixes))


def _places_of_candidate(trial: Session, space: Component | Decided, span: Span) -> Iterator[tuple[str, str]]:
    try:
        root = run_entry(trial, space, span)
    except (ArchError, Fault):
        return
    for frame, component, inputs, result in root.models:
        yield from places(finished(frame, component, inputs, result))


def describe_target(value: Value) -> str:
    return f"the path {show(value)}" if isinstance(value, str) else f"`{show(value)}`"


def _nothing(value: Value, space: Component | Decided) -> str:
    name = space.name
    return f"no module of `{name}` has this path" if isinstance(value, str) else f"`{name}` has no `{show(value)}`"


def matches(value: Value, path: str, name: str) -> bool:
    """Whether a target means what sits at a path and is called so."""
    return matcher(value)(path) is not None if isinstance(value, str) else getattr(value, "name", "") == name


def places(module: Module, path: str = "") -> Iterator[tuple[str, str]]:
    """Everything that sits in a module, as path and name of its component or op."""
    yield path, module.name
    for call in module.calls:
        if isinstance(call, ModuleCall):
            yield from places(call.module, join(path, call.label))
        else:
            yield join(path, call.label), call.op.name


@cache
def matcher(pattern: str) -> Callable[[str], re.Match[str] | None]:
    """The test of a path against a pattern: `*` is one step, `**` any number of them."""
    steps = pattern.split(".")
    text = ""
    for position, step in enumerate(steps):
        last = position == len(steps) - 1
        if step == "**":
            text += r".*" if last else r"(?:[^.]+\.)*"
        else:
            text += re.escape(step).replace(r"\*", r"[^.]*" if step != "*" else r"[^.]+") + ("" if last else r"\.")
    return re.compile(text.replace(r"\..*", r"(?:\..*)?")).fullmatch
