"""Checking what nothing calls: a component on tensors of unknown size, where a first axis `b` is the batch. What is
wrong for every size is an error; what depends on the size is left to whoever will call it."""

from dataclasses import replace

from archdsl.meaning.calls import call_function
from archdsl.meaning.conditions import NEVER, Universe
from archdsl.meaning.declared import Declared
from archdsl.meaning.run import Abandoned, Body, Fault, Frame, Session
from archdsl.meaning.summaries import summarize
from archdsl.meaning.values import UNKNOWN, Component, Origin, Tensor, Value
from archdsl.meaning.worlds import World
from archdsl.syntax import nodes
from archdsl_compiler.sizes import BATCH, Size, unknown
from archdsl_compiler.types import DTYPES, TensorType

RANKS = (2, 1, 3)
"""How many axes `...` stands for, one after the other: a fault is one only if it is there for each."""


COST_OF_SYMBOLS = 8
"""A step with open sizes counts as so many others. Where the budget ends, the component is left to its callers."""


def check_open(session: Session, declared: Declared) -> None:
    """Report the faults that a component has for every size."""
    if declared.kind.name == "function":
        _run_function(session, declared)
        return
    trials: list[Session] = []
    ranks = RANKS if any(_has_rest(tensor) for tensor in declared.tensors) else RANKS[:1]
    limits = replace(session.limits, steps=session.limits.steps // COST_OF_SYMBOLS)
    for rank in ranks:
        trial = Session(limits, checking=True, choosing=True, applied=session.applied, inferred=session.inferred)
        inputs = tuple(_open_tensor(declared, parameter, rank) for parameter in declared.tensors)
        component = Component(declared, _open_settings(declared))
        summary = summarize(None, component, inputs, declared.node.name.span, {}, "", trial)
        if not summary.cases and summary.rejection is not None and not summary.sites:
            trial.add(summary.rejection)
        trials.append(trial)
    for key, finding in trials[0].findings.items():
        if all(key in trial.findings for trial in trials):
            session.add(finding.told())


def _has_rest(parameter: nodes.TensorParameter) -> bool:
    shape = parameter.form.shape if parameter.form is not None else None
    return shape is not None and any(isinstance(axis, nodes.Rest) for axis in shape.axes)


def _open_settings(declared: Declared) -> tuple[tuple[str, Value], ...]:
    """A value for each setting that has no default: an unknown size where the type allows one."""
    return tuple(
        (
            name,
            unknown(name) if node.type is not None and node.type.name == "int" and not node.type.optional else UNKNOWN,
        )
        for name, node in declared.settings.items()
        if node.default is None
    )


def _open_tensor(declared: Declared, parameter: nodes.TensorParameter, rank: int) -> Value:
    """A tensor of the form that the signature shows, its axes unknown."""
    form = parameter.form
    if form is None or form.shape is None:
        return UNKNOWN
    sizes: list[Size] = []
    for position, axis in enumerate(form.shape.axes):
        match axis:
            case nodes.Rest():
                sizes += [unknown(f"{axis.name.text if axis.name else parameter.name.text}[{i}]") for i in range(rank)]
            case nodes.Name():
                is_batch = position == 0 and axis.text == "b"
                sizes.append(BATCH if is_batch else unknown(axis.text if axis.text != "_" else f"_{position}"))
            case nodes.Integer():
                sizes.append(axis.value)
            case _:
                return UNKNOWN
        if (
            isinstance(axis, nodes.Name)
            and axis.text in declared.settings
            and declared.settings[axis.text].default is not None
        ):
            return UNKNOWN
    dtype = form.word.text if form.word else "real"
    return Tensor(TensorType(tuple(sizes), dtype), Origin(parameter.span)) if dtype in DTYPES else UNKNOWN


def _run_function(session: Session, declared: Declared) -> None:
    world = World(Universe(session.limits.conditions))
    frame = Frame(session, world, declared.unit, Body(""))
    try:
        call_function(frame, Component(declared, _open_settings(declared)), declared.node.name.span)
    except Fault as fault:
        frame.report(fault.diagnostic)
    except Abandoned:
        if world.alive == NEVER and world.rejection is not None and not world.sites:
            session.add(world.rejection)
