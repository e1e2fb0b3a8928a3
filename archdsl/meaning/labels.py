"""Where things sit in the module that is being built: labels, the names of what has none, and the paths of choices."""

import re
from collections.abc import Iterator

from archdsl.diagnostics import codes
from archdsl.diagnostics.record import Label
from archdsl.meaning.conditions import NEVER
from archdsl.meaning.declared import Declared
from archdsl.meaning.run import Fault, Frame
from archdsl.source import Span
from archdsl.syntax import nodes
from archdsl.syntax.descent import below


def claim(frame: Frame, label: str, span: Span) -> None:
    """Take a place in the body for the candidates at hand; two things under one label are a fault."""
    if frame.body.again:
        return
    universe, now = frame.world.universe, frame.effective()
    taken = frame.body.labels.get(label)
    if taken is None:
        frame.body.labels[label] = (now, span)
        return
    condition, first = taken
    if universe.both(condition, now) != NEVER:
        raise Fault(
            codes.LABEL_TAKEN.at(
                span,
                f"two things are labelled `{label}`",
                "the second one",
                others=(Label(first, "the first one"),) if first != span else (),
                notes=(_with_variables(frame, span),) if first == span else (),
            )
        )
    frame.body.labels[label] = (universe.either(condition, now), first)


def _with_variables(frame: Frame, span: Span) -> str:
    """The note for a label that is the same each time round: what the user wrote, with the variables that it lacks."""
    written = WRITTEN.match(span.source.text, span.end)
    declared = frame.component.callee if frame.component is not None else None
    if written is None or not isinstance(declared, Declared) or declared.body is None:
        return "in a loop, a label needs the loop's variable: `as blocks[i]`"
    label = written[1]
    variables = [name for name in _loop_variables(declared.body, span) if name not in WORD.findall(label)]
    return f"in a loop, a label needs the loop's variable: `as {label}{''.join(f'[{name}]' for name in variables)}`"


WRITTEN = re.compile(r"\s*as\s+([A-Za-z_][\w.\[\]]*)")
WORD = re.compile(r"\w+")


def _loop_variables(body: nodes.Body, span: Span) -> Iterator[str]:
    """The first variable of each loop around a place, from the outside in."""
    for part in below(body):
        if part.span.source != span.source or not (part.span.start <= span.start and span.end <= part.span.end):
            continue
        for loop in (part,) if isinstance(part, nodes.For) else part.clauses if isinstance(part, nodes.Listing) else ():
            yield loop.targets[0].text if loop.targets[0].text != "_" else "i"


def place(frame: Frame, label: str | None, name: str, span: Span) -> str:
    """The label, claimed; without one, the name of the component or op, numbered where it is taken."""
    if label == "_" or frame.body.again:
        return label or name
    if label is not None:
        claim(frame, label, span)
        return label
    universe, now = frame.world.universe, frame.effective()
    candidate, number = name, 0
    while candidate in frame.body.labels and universe.both(frame.body.labels[candidate][0], now) != NEVER:
        number += 1
        candidate = f"{name}_{number}"
    if number and frame.body.in_model:
        lint = codes.UNLABELLED.at(
            span,
            f"this `{name}` is the module `{candidate}` of the model",
            "give it a place: `as name`",
            notes=("numbers shift when a module is added before it, and with them the names of a checkpoint",),
        )
        frame.report(lint)
    claim(frame, candidate, span)
    return candidate
