"""Applying things to tensors: ops, and everything that is made of them."""

from collections.abc import Mapping
from typing import cast

from archdsl.diagnostics import codes
from archdsl.diagnostics.record import Code, Diagnostic, Label
from archdsl.meaning.conditions import ALWAYS
from archdsl.meaning.labels import claim, place
from archdsl.meaning.run import Fault, Frame, lift
from archdsl.meaning.types import describe
from archdsl.meaning.values import (
    UNKNOWN,
    Component,
    Composed,
    Configured,
    Origin,
    Placed,
    Step,
    Tensor,
    Unknown,
    Value,
    Variant,
    Wrapped,
    tensors_of,
)
from archdsl.source import Span
from archdsl_compiler import sizes
from archdsl_compiler.graph import OpCall, Place, Scalar, Structure, Wrapper
from archdsl_compiler.ops.contract import REQUIRED, Inferred, Op, OpFault, Undetermined
from archdsl_compiler.types import TensorType

FAULT_CODES: Mapping[str, Code] = {
    "rank": codes.RANK,
    "broadcast": codes.BROADCAST,
    "divisibility": codes.DIVISIBILITY,
    "size": codes.BAD_SIZE,
    "axis": codes.NO_SUCH_AXIS,
    "pattern": codes.PATTERN,
    "dtype": codes.WRONG_DTYPE,
    "mismatch": codes.MISMATCH,
    "value": codes.WRONG_VALUE,
    "range": codes.OUT_OF_RANGE,
}


def is_tensor_like(value: Value) -> bool:
    """A tensor or a list of tensors, for every candidate that has one: what makes a call an application."""
    if type(value) is Tensor:
        return True
    if isinstance(value, tuple):
        return bool(value) and all(is_tensor_like(item) or isinstance(item, Unknown) for item in value)
    return isinstance(value, Variant) and any(is_tensor_like(inner) for _, inner in value.cases)


def apply_op(
    frame: Frame,
    op: Op,
    inputs: tuple[Value, ...],
    settings: Mapping[str, Value],
    span: Span,
    spans: Mapping[str, Span],
    label: str | None = None,
    hints: Mapping[str, str] | None = None,
) -> Value:
    """The result of an op on tensors and settings; its parameters are placed under the label."""
    names = tuple(settings)
    count = len(inputs)

    def run(*values: Value) -> Value:
        given = values[:count]
        if any(isinstance(v, Unknown) for v in values) or any(
            isinstance(item, Unknown) for v in given if isinstance(v, tuple) for item in v
        ):
            return UNKNOWN
        chosen = dict(zip(names, values[count:], strict=True))
        try:
            inferred = infer(frame, op, given, chosen, span, spans)
        except Undetermined:
            return UNKNOWN
        return record(frame, op, given, chosen, inferred, span, label, hints or {})

    if not frame.session.checking:
        return run(*inputs, *settings.values())
    return lift(frame, run, *inputs, *settings.values(), deep=True)


def infer(
    frame: Frame, op: Op, inputs: tuple[Value, ...], settings: dict[str, Value], span: Span, spans: Mapping[str, Span]
) -> Inferred:
    """What the op's rule says of these types and settings, remembered; a refusal becomes a diagnostic."""
    types = tuple(_type_of(value) for value in inputs)
    settings = {name: _plain(value) for name, value in settings.items()}
    key = (op.name, types, tuple(settings.items()))
    found = frame.session.inferred.get(key)
    if found is None:
        for setting in op.settings:
            if setting.default is REQUIRED and setting.name not in settings:
                raise Fault(
                    codes.MISSING_SETTING.at(
                        span,
                        f"`{op.name}` needs its setting `{setting.name}`",
                        f"`{setting.name}` is not given and has no default",
                        notes=(f"`archdsl ops {op.name}` describes it",),
                    )
                )
        try:
            found = op.rule(*types, **settings)
        except OpFault as fault:
            raise Fault(op_fault(op, fault, inputs, span, spans)) from None
        _check_size(frame, op, found, span)
        frame.session.inferred[key] = found
    return found


def _type_of(value: Value) -> object:
    if isinstance(value, Tensor):
        return value.type
    if isinstance(value, tuple):
        return tuple(_type_of(item) for item in value)
    return value


def _plain(value: Value) -> Value:
    """A setting as rules take it: a dtype by its name."""
    if isinstance(value, Component | Configured):
        return value.name
    return tuple(value) if isinstance(value, range) else value


def _check_size(frame: Frame, op: Op, inferred: Inferred, span: Span) -> None:
    """Refuse tensors that no machine could hold."""
    limit = frame.session.limits.tensor
    shapes = [t.shape for t in result_types(inferred)] + [p.shape for p in inferred.parameters]
    for shape in shapes:
        elements: sizes.Size | int | float = 1
        for size in shape:
            elements = elements * sizes.at_batch_one(size)
        if isinstance(elements, int) and elements > limit:
            raise Fault(
                codes.TOO_LARGE.at(
                    span,
                    f"`{op.name}` makes a tensor of {elements:,} elements, more than {limit:,}",
                    f"[{', '.join(map(str, shape))}]",
                    notes=("`--limit tensor=N` raises the limit",),
                )
            )


def result_types(inferred: Inferred) -> tuple[TensorType, ...]:
    result = inferred.result
    return (result,) if isinstance(result, TensorType) else tuple(result)


def op_fault(op: Op, fault: OpFault, inputs: tuple[Value, ...], span: Span, spans: Mapping[str, Span]) -> Diagnostic:
    """A rule's refusal as a message: at the argument that is wrong, with the tensors that it met and where they were made."""
    at = next((spans[name] for name in fault.arguments if name in spans), span)
    others: list[Label] = []
    for name in fault.arguments:
        slot = next((i for i, t in enumerate(op.tensors) if t.name == name), None)
        if slot is None or slot >= len(inputs):
            if name in spans and spans[name] != at:
                others.append(Label(spans[name], ""))
            continue
        for tensor in tensors_of(inputs[slot]):
            decided = decided_at(tensor)
            if decided is not None and decided != at:
                others.append(Label(decided, f"{tensor.type} is decided here"))
    return FAULT_CODES[fault.kind].at(
        at, fault.message, fault.label, others=tuple(dict.fromkeys(others)), notes=fault.notes
    )


def decided_at(tensor: Tensor) -> Span | None:
    """The place that gave a tensor its shape: back through everything that left the shape alone."""
    while tensor.origin is not None:
        before = next(
            (t for t in tensor.origin.sources if t.type.shape == tensor.type.shape and t.origin is not None), None
        )
        if before is None:
            return tensor.origin.span
        tensor = before
    return None


def record(
    frame: Frame,
    op: Op,
    inputs: tuple[Value, ...],
    settings: dict[str, Value],
    inferred: Inferred,
    span: Span,
    label: str | None,
    hints: Mapping[str, str],
) -> Value:
    """Enter the call in the body and give its result."""
    body = frame.body
    if inferred.parameters:
        label = place(frame, label, op.name, span)
    elif label is not None and label != "_":
        claim(frame, label, span)
    macs = sizes.at_batch_one(inferred.macs)
    types = result_types(inferred)
    if frame.condition == ALWAYS or not frame.session.checking:
        body.macs += macs if isinstance(macs, int) else 0
        if not body.again:
            for parameter in inferred.parameters:
                if parameter.trainable:
                    body.parameters += _count(parameter.shape)
        if inferred.parameters:
            body.state.append((label, inferred.parameters))
            check_totals(frame, span)
    first = body.values
    sources = tuple(t for value in inputs for t in tensors_of(value))
    if not frame.session.checking:
        body.values += len(types)
        body.calls.append(
            OpCall(
                op,
                label or "",
                tuple(structure_of(value) for value in inputs),
                settings,
                inferred.resolved,
                hints,
                () if body.again else inferred.parameters,
                first,
                types,
                macs if isinstance(macs, int) else 0,
                body.wrappers,
                place_of(span),
            )
        )
    origin = Origin(span, sources)
    if isinstance(inferred.result, TensorType):
        return Tensor(inferred.result, origin, first)
    return tuple(Tensor(type_, origin, first + i) for i, type_ in enumerate(types))


def check_totals(frame: Frame, span: Span) -> None:
    """Refuse a model that has become larger than the limits allow."""
    limits = frame.session.limits
    body = frame.body
    if body.instances > limits.modules:
        raise Fault(
            codes.TOO_MANY_MODULES.at(
                span,
                f"the model has more than {limits.modules:,} modules",
                "with this one",
                notes=("`--limit modules=N` raises the limit",),
            )
        )
    if body.parameters > limits.parameters:
        raise Fault(
            codes.TOO_LARGE.at(
                span,
                f"the model has {body.parameters:,} parameters, more than {limits.parameters:,}",
                "with this one",
                notes=("`--limit parameters=N` raises the limit",),
            )
        )


def _count(shape: tuple[sizes.Size, ...]) -> int:
    total = 1
    for size in shape:
        total *= size if isinstance(size, int) else 1
    return total


def structure_of(value: Value) -> Structure:
    """How a value is made of the values of the module."""
    if isinstance(value, Tensor):
        return value.reference
    if isinstance(value, tuple):
        return tuple(structure_of(item) for item in value)
    return -1 if value is None else Scalar(cast("int | float", value))


def place_of(span: Span) -> Place:
    return Place(span.source.name, span.start, span.end)


# ---- what is made of ops


def apply(
    frame: Frame,
    component: Value,
    inputs: tuple[Value, ...],
    span: Span,
    spans: Mapping[str, Span],
    label: str | None = None,
    hints: Mapping[str, str] | None = None,
) -> Value:
    """The result of any component on its tensors. `spans` say where its tensors and settings were written."""
    match component:
        case Component():
            if isinstance(component.callee, Op):
                settings = dict(component.settings)
                where = {**component.spans, **spans}
                check_tensors(component.callee, inputs, span)
                return apply_op(frame, component.callee, inputs, settings, span, where, label, hints)
            from archdsl.meaning.modules import apply_declared

            return apply_declared(frame, component, inputs, span, spans, label, hints or {})
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
            return lift(frame, lambda chosen: apply(frame, chosen, inputs, span, spans, label, hints), component)
        case _:
            raise Fault(
                codes.NOT_CALLABLE.at(span, f"{describe(component)} cannot be applied to a tensor", "not a component")
            )


def check_tensors(op: Op, inputs: tuple[Value, ...], span: Span) -> None:
    """Whether an op gets the tensors that it needs."""
    needed = [slot for slot in op.tensors if not slot.optional]
    if len(inputs) < len(needed):
        missing = needed[len(inputs)].name
        raise Fault(
            codes.MISSING_TENSOR.at(
                span,
                f"`{op.name}` needs its tensor `{missing}`",
                f"{len(inputs)} of {len(needed)} tensors are given",
                notes=(f"it is {op.shapes}",),
            )
        )
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
        body.placed[id(placed.token)] = (placed.label, tuple(body.state[count:]))
        return result
    count = len(body.state)
    body.again = True
    try:
        result = apply(frame, placed.inner, inputs, span, spans, placed.label)
    finally:
        body.again = False
    if not frame.session.checking or frame.condition == ALWAYS:
        _check_fit(placed, first[1], tuple(body.state[count:]), span)
    del body.state[count:]
    return result


def _check_fit(placed: Placed, first: tuple[object, ...], later: tuple[object, ...], span: Span) -> None:
    if first != later:
        raise Fault(
            codes.PLACED_MISFIT.at(
                span,
                f"`{placed.label}` was made for another tensor",
                "its parameters would need other shapes here",
                others=(Label(placed.span, "one module, with one set of parameters"),),
                notes=(
                    "a component that is labelled before it meets its tensor is one module, however often it is applied",
                ),
            )
        )
