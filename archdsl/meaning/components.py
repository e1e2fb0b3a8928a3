"""Applying declared components, whichever way: summed up or followed while checking, as modules of a graph while
elaborating."""

from collections.abc import Mapping
from typing import cast

from archdsl.diagnostics import codes
from archdsl.diagnostics.record import Label
from archdsl.meaning.bodies import check_depth
from archdsl.meaning.declared import Declared
from archdsl.meaning.labels import place
from archdsl.meaning.modules import apply_module
from archdsl.meaning.run import Fault, Frame, TooManyCases
from archdsl.meaning.summaries import apply_summary, followed
from archdsl.meaning.values import Component, Value, has_variant
from archdsl.meaning.variants import each, merged, spread
from archdsl.source import Span

DEFINITE_CASES = 64
"""Up to so many combinations of settings and inputs a call is summed up for each; beyond, it is followed in its
caller's world."""


def apply_declared(
    frame: Frame,
    component: Component,
    inputs: tuple[Value, ...],
    span: Span,
    spans: Mapping[str, Span],
    label: str | None,
) -> Value:
    """The result of a declared component on its tensors."""
    declared = cast(Declared, component.callee)
    session = frame.session
    session.step(span)
    check_depth(frame, component, span)
    _check_tensor_count(declared, inputs, span)
    session.applied.add(id(declared))
    if label == "_" and declared.body is None:
        title = f"`{declared.name}` is Python's, and its parts cannot become those of its caller"
        raise Fault(codes.EXTERN_NOT_RUN.at(span, title, f"give it a place: `as {declared.name}`"))
    if not session.checking:
        return apply_module(frame, component, inputs, span, spans, label)
    if not has_variant(component) and not any(map(has_variant, inputs)):
        return apply_summary(frame, component, inputs, span, spans, label)
    try:
        cases = spread(frame, (component, *inputs), True, DEFINITE_CASES)
    except TooManyCases:
        where = place(frame, label, component.name, span)
        return followed(frame, component, inputs, span, spans, where)

    def definite(chosen: Value, *given: Value) -> Value:
        return apply_summary(frame, cast(Component, chosen), given, span, spans, label)

    return merged(frame, list(each(frame, definite, cases)))


def _check_tensor_count(declared: Declared, inputs: tuple[Value, ...], span: Span) -> None:
    needed = [t for t in declared.tensors if t.default is None and not (t.form and t.form.optional)]
    if len(inputs) < len(needed):
        missing = needed[len(inputs)]
        raise Fault(
            codes.MISSING_TENSOR.at(
                span,
                f"`{declared.name}` needs its tensor `{missing.name.text}`",
                f"{len(inputs)} of {len(needed)} tensors {'is' if len(inputs) == 1 else 'are'} given",
                others=(Label(missing.span, "declared here"),),
            )
        )
