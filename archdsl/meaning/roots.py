"""Running what a program is for: a model on its own input, a space with the model that it returns."""

from dataclasses import dataclass, field
from typing import cast

from archdsl.diagnostics import codes
from archdsl.diagnostics.record import Label
from archdsl.meaning.binding import bind_settings, bind_tensors
from archdsl.meaning.bodies import check_depth, enter, returned
from archdsl.meaning.conditions import ALWAYS, NEVER, Condition, Universe
from archdsl.meaning.contracts import check_result
from archdsl.meaning.declared import Declared
from archdsl.meaning.dispatch import evaluate, execute
from archdsl.meaning.op_calls import check_elements
from archdsl.meaning.run import Abandoned, Fault, Frame, Session
from archdsl.meaning.types import describe
from archdsl.meaning.values import (
    UNKNOWN,
    Component,
    Decided,
    Origin,
    Tensor,
    Unknown,
    Value,
    Variant,
    has_unknown,
    space_of,
)
from archdsl.meaning.variants import lift
from archdsl.meaning.worlds import World
from archdsl.source import Span
from archdsl.syntax import nodes
from archdsl_compiler.sizes import BATCH, Size, Symbolic
from archdsl_compiler.types import DTYPES, TensorType


@dataclass(slots=True)
class Root:
    """A run of an entry: the frames of the models that it came to, each with its inputs and its result."""

    world: World
    models: list[tuple[Frame, Component, tuple[Value, ...], Value]] = field(
        default_factory=list[tuple[Frame, Component, tuple[Value, ...], Value]]
    )
    names: dict[str, Value] = field(default_factory=dict[str, Value])


def run_entry(session: Session, entry: Component | Decided, span: Span) -> Root:
    """Run a model or space; while checking, for all its candidates."""
    component = space_of(entry)
    session.decided = dict(entry.decisions) if isinstance(entry, Decided) else {}
    session.reached.clear()
    root = Root(World(Universe(session.limits.conditions)))
    _run(session, root, component, None, span)
    return root


def _run(
    session: Session, root: Root, component: Component, caller: Frame | None, span: Span, condition: Condition = ALWAYS
) -> None:
    declared = cast(Declared, component.callee)
    session.applied.add(id(declared))
    check_depth(caller, component, span)
    frame = enter(caller, session, root.world, component, "", "", span, condition)
    frame.counted = session.counting
    try:
        if declared.body is None:
            title = f"`{declared.name}` is Python's as a whole"
            raise Fault(codes.EXTERN_NOT_RUN.at(declared.node.span, title, "declare a model that calls it"))
        bind_settings(frame, component, span)
        if not session.checking:
            _check_known(frame, component, declared)
        if declared.kind.name == "space":
            _run_space(session, root, declared, frame, span)
        else:
            _run_model(root, component, frame, span)
    except Abandoned:
        pass
    except Fault as fault:
        if not session.checking:
            raise
        frame.report(fault.diagnostic)


def _check_known(frame: Frame, component: Component, declared: Declared) -> None:
    """Refuse what a function of Python's gave to an entry before it ran."""
    for name in declared.settings:
        if has_unknown(frame.names.get(name)):
            span = component.spans.get(name, declared.node.span)
            title = f"`{name}` of `{declared.name}` is given by Python, which is not run for it yet"
            raise Fault(codes.EXTERN_NOT_RUN.at(span, title, "write the value"))


def _run_space(session: Session, root: Root, declared: Declared, frame: Frame, span: Span) -> None:
    assert declared.body is not None
    execute(declared.body, frame)
    root.names = frame.names
    if not frame.results:
        return
    at = frame.results[-1][2]
    result = returned(frame)
    for model_condition, model in result.cases if isinstance(result, Variant) else ((ALWAYS, result),):
        if root.world.universe.both(model_condition, root.world.alive) == NEVER or isinstance(model, Unknown):
            continue
        inner = model.space if isinstance(model, Decided) else model
        if not isinstance(inner, Component) or inner.kind not in ("model", "space"):
            raise Fault(
                codes.WRONG_RESULT.at(
                    at,
                    f"the space `{declared.name}` returns {describe(model)}",
                    "a space returns a model that waits for its input",
                    others=(Label(declared.node.name.span, "declared here"),),
                )
            )
        frame.condition = model_condition
        _run(session, root, inner, frame, at, model_condition)


def _run_model(root: Root, component: Component, frame: Frame, span: Span) -> None:
    declared = cast(Declared, component.callee)
    assert declared.body is not None
    inputs = model_inputs(frame, declared)
    if not frame.session.checking:
        inputs = tuple(
            Tensor(value.type, value.origin, number) if isinstance(value, Tensor) else value
            for number, value in enumerate(inputs)
        )
        frame.body.values = len(inputs)
    for name in _axis_names(declared):
        if name not in declared.settings:
            frame.names.pop(name, None)
    for demand in bind_tensors(frame, declared, inputs, [], span):
        demand()
    entered = frame.condition
    execute(declared.body, frame)
    frame.condition = entered
    result = returned(frame)
    check_result(frame, declared, list(inputs), result)
    root.models.append((frame, component, inputs, result))


def _axis_names(declared: Declared) -> set[str]:
    return {
        axis.text
        for tensor in declared.tensors
        if tensor.form is not None and tensor.form.shape is not None
        for axis in tensor.form.shape.axes
        if isinstance(axis, nodes.Name)
    }


def model_inputs(frame: Frame, declared: Declared) -> tuple[Value, ...]:
    """The tensors that a model takes: their first axis may be the batch, all others follow from the settings."""
    inputs: list[Value] = []
    batch: str | None = None
    for parameter in declared.tensors:
        form = parameter.form
        if form is None or form.shape is None:
            raise Fault(
                codes.OPEN_AXIS.at(
                    parameter.span if parameter.span.end > parameter.span.start else declared.node.name.span,
                    f"the shape of `{parameter.name.text}` of the model `{declared.name}` is not written",
                    "write it, as in `(x: [b, 3, size, size])`",
                )
            )
        sizes: list[Value] = []
        for position, axis in enumerate(form.shape.axes):
            if isinstance(axis, nodes.Name) and axis.text not in declared.settings:
                if position == 0 and batch in (None, axis.text):
                    batch = axis.text
                    sizes.append(BATCH)
                    continue
                raise Fault(_open_axis(declared, axis.text, axis.span))
            if isinstance(axis, nodes.Rest):
                raise Fault(_open_axis(declared, "...", axis.span))
            sizes.append(evaluate(axis, frame))
        dtype = form.word.text if form.word else "real"

        def build(*given: Value, dtype: str = dtype, parameter: nodes.TensorParameter = parameter) -> Value:
            return _input(frame.session.limits.tensor, parameter, dtype, given)

        inputs.append(lift(frame, build, *sizes))
    return tuple(inputs)


def _open_axis(declared: Declared, name: str, span: Span):
    return codes.OPEN_AXIS.at(
        span,
        f"the axis `{name}` of the model `{declared.name}` does not follow from its settings",
        "no setting gives this size",
        notes=("only the first axis, the batch, is free; for the others write a number or a setting",),
    )


def _input(limit: int, parameter: nodes.TensorParameter, dtype: str, given: tuple[Value, ...]) -> Value:
    if any(isinstance(size, Unknown) for size in given) or dtype not in DTYPES:
        return UNKNOWN
    for size in given:
        if not isinstance(size, int | Symbolic) or isinstance(size, bool):
            raise Fault(codes.WRONG_TYPE.at(parameter.span, f"an axis must be an int, not {describe(size)}", "no size"))
        if isinstance(size, int) and size < 1:
            raise Fault(
                codes.BAD_SIZE.at(
                    parameter.span, f"an axis of `{parameter.name.text}` is {size}", "sizes are at least 1"
                )
            )
    type_ = TensorType(cast("tuple[Size, ...]", given), dtype)
    check_elements(limit, type_.shape, f"`{parameter.name.text}` is", parameter.span)
    return Tensor(type_, Origin(parameter.span))
