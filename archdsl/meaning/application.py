"""Applying things to tensors: ops, and everything that is made of them."""

from collections.abc import Mapping
from typing import TypeAlias, cast

from archdsl.diagnostics import codes
from archdsl.diagnostics.record import Label
from archdsl.meaning.conditions import ALWAYS
from archdsl.meaning.op_calls import apply_op
from archdsl.meaning.run import Fault, Frame
from archdsl.meaning.types import describe
from archdsl.meaning.values import (
    UNKNOWN,
    Component,
    Composed,
    Placed,
    Step,
    Tensor,
    Unknown,
    Value,
    Variant,
    Wrapped,
    show,
)
from archdsl.meaning.variants import lift
from archdsl.source import Span
from archdsl_compiler.graph import Wrapper
from archdsl_compiler.ops.contract import Op, Parameter


def is_tensor_like(value: Value) -> bool:
    """A tensor or a list of tensors, for every candidate that has one: what makes a call an application."""
    if type(value) is Tensor:
        return True
    if isinstance(value, tuple):
        return bool(value) and all(is_tensor_like(item) or isinstance(item, Unknown) for item in value)
    return isinstance(value, Variant) and any(is_tensor_like(inner) for _, inner in value.cases)


# ---- what is made of ops


def apply(
    frame: Frame,
    component: Value,
    inputs: tuple[Value, ...],
    span: Span,
    spans: Mapping[str, Span],
    label: str | None = None,
) -> Value:
    """The result of any component on its tensors. `spans` say where its tensors and settings were written."""
    match component:
        case Component():
            if isinstance(component.callee, Op):
                settings = dict(component.settings)
                where = {**component.spans, **spans}
                check_tensors(component.callee, inputs, span)
                inputs = _as_lists(component.callee, inputs)
                return apply_op(frame, component.callee, inputs, settings, span, where, label)
            from archdsl.meaning.components import apply_declared

            return apply_declared(frame, component, inputs, span, spans, label)
        case None:
            return inputs[0]
        case Unknown():
            return UNKNOWN
        case Composed():
            return _apply_chain(frame, component, inputs, span, label)
        case Wrapped():
            return _apply_wrapped(frame, component, inputs, span, spans, label)
        case Placed():
            return _apply_placed(frame, component, inputs, span, spans, label)
        case Variant():
            return lift(frame, lambda chosen: apply(frame, chosen, inputs, span, spans, label), component)
        case _:
            raise Fault(
                codes.NOT_CALLABLE.at(span, f"{describe(component)} cannot be applied to a tensor", "not a component")
            )


def _as_lists(op: Op, inputs: tuple[Value, ...]) -> tuple[Value, ...]:
    """A single tensor where an op takes a list is a list of one."""
    if not any(slot.many for slot in op.tensors):
        return inputs
    slots = zip(op.tensors, inputs, strict=False)
    return tuple((value,) if slot.many and isinstance(value, Tensor) else value for slot, value in slots)


def check_tensors(op: Op, inputs: tuple[Value, ...], span: Span) -> None:
    """Whether an op gets the tensors that it needs."""
    needed = [slot for slot in op.tensors if not slot.optional]
    if len(inputs) < len(needed):
        missing = needed[len(inputs)].name
        raise Fault(
            codes.MISSING_TENSOR.at(
                span,
                f"`{op.name}` needs its tensor `{missing}`",
                f"{len(inputs)} of {len(needed)} tensors {'is' if len(inputs) == 1 else 'are'} given",
                notes=(f"`{op.name}` takes {op.shapes}",),
            )
        )
    if len(inputs) > len(op.tensors):
        takes = f"{len(op.tensors)} tensors" if op.tensors else "no tensor"
        raise Fault(codes.TOO_MANY_ARGUMENTS.at(span, f"`{op.name}` takes {takes}", "one too many is given"))
    for slot, value in zip(op.tensors, inputs, strict=False):
        if isinstance(value, Unknown | Variant):
            continue
        if (
            slot.many != isinstance(value, tuple)
            and value is not None
            and not (slot.many and isinstance(value, Tensor))
        ):
            wanted = "a list of tensors" if slot.many else "one tensor"
            raise Fault(
                codes.WRONG_TYPE.at(
                    span, f"`{slot.name}` of `{op.name}` must be {wanted}, not {describe(value)}", f"needs {wanted}"
                )
            )


def _apply_chain(frame: Frame, chain: Composed, inputs: tuple[Value, ...], span: Span, label: str | None) -> Value:
    value: Value = inputs[0]
    frame.session.step(span, len(chain.steps))
    for position, step in enumerate(chain.steps):
        value = apply(
            frame,
            step.component,
            (value, *inputs[1:]) if position == 0 else (value,),
            span,
            {},
            step_label(step, position, label),
        )
    return value


def step_label(step: Step, position: int, label: str | None) -> str | None:
    """A labelled chain numbers its steps, unless they carry labels; without a label its parts are the caller's."""
    if label is None or label == "_":
        return step.label
    return f"{label}.{step.label if step.label is not None else position}"


def _apply_wrapped(
    frame: Frame, wrapped: Wrapped, inputs: tuple[Value, ...], span: Span, spans: Mapping[str, Span], label: str | None
) -> Value:
    before: tuple[Wrapper, ...] = frame.body.wrappers
    frame.body.wrappers = (*before, wrapped.wrapper)
    try:
        result = apply(frame, wrapped.inner, inputs, span, spans, label)
    finally:
        frame.body.wrappers = before
    if wrapped.wrapper == "in_training":
        _check_unchanged(frame, wrapped, inputs[0], result, span)
    return result


def _check_unchanged(frame: Frame, wrapped: Wrapped, before: Value, after: Value, span: Span) -> None:
    """What runs in training alone must give what it took, or the rest would fit only one of the two modes."""

    def check(a: Value, b: Value) -> Value:
        if isinstance(a, Tensor) and isinstance(b, Tensor) and a.type.shape != b.type.shape:
            raise Fault(
                codes.MISMATCH.at(
                    span, f"`in_training({wrapped.name})` turns {a.type} into {b.type}", "the shape must stay as it is"
                )
            )
        return None

    lift(frame, check, before, after)


def _apply_placed(
    frame: Frame, placed: Placed, inputs: tuple[Value, ...], span: Span, spans: Mapping[str, Span], label: str | None
) -> Value:
    """The first application makes the module; a later one runs it again, if its tensors fit the parameters."""
    body = frame.body
    if placed.body is not body:
        raise Fault(
            codes.PLACED_ELSEWHERE.at(
                span,
                f"`{placed.name}` was placed in another body",
                "applied here",
                others=(Label(placed.span, f"placed here as `{placed.label}`"),),
                notes=("give the component without a label, and let this body place it",),
            )
        )
    if label is not None and not isinstance(placed.inner, Placed):
        return apply(frame, placed.inner, inputs, span, spans, label)
    first = body.placed.get(id(placed.token))
    if first is None:
        count = len(body.state)
        result = apply(frame, placed.inner, inputs, span, spans, placed.label)
        body.placed[id(placed.token)] = (inputs[0], tuple(body.state[count:]))
        return result
    count = len(body.state)
    body.again = True
    try:
        result = apply(frame, placed.inner, inputs, span, spans, placed.label)
    finally:
        body.again = False
    if not frame.session.checking or frame.condition == ALWAYS:
        _check_fit(placed, first, (inputs[0], tuple(body.state[count:])), span)
    del body.state[count:]
    return result


Applied: TypeAlias = tuple[Value, tuple[object, ...]]
"""The first tensor of an application, and the parameters that it made or needed."""


def _check_fit(placed: Placed, first: Applied, later: Applied, span: Span) -> None:
    if first[1] != later[1]:
        made, given = (show(value) for value, _ in (first, later))
        needed = _first_difference(first[1], later[1])
        raise Fault(
            codes.PLACED_MISFIT.at(
                span,
                f"`{placed.label}` was made for {made} and is given {given}",
                f"its {needed}" if needed else "its parameters would need other shapes here",
                others=(Label(placed.span, "one module, with one set of parameters"),),
                notes=("a component labelled before it meets its tensor is one module, however often it is applied",),
            )
        )


def _first_difference(first: object, later: object) -> str:
    """The first parameter that would have another shape, and both shapes."""
    if isinstance(first, Parameter) and isinstance(later, Parameter):
        if first.shape == later.shape:
            return ""
        wanted, made = (f"[{', '.join(map(str, one.shape))}]" for one in (later, first))
        return f"{first.name or 'parameter'} would be {wanted} here, and is {made}"
    if isinstance(first, tuple) and isinstance(later, tuple):
        pairs = zip(cast("tuple[object, ...]", first), cast("tuple[object, ...]", later), strict=False)
        return next((found for a, b in pairs if (found := _first_difference(a, b))), "")
    return ""
