"""Bodies of `quant`, `train` and `search`: lists of fields, each held against its declared type, with objectives and
narrowings."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import cast

from archdsl.diagnostics import codes
from archdsl.diagnostics.record import Label
from archdsl.diagnostics.suggest import closest
from archdsl.meaning.binding import bind_settings
from archdsl.meaning.bodies import enter
from archdsl.meaning.catalogue import registry as catalogue
from archdsl.meaning.catalogue.contract import Field
from archdsl.meaning.catalogue.families import FAMILIES
from archdsl.meaning.conditions import ALWAYS, Universe
from archdsl.meaning.configured import fits_entry, outside
from archdsl.meaning.declared import Declared
from archdsl.meaning.dispatch import evaluate, execute, executes
from archdsl.meaning.run import Abandoned, Fault, Frame, Measurements, Session, Unmet, Wish
from archdsl.meaning.targets import check_targets
from archdsl.meaning.types import describe, describe_text, in_a_sentence, listed
from archdsl.meaning.values import (
    UNKNOWN,
    Amount,
    Component,
    Configured,
    Decided,
    Measured,
    Unknown,
    Value,
    is_component,
    show,
)
from archdsl.meaning.variants import lift
from archdsl.meaning.worlds import World
from archdsl.source import Span
from archdsl.syntax import nodes
from archdsl.syntax.descent import below
from archdsl_compiler.types import DTYPES


@dataclass(slots=True)
class Fields:
    """A body of fields, evaluated; `targets` are what its `at` blocks narrow to, `objectives` what a search wants."""

    values: dict[str, Value] = field(default_factory=dict[str, Value])
    targets: list[tuple[Value, Span]] = field(default_factory=list[tuple[Value, Span]])
    objectives: dict[str, Wish] = field(default_factory=dict[str, Wish])
    names: dict[str, Value] = field(default_factory=dict[str, Value])
    """What the body knows by name, settings among them."""


def check_fields(session: Session, component: Component) -> Fields:
    """Evaluate a body of fields; what is wrong in it is reported."""
    found = evaluate_fields(session, component)
    space, quant = found.values.get("space"), found.values.get("quantize")
    if isinstance(space, Component | Decided) and isinstance(quant, Component):
        targets = evaluate_fields(session, quant).targets
        if targets:
            check_targets(session, space, targets, cast(Declared, component.callee).node.name.span)
    return found


def missed(
    session: Session, component: Component, known: Mapping[str, Value], spaces: Mapping[Component, dict[str, Value]]
) -> list[Unmet]:
    """The requirements of a search that a trial misses: of those that read nothing but what is known, and the names of
    spaces as the trial's candidate has them."""
    measurements = Measurements(known)
    evaluate_fields(session, component, measurements, spaces)
    return measurements.unmet


def evaluate_fields(
    session: Session,
    component: Component,
    measurements: Measurements | None = None,
    spaces: Mapping[Component, dict[str, Value]] | None = None,
) -> Fields:
    """Run a body of fields; without checking, for what the session's chooser decides. Where measurements are given, its
    requirements are held against them."""
    declared = cast(Declared, component.callee)
    session.applied.add(id(declared))
    frame = enter(
        None, session, World(Universe(session.limits.conditions)), component, "", "", declared.node.name.span, ALWAYS
    )
    result = Fields()
    frame.fields, frame.targets, frame.objectives = result.values, result.targets, result.objectives
    frame.measurements, result.names = measurements, frame.names
    frame.world.spaces.update(spaces or {})
    frame.body.kind = declared.kind.name
    if declared.kind.name == "search":
        metrics = catalogue.metrics()
        frame.names.update((name, _measured(frame, name, metrics[name].dimension)) for name in WITHOUT_A_TRIAL)
    try:
        bind_settings(frame, component, declared.node.name.span)
        assert declared.body is not None
        execute(declared.body, frame)
    except Abandoned:
        return result
    except Fault as fault:
        frame.report(fault.diagnostic)
        return result
    known = catalogue.fields(declared.kind.name)
    missing = [wanted for wanted in known.values() if wanted.required and wanted.name not in result.values]
    if missing:
        title = f"the {declared.kind.name} `{declared.name}` has no field{'' if len(missing) == 1 else 's'} "
        title += listed(wanted.name for wanted in missing)
        label = f"add {' and '.join(f'`{wanted.name} = ...`' for wanted in missing)}"
        notes = tuple(f"`{wanted.name}`: {in_a_sentence(wanted.doc)}" for wanted in missing)
        frame.report(codes.MISSING_FIELD.at(declared.node.name.span, title, label, notes=notes))
    elif declared.kind.name == "search" and not frame.objectives and not _has_objective(declared):
        title = f"the search `{declared.name}` has no objective"
        frame.report(codes.MISSING_FIELD.at(declared.node.name.span, title, "add `minimize ...` or `maximize ...`"))
    return result


def _has_objective(declared: Declared) -> bool:
    """Whether an objective is written, also where a fault or a condition keeps it from being reached."""
    body = declared.body
    return body is not None and any(isinstance(part, nodes.Objective | nodes.Broken) for part in below(body))


def set_field(node: nodes.Assign, frame: Frame) -> None:
    """`name = value` in a body of fields."""
    name = node.name.text
    assert frame.fields is not None
    field = catalogue.fields(frame.body.kind).get(name)
    frame.naming, frame.families = name, field.families if field else ()
    try:
        value = evaluate(node.value, frame)
    finally:
        frame.naming, frame.families = "", ()
    if field is not None:
        lift(frame, lambda v: _check_field(frame.body.kind, field, v, node.value.span), value, deep=True)
    frame.fields[name] = value


def _check_field(kind: str, field: Field, value: Value, span: Span) -> Value:
    if isinstance(value, Unknown):
        return value
    if not any(_takes(value, part) for part in field.takes):
        wanted = " or ".join(_words(part) for part in field.takes)
        raise Fault(
            codes.WRONG_TYPE.at(
                span,
                f"the field `{field.name}` of a `{kind}` takes {wanted}, not {describe(value)}",
                f"needs {wanted}",
                notes=(f"`{field.name}`: {in_a_sentence(field.doc)}", *_suggest(field, value, span)),
            )
        )
    if field.domain is not None and isinstance(value, int | float | str) and not field.domain.holds(value):
        raise Fault(outside(f"`{field.name}`", value, field.domain, span))
    return None


def _suggest(field: Field, value: Value, span: Span) -> tuple[str, ...]:
    """What the field could hold: the value in another form, or entries of the catalogue."""
    if field.many and any(_takes((value,), part) for part in field.takes):
        return (f"write `[{span.text}]`",)
    known = [name for family in field.families for name in catalogue.family(family)]
    if isinstance(value, str) and (value in known or value in DTYPES):
        return (f"write `{value}`, without quotes",)
    return (f"known here: {listed(known[:16])}",) if known else ()


def _takes(value: Value, wanted: str) -> bool:
    if wanted.endswith("?") and value is None:
        return True
    if wanted == "function":
        return isinstance(value, Component) and value.kind == "function"
    if wanted.startswith("list["):
        inner = wanted[5:].rstrip("?").removesuffix("]")
        return isinstance(value, tuple) and all(isinstance(v, Unknown) or _takes(v, inner) for v in value)
    family = FAMILIES.get(wanted.removesuffix("?"))
    return fits_entry(value, wanted) or (family is not None and any(fits_entry(value, other) for other in family.also))


def _words(wanted: str) -> str:
    family = FAMILIES.get(wanted.removesuffix("?"))
    if family is not None:
        return f"{family.words} or `none`" if wanted.endswith("?") else family.words
    return "a function" if wanted == "function" else describe_text(wanted)


@executes(nodes.At)
def at(node: nodes.At, frame: Frame) -> None:
    """Fields for the modules that match a path pattern, an op or a component."""
    if frame.fields is None:
        return
    outer = frame.fields
    for target in node.targets:
        value = evaluate(target, frame)
        lift(frame, lambda v, t=target: _check_target(v, t.span), value)
        frame.targets.append((value, target.span))
    frame.fields = {}
    try:
        execute(node.body, frame)
    finally:
        frame.fields = outer


def _check_target(value: Value, span: Span) -> Value:
    if isinstance(value, Unknown):
        return value
    if isinstance(value, str):
        if not value or not all(
            part in ("*", "**") or part.replace("_", "a").replace("*", "a").isalnum() for part in value.split(".")
        ):
            raise Fault(
                codes.WRONG_VALUE.at(
                    span,
                    f"{show(value)} is no pattern of paths",
                    "steps are names, numbers, `*` for one and `**` for any",
                )
            )
        return None
    if value is None or not is_component(value):
        raise Fault(
            codes.WRONG_TYPE.at(
                span, f"`at` takes a pattern of paths, an op or a component, not {describe(value)}", "no target"
            )
        )
    return None


@executes(nodes.Objective)
def objective(node: nodes.Objective, frame: Frame) -> None:
    """`maximize name = metric`: from here on the name is the metric's value in requirements."""
    if frame.fields is None:
        return
    metrics = catalogue.metrics()
    name = node.name.text
    if node.metric is None:
        entry = metrics.get(name)
        value: Value = Configured(entry, ()) if entry is not None else UNKNOWN
    else:
        measured = {known: frame.names.pop(known) for known in metrics if known in frame.names}
        frame.families = ("metric",)
        try:
            value = evaluate(node.metric, frame)
        finally:
            frame.families = ()
            frame.names.update(measured)
    span = node.metric.span if node.metric is not None else node.name.span

    def check(v: Value) -> Value:
        if isinstance(v, Unknown):
            return v
        if isinstance(v, Configured) and v.entry.family == "metric":
            return None
        near = closest(v.name, metrics) if isinstance(v, Component | Configured) else None
        notes = (f"a metric with a similar name exists: `{near}`",) if near else (f"the metrics: {listed(metrics)}",)
        raise Fault(
            codes.UNKNOWN_METRIC.at(
                span, f"an objective measures a metric, not {describe(v)}", "not a metric", notes=notes
            )
        )

    lift(frame, check, value)
    if name in frame.objectives:
        raise Fault(
            codes.DECLARED_TWICE.at(
                node.name.span,
                f"the objective `{name}` is declared twice",
                "declared again",
                others=(Label(frame.objectives[name].span, "declared first"),),
            )
        )
    frame.objectives[name] = Wish(node.name.span, node.direction == "maximize", value)
    dimension = value.entry.dimension if isinstance(value, Configured) else ""
    frame.names[name] = _measured(frame, name, dimension)


WITHOUT_A_TRIAL = ("params", "macs", "memory")
"""The metrics that a requirement of a search may read without an objective."""


def _measured(frame: Frame, name: str, dimension: str) -> Value:
    """The metric's value, if this is a trial's and known."""
    known = frame.measurements.known.get(name, UNKNOWN) if frame.measurements is not None else UNKNOWN
    if isinstance(known, Unknown):
        return Measured(name, dimension)
    return Amount(dimension, float(cast(float, known))) if dimension else known
