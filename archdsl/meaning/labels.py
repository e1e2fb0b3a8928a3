"""Where things sit in the module that is being built: labels, the names of what has none, and the paths of choices."""

from archdsl.diagnostics import codes
from archdsl.diagnostics.record import Label
from archdsl.meaning.conditions import NEVER
from archdsl.meaning.run import Fault, Frame
from archdsl.source import Span


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
                notes=("in a loop, a label needs the loop's variable: `as blocks[i]`",) if first == span else (),
            )
        )
    frame.body.labels[label] = (universe.either(condition, now), first)


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
