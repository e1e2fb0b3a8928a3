"""Labels: on a call that meets its tensor there a label names the module, on a component that still waits it places
it."""

from collections.abc import Callable
from typing import cast

from archdsl.diagnostics import codes
from archdsl.meaning.calls import call
from archdsl.meaning.dispatch import evaluate, evaluates
from archdsl.meaning.run import Fault, Frame
from archdsl.meaning.types import describe
from archdsl.meaning.values import UNKNOWN, Component, Composed, Placed, Unknown, Value, Variant, Wrapped
from archdsl.meaning.variants import lift
from archdsl.source import Span
from archdsl.syntax import nodes


@evaluates(nodes.Labelled)
def labelled(node: nodes.Labelled, frame: Frame) -> Value:
    """A label on a call that meets its tensor there names the module; on a component that still waits, it places it. On
    a choice it names the decision, and as a step of a pipe the module too."""
    return with_label(frame, node.label, lambda text: _labelled(node, frame, text))


def _labelled(node: nodes.Labelled, frame: Frame, text: str) -> Value:
    operand = node.operand
    if isinstance(operand, nodes.Choose):
        return under(frame, text, lambda: evaluate(operand, frame))
    if isinstance(operand, nodes.Call):
        value = under(frame, text, lambda: call(operand, frame, None, text))
    else:
        value = under(frame, text, lambda: evaluate(operand, frame))
    return placed(frame, value, text, node.span)


def under(frame: Frame, text: str, work: Callable[[], Value]) -> Value:
    """Evaluate what stands under a label: choices in it are called after the label."""
    base, frame.naming = frame.naming, text
    try:
        return work()
    finally:
        frame.naming = base


def placed(frame: Frame, value: Value, text: str, span: Span) -> Value:
    """The component with its place; other values are as they are, their label was used when they were made."""
    if isinstance(value, Variant):
        return Variant(tuple((condition, placed(frame, inner, text, span)) for condition, inner in value.cases))
    if isinstance(value, Placed):
        return Placed(value.inner, text, object(), frame.body, span)
    if isinstance(value, Component | Composed | Wrapped):
        return Placed(value, text, object(), frame.body, span)
    return value


def with_label(frame: Frame, label: nodes.Label, function: Callable[[str], Value]) -> Value:
    """Something under a label, which may itself depend on choices."""
    text = label_text(frame, label)
    return lift(frame, lambda chosen: UNKNOWN if isinstance(chosen, Unknown) else function(cast(str, chosen)), text)


def label_text(frame: Frame, label: nodes.Label) -> Value:
    """A label as it stands in the state dict: parts and numbers joined by dots."""
    if len(label.steps) == 1 and isinstance(label.steps[0], str) and not label.quoted:
        return label.steps[0]
    steps = [step if isinstance(step, str) else evaluate(step, frame) for step in label.steps]

    def text(*values: Value) -> Value:
        parts: list[str] = []
        for value, step in zip(values, label.steps, strict=True):
            if isinstance(value, Unknown):
                return UNKNOWN
            if isinstance(value, bool) or not isinstance(value, int | str) or (isinstance(value, int) and value < 0):
                at = step.span if not isinstance(step, str) else label.span
                raise Fault(
                    codes.BAD_LABEL.at(at, f"a label cannot hold {describe(value)}", "needs a number or a string")
                )
            parts.append(str(value))
        joined = ("" if label.quoted else ".").join(parts)
        if not all(part.replace("_", "a").isalnum() for part in joined.split(".")):
            raise Fault(
                codes.BAD_LABEL.at(label.span, f"`{joined}` is no label", "a label is names and numbers joined by dots")
            )
        return joined

    return lift(frame, text, *steps)
