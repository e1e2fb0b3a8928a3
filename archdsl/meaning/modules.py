"""Applying declared components: each becomes a module of its own, evaluated once for equal settings and inputs.

While checking, a call with definite settings and input types is summed up in a world of its own, and the summary serves every other
call that is alike: that is what makes a space of any size small. A call whose settings depend on too many choices is followed in
its caller's world instead. While elaborating, the same key finds the `Module`, together with the decisions taken inside it."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import cast

from archdsl.diagnostics import codes
from archdsl.diagnostics.record import Diagnostic, Label
from archdsl.meaning.application import check_totals, place_of, structure_of
from archdsl.meaning.binding import bind_settings, bind_tensors
from archdsl.meaning.conditions import ALWAYS, NEVER, Condition, Universe
from archdsl.meaning.declared import Declared
from archdsl.meaning.dispatch import evaluate, execute
from archdsl.meaning.labels import claim, place
from archdsl.meaning.memory import Memory
from archdsl.meaning.run import (
    Abandoned,
    Body,
    Fault,
    Frame,
    Session,
    Site,
    TooManyCases,
    World,
    each,
    expanded,
    lift,
    merged,
    spread,
    told,
    with_origin,
)
from archdsl.meaning.types import describe
from archdsl.meaning.values import UNKNOWN, Component, Origin, Tensor, Unknown, Value, has_variant, show, tensors_of
from archdsl.source import Span
from archdsl.syntax import nodes
from archdsl_compiler import sizes
from archdsl_compiler.graph import Module, ModuleCall, Structure, join
from archdsl_compiler.types import TensorType

DEFINITE_CASES = 64
"""Up to so many combinations of settings and inputs a call is summed up for each; beyond, it is followed in its caller's world."""


@dataclass(frozen=True, slots=True)
class Summary:
    """What a call gives: its distinct results, each with decisions that lead there and whether it depends on an
    open size; none if every candidate is rejected."""

    cases: tuple[tuple[tuple[tuple[str, Value], ...], Value, bool], ...]
    rejection: Diagnostic | None
    parameters: int
    macs: int
    instances: int
    state: tuple[object, ...]
    labels: tuple[str, ...]
    sites: int


def apply_declared(
    frame: Frame,
    component: Component,
    inputs: tuple[Value, ...],
    span: Span,
    spans: Mapping[str, Span],
    label: str | None,
    hints: Mapping[str, str],
) -> Value:
    """The result of a declared component on its tensors."""
    declared = cast(Declared, component.callee)
    session = frame.session
    session.step(span)
    _check_depth(frame, component, span)
    _check_tensor_count(declared, inputs, span)
    session.applied.add(id(declared))
    if declared.body is None:
        return _apply_extern(frame, component, inputs, span, spans, label)
    if declared.kind.name == "function":
        raise AssertionError("functions run at once")
    if not session.checking:
        return _apply_module(frame, component, inputs, span, spans, label, hints)
    if not has_variant(component) and not any(map(has_variant, inputs)):
        return _apply_summary(frame, component, inputs, span, spans, label)
    try:
        cases = spread(frame, (component, *inputs), True, DEFINITE_CASES)
    except TooManyCases:
        where = place(frame, label, component.name, span)
        return _followed(frame, component, inputs, span, spans, where)

    def definite(chosen: Value, *given: Value) -> Value:
        return _apply_summary(frame, cast(Component, chosen), given, span, spans, label)

    return merged(frame, list(each(frame, definite, cases)))


def _check_depth(frame: Frame, component: Component, span: Span) -> None:
    limit = frame.session.limits.recursion
    if frame.depth >= limit:
        chain: list[str] = []
        at: Frame | None = frame
        while at is not None and len(chain) < 4:
            chain.append(at.title)
            at = at.caller
        raise Fault(
            codes.RECURSION.at(
                span,
                f"components are nested more than {limit} deep",
                f"`{component.name}` is applied again here",
                notes=(f"the innermost: {' in '.join(chain)}", "`--limit recursion=N` raises the limit"),
            )
        )


def _check_tensor_count(declared: Declared, inputs: tuple[Value, ...], span: Span) -> None:
    needed = [t for t in declared.tensors if t.default is None and not (t.form and t.form.optional)]
    if len(inputs) < len(needed):
        missing = needed[len(inputs)]
        raise Fault(
            codes.MISSING_TENSOR.at(
                span,
                f"`{declared.name}` needs its tensor `{missing.name.text}`",
                f"{len(inputs)} of {len(needed)} tensors are given",
                others=(Label(missing.span, "declared here"),),
            )
        )


def enter(
    frame: Frame | None,
    session: Session,
    world: World,
    component: Component,
    path: str,
    label: str,
    span: Span,
    condition: Condition,
) -> Frame:
    """A frame for the body of a component."""
    declared = cast(Declared, component.callee)
    body = Body(path, in_model=declared.kind.name == "model" and not declared.unit.packaged)
    return Frame(
        session,
        world,
        declared.unit,
        body,
        component,
        condition=condition,
        caller=frame,
        label=label,
        depth=frame.depth + 1 if frame else 0,
    )


def run(frame: Frame, component: Component, inputs: tuple[Value, ...], span: Span, spans: Mapping[str, Span]) -> Value:
    """Run a component's body in its frame: bind, execute, and hold the result against its contract."""
    declared = cast(Declared, component.callee)
    names = [t.name.text for t in declared.tensors]
    given = [*inputs, *([None] * (len(names) - len(inputs)))]
    demands = bind_tensors(frame, declared, given, [spans.get(name, span) for name in names], span)
    bind_settings(frame, component, span)
    for demand in demands:
        demand()
    assert declared.body is not None
    entered = frame.condition
    execute(declared.body, frame)
    frame.condition = entered
    result = returned(frame)
    check_result(frame, declared, given, result)
    return result


def returned(frame: Frame) -> Value:
    """What a body has returned, for the candidates that are still there."""
    if not frame.session.checking:
        return frame.results[0][1] if frame.results else UNKNOWN
    universe = frame.world.universe
    return merged(frame, [(c, v) for c, v, _ in frame.results if universe.both(c, frame.world.alive) != NEVER])


def check_result(frame: Frame, declared: Declared, inputs: list[Value], result: Value) -> None:
    """The promise of `->`, and that a mixer gives back the shape of its first tensor."""
    span = frame.results[-1][2] if frame.results else declared.node.span
    shapes = declared.node.result
    if shapes is not None:
        several = len(shapes) > 1
        for position, shape in enumerate(shapes):
            axes = [None if isinstance(axis, nodes.Rest) else evaluate(axis, frame) for axis in shape.axes]
            rest = next((i for i, axis in enumerate(shape.axes) if isinstance(axis, nodes.Rest)), None)
            bound = shape.axes[rest] if rest is not None else None
            if isinstance(bound, nodes.Rest) and bound.name is not None:
                known = frame.names.get(bound.name.text)
                if isinstance(known, tuple) and rest is not None:
                    axes[rest : rest + 1] = list(known)
                    rest = None

            def check(
                value: Value,
                *wanted: Value,
                shape: nodes.Shape = shape,
                rest: int | None = rest,
                position: int = position,
            ) -> Value:
                found = value[position] if several and isinstance(value, tuple) and len(value) > position else value
                _check_shape(declared, span, shape, wanted, rest, found)
                return None

            lift(frame, check, result, *axes, deep=True)
    if declared.kind.name == "mixer":
        lift(frame, lambda value, x: _check_mixer(declared, span, value, x), result, inputs[0])


def _check_shape(
    declared: Declared, span: Span, shape: nodes.Shape, wanted: tuple[Value, ...], rest: int | None, found: Value
) -> None:
    if isinstance(found, Unknown) or any(isinstance(w, Unknown) for w in wanted):
        return
    if isinstance(found, Tensor):
        actual = found.type.shape
        tail = len(wanted) - rest - 1 if rest is not None else 0
        fits = len(actual) == len(wanted) if rest is None else len(actual) >= len(wanted) - 1
        pairs = (
            list(zip(wanted, actual, strict=False))
            if rest is None
            else [
                *zip(wanted[:rest], actual, strict=False),
                *(zip(wanted[-tail:], actual[-tail:], strict=False) if tail else ()),
            ]
        )
        if fits and all(isinstance(w, int | sizes.Symbolic) and sizes.same(w, a) for w, a in pairs):
            return
    meant = f"[{', '.join('...' if i == rest else show(w) for i, w in enumerate(wanted))}]"
    told = f"{shape.span.text}, here {meant}" if meant != shape.span.text else meant
    raise Fault(
        codes.WRONG_RESULT.at(
            span,
            f"`{declared.name}` promises {told}, and returns {describe(found)}",
            f"this is {found.type}" if isinstance(found, Tensor) else "this is returned",
            others=(Label(shape.span, "promised here"),),
        )
    )


def _check_mixer(declared: Declared, span: Span, value: Value, x: Value) -> Value:
    if isinstance(value, Unknown) or isinstance(x, Unknown):
        return None
    if isinstance(value, Tensor) and isinstance(x, Tensor):
        if len(value.type.shape) == len(x.type.shape) and all(map(sizes.same, value.type.shape, x.type.shape)):
            return None
        got = f"{value.type}"
    else:
        got = describe(value)
    parameter = declared.tensors[0]
    taken = str(x.type) if isinstance(x, Tensor) else describe(x)
    raise Fault(
        codes.MIXER_SHAPE.at(
            span,
            f"the mixer `{declared.name}` returns {got} for {taken}",
            "a mixer returns the shape of its first tensor",
            others=(Label(parameter.span, f"`{parameter.name.text}` is {taken}"),),
            notes=("declare it as a `block` if its shape may change",),
        )
    )


# ---- checking


def _followed(
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
    return _outside(result, span, inputs)


def _apply_summary(
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
        check_totals(frame, span)
    body.state.append((where, summary.state))
    if not summary.cases:
        rejection = summary.rejection
        if rejection is not None:
            reject(frame, lambda: rejection)
        raise Abandoned
    if len(summary.cases) == 1:
        return _outside(summary.cases[0][1], span, inputs)
    site_key = (where, key)
    number = world.known.get(site_key)
    if number is None:
        number = world.known[site_key] = world.universe.new_site(len(summary.cases))
        of_size = any(depends for _, _, depends in summary.cases)
        world.sites.append(Site(join(body.path, where), (), span, of_size=of_size))
        prefix = join(body.path, where)
        for option, (decisions, _, _) in enumerate(summary.cases):
            world.inner[number, option] = tuple((join(prefix, path), value) for path, value in decisions)
    cases: list[tuple[Condition, Value]] = []
    for option, (_, value, _) in enumerate(summary.cases):
        cases.append((world.universe.taken(number, option), _outside(value, span, inputs)))
    return merged(frame, cases)


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
    """Run a component for definite settings and inputs in a world of its own, and sum up all that its choices can make of it."""
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
    if world.alive != NEVER:
        universe = world.universe
        for condition, value in expanded(universe, result, session.limits.cases):
            reachable = universe.both(condition, world.alive)
            if reachable != NEVER:
                cases.append((world.decisions(reachable), value, world.depends_on_size(reachable)))
    return Summary(
        tuple(cases),
        world.rejection,
        body.parameters,
        body.macs,
        body.instances,
        tuple(body.state),
        tuple(body.labels),
        len(world.sites),
    )


def reject(frame: Frame, reason: Callable[[], Diagnostic]) -> None:
    """No candidate goes on from here. Where that leaves none at all, the reason is worked out and kept."""
    world = frame.world
    gone = frame.effective()
    left = world.universe.without(world.alive, gone)
    before = world.universe.share(world.alive)
    world.kept *= world.universe.share(left) / before if before else 0.0
    if left == NEVER and gone != NEVER:
        decisions = told(frame.decisions(gone))
        notes = (f"reached by {decisions}",) if decisions else ()
        world.rejection = with_origin(reason(), frame).with_notes(*notes)
    world.alive = left


def _outside(value: Value, span: Span, inputs: tuple[Value, ...]) -> Value:
    """A result seen from the caller: made by the call."""
    if isinstance(value, Tensor):
        return Tensor(value.type, Origin(span, tuple(t for given in inputs for t in tensors_of(given))))
    if isinstance(value, tuple):
        return type(value)(_outside(item, span, inputs) for item in value)
    return value


# ---- elaborating


def _apply_module(
    frame: Frame,
    component: Component,
    inputs: tuple[Value, ...],
    span: Span,
    spans: Mapping[str, Span],
    label: str | None,
    hints: Mapping[str, str],
) -> Value:
    body = frame.body
    where = place(frame, label, component.name, span)
    path = join(body.path, where)
    module, shape = _module(frame, component, inputs, span, spans, where, path)
    first = body.values
    body.values += len(module.output_types)
    body.calls.append(
        ModuleCall(
            module,
            where,
            tuple(structure_of(value) for value in inputs),
            hints,
            first,
            module.output_types,
            body.again,
            body.wrappers,
            place_of(span),
        )
    )
    body.macs += module.macs
    body.state.append((where, module))
    if not body.again:
        body.parameters += module.params
        body.instances += module.instances
        check_totals(frame, span)
    prefix = f"{where}." if where != "_" else ""
    body.decisions += [(prefix + inner, value) for inner, value in module.decisions]  # pyright: ignore[reportArgumentType]
    if where == "_":
        for inner in module.labels():
            claim(frame, inner, span)
    return _values(shape, module, first, span, inputs)


def _module(
    frame: Frame,
    component: Component,
    inputs: tuple[Value, ...],
    span: Span,
    spans: Mapping[str, Span],
    where: str,
    path: str,
) -> tuple[Module, Structure]:
    """The module for these settings, inputs and inner decisions: found again where it was made before."""
    session = frame.session
    key = (component, tuple(_key(value) for value in inputs))
    made = cast("Memory[Module]", session.remembered.get(key))
    if made is None:
        made = session.remembered[key] = Memory[Module]()
    module = made.recall(session.chooser, path)
    if module is not None:
        return module, module.outputs
    inner = enter(frame, session, frame.world, component, path, where, span, ALWAYS)
    arguments, input_types = numbered(inputs)
    inner.body.values = len(input_types)
    result = run(inner, component, arguments, span, spans)
    module = finished(inner, component, arguments, input_types, result)
    made.keep(inner.body.decisions, module)
    return module, module.outputs


def _key(value: Value) -> object:
    return (
        value.type
        if isinstance(value, Tensor)
        else tuple(_key(v) for v in value)
        if isinstance(value, tuple)
        else value
    )


def numbered(inputs: tuple[Value, ...]) -> tuple[tuple[Value, ...], tuple[TensorType, ...]]:
    """The inputs as a module sees them: its first values."""
    types: list[TensorType] = []

    def own(value: Value) -> Value:
        if isinstance(value, Tensor):
            types.append(value.type)
            return Tensor(value.type, value.origin, len(types) - 1)
        return type(value)(own(item) for item in value) if isinstance(value, tuple) else value

    return tuple(own(value) for value in inputs), tuple(types)


def finished(
    frame: Frame, component: Component, inputs: tuple[Value, ...], input_types: tuple[TensorType, ...], result: Value
) -> Module:
    """The module that a body has become."""
    body = frame.body
    declared = cast(Declared, component.callee)
    outputs = [t.type for t in tensors_of(result)]
    names = [t.name.text for t in declared.tensors]
    return Module(
        component.name,
        declared.kind.name,
        tuple((name, frame.names.get(name)) for name in declared.settings),
        tuple((name, structure_of(value)) for name, value in zip(names, inputs, strict=False)),
        input_types,
        tuple(body.calls),
        structure_of(result),
        tuple(outputs),
        {name: value for name, value in frame.names.items() if isinstance(value, int | float | str)},
        tuple(body.decisions),
        body.exposed,
        place_of(declared.node.span),
        declared.node.doc,
        body.parameters,
        body.macs,
        body.instances,
    )


def _values(shape: Structure, module: Module, first: int, span: Span, inputs: tuple[Value, ...]) -> Value:
    """The module's results as values of the caller."""
    sources = tuple(t for given in inputs for t in tensors_of(given))
    origin = Origin(span, sources)
    position = -1

    def build(structure: Structure) -> Value:
        nonlocal position
        if isinstance(structure, tuple):
            return tuple(build(inner) for inner in structure)
        position += 1
        return Tensor(module.output_types[position], origin, first + position)

    return build(shape)


def _apply_extern(
    frame: Frame,
    component: Component,
    inputs: tuple[Value, ...],
    span: Span,
    spans: Mapping[str, Span],
    label: str | None,
) -> Value:
    """Python's own component: what it gives is what its arrow says; a mixer gives what it takes."""
    declared = cast(Declared, component.callee)
    where = place(frame, label, component.name, span)
    inner = enter(
        frame, frame.session, frame.world, component, join(frame.body.path, where), where, span, frame.condition
    )
    names = [t.name.text for t in declared.tensors]
    demands = bind_tensors(inner, declared, inputs, [spans.get(name, span) for name in names], span)
    bind_settings(inner, component, span)
    for demand in demands:
        demand()
    if declared.kind.name == "mixer" and declared.node.result is None:
        return _outside(inputs[0], span, inputs)
    results: list[Value] = []
    for shape in declared.node.result or ():
        axes = [UNKNOWN if isinstance(axis, nodes.Rest) else evaluate(axis, inner) for axis in shape.axes]

        def build(*given: Value) -> Value:
            if any(isinstance(size, Unknown) for size in given):
                return UNKNOWN
            return Tensor(TensorType(cast("tuple[sizes.Size, ...]", given)), Origin(span))

        results.append(lift(inner, build, *axes))
    if not results:
        return UNKNOWN
    return results[0] if len(results) == 1 else tuple(results)
