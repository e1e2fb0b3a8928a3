"""Running the body of a declared component: a frame for it, its tensors and settings bound, its statements, its
result."""

from collections.abc import Mapping
from typing import cast

from archdsl.diagnostics import codes
from archdsl.meaning.binding import bind_settings, bind_tensors
from archdsl.meaning.conditions import NEVER, Condition
from archdsl.meaning.contracts import check_result
from archdsl.meaning.declared import Declared
from archdsl.meaning.dispatch import execute
from archdsl.meaning.externs import promised
from archdsl.meaning.run import Body, Fault, Frame, Session
from archdsl.meaning.values import UNKNOWN, Component, Value
from archdsl.meaning.variants import merged
from archdsl.meaning.worlds import World
from archdsl.source import Span

STEPS_OF_A_BODY = 10
"""What entering a body counts against the limit of steps, beside its statements."""


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
    frame.session.step(span, STEPS_OF_A_BODY)
    names = [t.name.text for t in declared.tensors]
    given = [*inputs, *([None] * (len(names) - len(inputs)))]
    demands = bind_tensors(frame, declared, given, [spans.get(name, span) for name in names], span)
    bind_settings(frame, component, span)
    for demand in demands:
        demand()
    if declared.body is None:
        return promised(frame, declared, given[0] if given else None, span)
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


def check_depth(frame: Frame | None, component: Component, span: Span) -> None:
    """Refuse to go deeper than the limit."""
    if frame is None:
        return
    limit = frame.session.limits.recursion
    if frame.depth >= limit:
        what, done = ("calls", "called") if component.kind == "function" else ("components", "applied")
        raise Fault(
            codes.RECURSION.at(
                span,
                f"{what} are nested more than {limit} deep",
                f"`{component.name}` is {done} again here",
                notes=(f"raise the limit: --limit recursion={2 * limit}",),
            )
        )
