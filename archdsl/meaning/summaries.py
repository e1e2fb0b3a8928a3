"""Checking calls of declared components. A call with definite settings and input types is summed up in a world of its
own, and the summary serves every other call that is alike: that is what makes a space of any size small. A call whose
settings depend on too many choices is followed in the world of its caller instead."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import cast

from archdsl.diagnostics.record import Diagnostic
from archdsl.meaning.bodies import enter, run
from archdsl.meaning.conditions import ALWAYS, NEVER, Condition, Universe
from archdsl.meaning.labels import claim, place
from archdsl.meaning.op_calls import check_totals
from archdsl.meaning.run import Abandoned, Fault, Frame, Session
from archdsl.meaning.values import UNKNOWN, Component, Origin, Tensor, Unknown, Value, tensors_of
from archdsl.meaning.variants import expanded, merged
from archdsl.meaning.worlds import Inner, Site, World
from archdsl.source import Span
from archdsl_compiler.graph import join


@dataclass(frozen=True, slots=True)
class Summary:
    """What a call gives: its distinct results, each with decisions that lead there and whether it depends on an
    open size; none if every candidate is rejected. `conditions` are the candidates of each in its own `world`."""

    cases: tuple[tuple[tuple[tuple[str, Value], ...], Value, bool], ...]
    rejection: Diagnostic | None
    parameters: int
    macs: int
    instances: int
    nodes: int
    state: tuple[object, ...]
    labels: tuple[str, ...]
    sites: int
    world: World
    conditions: tuple[Condition, ...]


def followed(
    frame: Frame, component: Component, inputs: tuple[Value, ...], span: Span, spans: Mapping[str, Span], label: str
) -> Value:
    """Run the body in the caller's world, with settings that depend on its choices."""
    inner = enter(
        frame, frame.session, frame.world, component, join(frame.body.path, label), label, span, frame.condition
    )
    try:
        result = run(inner, component, inputs, span, spans)
    except Abandoned:
        if frame.effective() == NEVER:
            raise
        result = UNKNOWN
    frame.body.instances += inner.body.instances
    frame.body.nodes += inner.body.nodes
    return outside(result, span, inputs)


def apply_summary(
    frame: Frame,
    component: Component,
    inputs: tuple[Value, ...],
    span: Span,
    spans: Mapping[str, Span],
    label: str | None,
) -> Value:
    if any(isinstance(value, Unknown) for value in inputs):
        return UNKNOWN
    session, world = frame.session, frame.world
    where = place(frame, label, component.name, span)
    key = (component, tuple(inputs), _decided_below(frame, where))
    summary = cast("Summary | None", session.remembered.get(key))
    if summary is None:
        summary = summarize(frame, component, inputs, span, spans, where)
        session.remembered[key] = summary
    body = frame.body
    if where == "_":
        for inner in summary.labels:
            claim(frame, inner, span)
    if frame.condition == ALWAYS and not body.again:
        body.parameters += summary.parameters
        body.macs += summary.macs
        body.instances += summary.instances
        body.nodes += summary.nodes
        check_totals(frame, span)
    body.state.append((where, summary.state))
    if not summary.cases:
        rejection = summary.rejection
        if rejection is not None:
            reject(frame, rejection.primary.span, lambda: rejection)
        raise Abandoned
    site_key = (join(body.path, where), key)
    if len(summary.cases) == 1:
        _note_call(frame, site_key, where, summary, None)
        return outside(summary.cases[0][1], span, inputs)
    number = world.known.get(site_key)
    if number is None:
        number = world.known[site_key] = world.universe.new_site(len(summary.cases))
        of_size = any(depends for _, _, depends in summary.cases)
        world.sites.append(Site(join(body.path, where), (), span, of_size=of_size))
        prefix = join(body.path, where)
        for option, (decisions, _, _) in enumerate(summary.cases):
            world.inner[number, option] = tuple((join(prefix, path), value) for path, value in decisions)
    _note_call(frame, site_key, where, summary, number)
    cases: list[tuple[Condition, Value]] = []
    for option, (_, value, _) in enumerate(summary.cases):
        cases.append((world.universe.taken(number, option), outside(value, span, inputs)))
    return merged(frame, cases)


def _note_call(frame: Frame, key: tuple[object, ...], where: str, summary: Summary, site: int | None) -> None:
    """Who makes the call: what it costs, and the decisions in it, are theirs."""
    world, here = frame.world, frame.condition
    inner = world.calls.get(key)
    if inner is None:
        inner = world.calls[key] = Inner(join(frame.body.path, where), summary, site)
    world.entries += 1
    inner.met = world.universe.either(inner.met, here)
    inner.times.append(here)
    if not frame.body.again:
        inner.made = world.universe.either(inner.made, here)


def _decided_below(frame: Frame, where: str) -> tuple[tuple[str, Value], ...]:
    """The decisions of a `decide` that lie inside a call: they belong to what makes it the same as another."""
    if not frame.session.decided:
        return ()
    path = join(frame.absolute_path(), where) + "."
    return tuple(
        (name.removeprefix(path), value) for name, value in frame.session.decided.items() if name.startswith(path)
    )


def summarize(
    frame: Frame | None,
    component: Component,
    inputs: tuple[Value, ...],
    span: Span,
    spans: Mapping[str, Span],
    label: str,
    session: Session | None = None,
) -> Summary:
    """Run a component for definite settings and inputs in a world of its own, and sum up all that its choices can make
    of it."""
    session = frame.session if frame is not None else cast(Session, session)
    world = World(Universe(session.limits.conditions))
    inner = enter(frame, session, world, component, "", label, span, ALWAYS)
    try:
        result = run(inner, component, inputs, span, spans)
    except Abandoned:
        result = UNKNOWN
    except Fault as fault:
        inner.report(fault.diagnostic)
        result = UNKNOWN
    body = inner.body
    cases: list[tuple[tuple[tuple[str, Value], ...], Value, bool]] = []
    conditions: list[Condition] = []
    if world.alive != NEVER:
        universe = world.universe
        for condition, value in expanded(universe, result, session.limits.cases):
            reachable = universe.both(condition, world.alive)
            if reachable != NEVER:
                cases.append((world.decisions(reachable), value, world.depends_on_size(reachable)))
                conditions.append(reachable)
    return Summary(
        tuple(cases),
        world.rejection,
        body.parameters,
        body.macs,
        body.instances,
        body.nodes,
        tuple(body.state),
        tuple(body.labels),
        len(world.sites),
        world,
        tuple(conditions),
    )


def reject(frame: Frame, span: Span, reason: Callable[[], Diagnostic]) -> None:
    """No candidate goes on from here, for what stands at `span`. Where that leaves none at all, the reason is worked
    out and kept."""
    world = frame.world
    gone = frame.effective()
    left = world.universe.without(world.alive, gone)
    before = world.universe.share(world.alive)
    world.kept *= world.universe.share(left) / before if before else 0.0
    if gone != NEVER:
        world.rejected.append((gone, span))
        if left == NEVER:
            world.rejection = reason()
    world.alive = left


def outside(value: Value, span: Span, inputs: tuple[Value, ...]) -> Value:
    """A result seen from the caller: made by the call."""
    if isinstance(value, Tensor):
        return Tensor(value.type, Origin(span, tuple(t for given in inputs for t in tensors_of(given))))
    if isinstance(value, tuple):
        return type(value)(outside(item, span, inputs) for item in value)
    return value
