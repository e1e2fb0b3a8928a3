"""Whether the targets of a `quant` meet anything in the space that a search quantizes: paths and components of a few candidates that
together take every option."""

import random
import re
from collections.abc import Iterator

from archdsl.diagnostics import codes
from archdsl.diagnostics.record import ArchError
from archdsl.meaning.covering import Coverer
from archdsl.meaning.modules import finished
from archdsl.meaning.roots import run_entry
from archdsl.meaning.run import Fault, Session
from archdsl.meaning.values import Component, Decided, Value, tensors_of
from archdsl.source import Span
from archdsl_compiler.graph import Module, ModuleCall, join

CANDIDATES = 12


def check_targets(session: Session, space: Component | Decided, targets: list[tuple[Value, Span]], span: Span) -> None:
    """Warn of targets that match nothing in any of the candidates looked at."""
    coverer = Coverer(random.Random(0))
    paths: set[str] = set()
    names: set[str] = set()
    for _ in range(CANDIDATES):
        trial = Session(session.limits, chooser=coverer, applied=session.applied)
        try:
            root = run_entry(trial, space, span)
        except (ArchError, Fault):
            coverer.finish()
            continue
        for frame, component, inputs, result in root.models:
            types = tuple(t.type for value in inputs for t in tensors_of(value))
            for path, name in places(finished(frame, component, inputs, types, result)):
                paths.add(path)
                names.add(name)
        if not coverer.finish():
            break
    if not paths:
        return
    for value, at in targets:
        met = any(map(matcher(value), paths)) if isinstance(value, str) else getattr(value, "name", "") in names
        if not met:
            session.add(
                codes.NO_MATCH.at(
                    at, "this target matches nothing", "no module of the space is called so or is one", notes=()
                )
            )


def places(module: Module, path: str = "") -> Iterator[tuple[str, str]]:
    """Everything that sits in a module, as path and name of its component or op."""
    yield path, module.name
    for call in module.calls:
        if isinstance(call, ModuleCall):
            yield from places(call.module, join(path, call.label))
        else:
            yield join(path, call.label), call.op.name


def matcher(pattern: str):
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
