"""Applying ops: what the rule says of these types and settings, remembered, and the call entered in the body that is
being built."""

from collections.abc import Mapping
from typing import cast

from archdsl.diagnostics import codes
from archdsl.diagnostics.record import Code, Diagnostic, Edit, Fix, Label
from archdsl.diagnostics.suggest import closest
from archdsl.meaning.conditions import ALWAYS
from archdsl.meaning.labels import claim, place
from archdsl.meaning.run import Fault, Frame
from archdsl.meaning.types import describe
from archdsl.meaning.values import UNKNOWN, Component, Configured, Origin, Tensor, Value, has_unknown, tensors_of
from archdsl.meaning.variants import lift
from archdsl.source import Span
from archdsl_compiler import sizes
from archdsl_compiler.graph import OpCall, Place, Scalar, Structure, join
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


MOST_AXES = 64
"""Of a tensor; longer lists of sizes are mistakes."""


def apply_op(
    frame: Frame,
    op: Op,
    inputs: tuple[Value, ...],
    settings: Mapping[str, Value],
    span: Span,
    spans: Mapping[str, Span],
    label: str | None = None,
) -> Value:
    """The result of an op on tensors and settings; its parameters are placed under the label."""
    names = tuple(settings)
    count = len(inputs)

    def run(*values: Value) -> Value:
        given = values[:count]
        if any(map(has_unknown, values)):
            return UNKNOWN
        chosen = dict(zip(names, values[count:], strict=True))
        try:
            inferred = infer(frame, op, given, chosen, span, spans)
        except Undetermined:
            return UNKNOWN
        return record(frame, op, given, chosen, inferred, span, label, spans)

    if not frame.session.checking:
        return run(*inputs, *settings.values())
    return lift(frame, run, *inputs, *settings.values(), deep=True)


def infer(
    frame: Frame, op: Op, inputs: tuple[Value, ...], settings: dict[str, Value], span: Span, spans: Mapping[str, Span]
) -> Inferred:
    """What the op's rule says of these types and settings, remembered; a refusal becomes a diagnostic."""
    for slot, value in zip(op.tensors, inputs, strict=False):
        wrong = _no_operand(value)
        if wrong is not None:
            title = f"`{slot.name}` of `{op.name}` is a list of tensors, and holds {describe(wrong)}"
            raise Fault(codes.WRONG_TYPE.at(span, title, "a list of tensors is needed"))
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
        for name, value in settings.items():
            if isinstance(value, tuple | range) and len(value) > MOST_AXES and name != "parts":
                title = f"`{name}` of `{op.name}` is a list of {len(value):,} elements"
                raise Fault(codes.TOO_LARGE.at(spans.get(name, span), title, f"at most {MOST_AXES} axes are allowed"))
        try:
            found = op.rule(*types, **settings)
        except OpFault as fault:
            raise Fault(op_fault(op, fault, inputs, span, spans)) from None
        _check_size(frame, op, found, span)
        frame.session.inferred[key] = found
    return found


def _no_operand(value: Value) -> Value:
    """What cannot be an operand in a value, if anything."""
    if isinstance(value, tuple):
        return next((wrong for item in value if (wrong := _no_operand(item)) is not None), None)
    return None if value is None or isinstance(value, Tensor | int | float | sizes.Symbolic) else value


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
    return tuple(value) if isinstance(value, range) and len(value) <= MOST_AXES else value


def _check_size(frame: Frame, op: Op, inferred: Inferred, span: Span) -> None:
    """Refuse tensors that no machine could hold."""
    for shape in [t.shape for t in result_types(inferred)] + [p.shape for p in inferred.parameters]:
        check_elements(frame.session.limits.tensor, shape, f"`{op.name}` makes", span)


def check_elements(limit: int, shape: tuple[sizes.Size, ...], who: str, span: Span) -> None:
    """Refuse a tensor with more elements than the limit; the batch counts as one."""
    elements: sizes.Size | int | float = 1
    for size in shape:
        elements = elements * sizes.at_batch_one(size)
    if isinstance(elements, int) and elements > limit:
        title = f"{who} a tensor of {elements:,} elements, more than {limit:,}"
        notes = (f"raise the limit: --limit tensor={elements}",)
        raise Fault(codes.TOO_LARGE.at(span, title, f"[{', '.join(map(str, shape))}]", notes=notes))


def result_types(inferred: Inferred) -> tuple[TensorType, ...]:
    result = inferred.result
    return (result,) if isinstance(result, TensorType) else tuple(result)


def op_fault(op: Op, fault: OpFault, inputs: tuple[Value, ...], span: Span, spans: Mapping[str, Span]) -> Diagnostic:
    """A rule's refusal as a message: at the argument that is wrong, with the tensors that it met and where they were
    made."""
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
                others.append(Label(decided, f"this is {tensor.type}"))
    label, notes, fixes = fault.label, fault.notes, ()
    near = closest(fault.given, fault.options)
    if near is not None:
        label = f'a similar one exists: "{near}"'
        notes = (*notes, "it is one of " + ", ".join(f'"{option}"' for option in fault.options))
        fixes = (Fix(f'write "{near}"', (Edit(at, f'"{near}"'),)),) if at.text == f'"{fault.given}"' else ()
    return FAULT_CODES[fault.kind].at(
        at, fault.message, label, others=tuple(dict.fromkeys(others)), notes=notes, fixes=fixes
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
    spans: Mapping[str, Span],
) -> Value:
    """Enter the call in the body and give its result."""
    body = frame.body
    if inferred.parameters:
        label = place(frame, label, op.name, span)
        for parameter in inferred.parameters:
            if parameter.name:
                claim(frame, join(label, parameter.name), span)
    elif label is not None and label != "_":
        claim(frame, label, span)
    macs = sizes.at_batch_one(inferred.macs)
    types = result_types(inferred)
    if frame.session.checking:
        made = () if body.again else inferred.parameters
        own = sum(_count(parameter.shape) for parameter in made if parameter.trainable)
        frame.world.enter(frame.condition, own, macs if isinstance(macs, int) else 0)
    if frame.condition == ALWAYS or not frame.session.checking:
        body.macs += macs if isinstance(macs, int) else 0
        body.nodes += 1
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
                hints_of(frame, {name: at for name, at in spans.items() if name in settings}),
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
    limits, body = frame.session.limits, frame.body
    for code, count, limit, name, what in (
        (codes.TOO_MANY_MODULES, body.instances, limits.modules, "modules", "modules"),
        (codes.TOO_MANY_MODULES, body.nodes, limits.nodes, "nodes", "ops at work"),
        (codes.TOO_LARGE, body.parameters, limits.parameters, "parameters", "parameters"),
    ):
        if count > limit:
            notes = (f"raise the limit: --limit {name}={2 * count}",)
            raise Fault(code.at(span, f"the model has more than {limit:,} {what}", "with this one", notes=notes))


def _count(shape: tuple[sizes.Size, ...]) -> int:
    total = 1
    for size in shape:
        total *= size if isinstance(size, int) else 1
    return total


def hints_of(frame: Frame, spans: Mapping[str, Span]) -> dict[str, str]:
    """How settings were written, where that was in the body at hand: an expression over its names."""
    component = frame.component
    if component is None or isinstance(component.callee, Op):
        return {}
    text = component.callee.node.span
    inside = (at for at in spans.items() if at[1].source is text.source and text.start <= at[1].start < text.end)
    return {name: at.text for name, at in inside}


def structure_of(value: Value) -> Structure:
    """How a value is made of the values of the module."""
    if isinstance(value, Tensor):
        return value.reference
    if isinstance(value, tuple):
        return tuple(structure_of(item) for item in value)
    return -1 if value is None else Scalar(cast("int | float", value))


def place_of(span: Span) -> Place:
    return Place(span.source.name, span.start, span.end)
