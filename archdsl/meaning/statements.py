"""What statements do. A statement that only some candidates reach binds its names for those alone."""

from typing import cast

from archdsl.diagnostics import codes
from archdsl.diagnostics.record import Diagnostic
from archdsl.meaning.catalogue import registry as catalogue
from archdsl.meaning.comprehensions import elements, unpack
from archdsl.meaning.conditions import NEVER, TooManyConditions
from archdsl.meaning.dispatch import evaluate, execute, executes
from archdsl.meaning.explain_values import candidate, explained_values
from archdsl.meaning.expressions import decide
from archdsl.meaning.fields import set_field
from archdsl.meaning.memory import remembered
from archdsl.meaning.operators import is_number, truth_of
from archdsl.meaning.run import Abandoned, Fault, Frame, TooManyCases, Unmet, told, with_origin
from archdsl.meaning.summaries import reject
from archdsl.meaning.types import describe
from archdsl.meaning.values import UNKNOWN, Amount, Tensor, Unknown, Value, show
from archdsl.meaning.variants import lift, merged, split
from archdsl.syntax import nodes


@executes(nodes.Let)
def let(node: nodes.Let, frame: Frame) -> None:
    frame.naming = node.targets[0].text if len(node.targets) == 1 else ""
    try:
        value = remembered(frame, node.value, lambda: evaluate(node.value, frame))
    finally:
        frame.naming = ""
    unpack(frame, node.targets, value, node.value.span)


@executes(nodes.Assign)
def assign(node: nodes.Assign, frame: Frame) -> None:
    """Rebinds the name; where other candidates do not come by, they keep what it was. In a body of fields a field is
    set, also one that is called like a setting: `epochs = epochs`."""
    name = node.name.text
    if frame.fields is not None and (name not in frame.names or name in catalogue.fields(frame.body.kind)):
        set_field(node, frame)
        return
    frame.naming = name
    try:
        value = evaluate(node.value, frame)
    finally:
        frame.naming = ""
    target = frame.names
    if frame.session.checking and name in target:
        universe = frame.world.universe
        before = universe.without(frame.world.alive, frame.condition)
        if before != NEVER:
            value = merged(frame, [(frame.condition, value), (universe.negate(frame.condition), target[name])])
    frame.bind(name, value)


@executes(nodes.Return)
def return_(node: nodes.Return, frame: Frame) -> None:
    values = tuple(evaluate(value, frame) for value in node.values)
    frame.results.append((frame.condition, values[0] if len(values) == 1 else values, node.span))
    frame.condition = NEVER


@executes(nodes.Require)
def require(node: nodes.Require, frame: Frame) -> None:
    """A fact that must hold: a candidate for which it does not is none. Without choices it is an error."""
    if frame.session.without_requirements:
        return
    try:
        value = evaluate(node.condition, frame)
        truth = lift(frame, lambda v: truth_of(v, node.condition.span, "a requirement"), value)
        if isinstance(truth, Unknown):
            return
        _, fails = split(frame, truth)
    except (TooManyCases, TooManyConditions):
        _leave_open(frame)
        return
    if fails == NEVER:
        return
    before = frame.condition
    frame.condition = frame.world.universe.both(before, fails)
    try:
        if frame.effective() == NEVER or frame.world.depends_on_size(fails):
            return
        if frame.measurements is not None:
            frame.measurements.unmet.append(Unmet(_missed(node, frame), _shortfall(node.condition, frame)))
        elif frame.session.checking:
            reject(frame, node.condition.span, lambda: with_origin(_unmet(node, frame), frame))
        else:
            raise Fault(_unmet(node, frame))
    finally:
        frame.condition = before
    if frame.effective() == NEVER:
        raise Abandoned


def _missed(node: nodes.Require, frame: Frame) -> str:
    """A requirement that a trial misses, with the values that it compares."""
    sides = node.condition.operands if isinstance(node.condition, nodes.Comparison) else ()
    values = ", ".join(f"{side.span.text} = {show(evaluate(side, frame))}" for side in sides if _is_open(side))
    why = f": {node.reason}" if node.reason else ""
    return f"`{node.condition.span.text}` does not hold{why}" + (f" ({values})" if values else "")


def _is_open(node: nodes.Expression) -> bool:
    """Whether an expression says something that its text does not."""
    return not isinstance(node, nodes.Integer | nodes.Real | nodes.Quantity)


def _shortfall(node: nodes.Expression, frame: Frame) -> float:
    """By what share of its larger side a comparison fails; 1 where that cannot be said."""
    if not isinstance(node, nodes.Comparison):
        return 1.0
    sides = [evaluate(operand, frame) for operand in node.operands]
    numbers = [side.number if isinstance(side, Amount) else side for side in sides]
    missed = 0.0
    for left, operator, right in zip(numbers, node.operators, numbers[1:], strict=False):
        if operator not in ("<", "<=", ">", ">=") or not (is_number(left) and is_number(right)):
            return 1.0
        a, b = float(cast(float, left)), float(cast(float, right))
        over = a - b if operator in ("<", "<=") else b - a
        missed += max(over, 0.0) / max(abs(a), abs(b), 1e-12)
    return missed or 1e-9


def _leave_open(frame: Frame) -> None:
    """Go on as if the requirement held: more candidates are followed then than there are. Where nothing is wrong with
    any of them, nothing is wrong; what is found is looked for again among real candidates."""
    frame.session.relaxed = True
    frame.world.universe.limit += frame.session.limits.conditions


def _unmet(node: nodes.Require, frame: Frame) -> Diagnostic:
    """The message for a requirement that fails, with the value of each of its parts."""
    title = f"requirement not met in {_owner(frame)}" + (f": {node.reason}" if node.reason else "")
    taken = candidate(node.condition, frame)
    notes = explained_values(node.condition, frame, taken)
    if decisions := told(frame.shown(taken)):
        notes += (f"reached by {decisions}",)
    return codes.REQUIREMENT.at(node.condition.span, title, "this does not hold", notes=notes)


def _owner(frame: Frame) -> str:
    return f"`{frame.component.name}`" if frame.component is not None else "the file"


@executes(nodes.Expose)
def expose(node: nodes.Expose, frame: Frame) -> None:
    value = evaluate(node.value, frame)

    def check(v: Value) -> Value:
        if not isinstance(v, Tensor | Unknown):
            raise Fault(
                codes.WRONG_TYPE.at(
                    node.value.span, f"`expose` makes a tensor visible, not {describe(v)}", "not a tensor"
                )
            )
        return None

    lift(frame, check, value)
    if isinstance(value, Tensor):
        frame.body.exposed[node.name.text] = value.reference


@executes(nodes.For)
def for_(node: nodes.For, frame: Frame) -> None:
    """The body once for each element, for the candidates that have it."""
    before = frame.condition
    universe = frame.world.universe
    gone = NEVER
    for condition, value in elements(frame, node.iterable):
        here = universe.without(universe.both(before, condition), gone)
        frame.condition = here
        if frame.effective() == NEVER:
            continue
        frame.session.step(node.span)
        unpack(frame, node.targets, value, node.iterable.span, element=True)
        execute(node.body, frame)
        gone = universe.either(gone, universe.without(here, frame.condition))
    frame.condition = universe.without(before, gone)


@executes(nodes.If)
def if_(node: nodes.If, frame: Frame) -> None:
    yes, no = decide(frame, node.condition, "the condition")
    before, universe = frame.condition, frame.world.universe
    after = NEVER
    unknown = universe.without(before, universe.either(yes, no))
    for side, body in ((yes, node.then), (no, node.otherwise)):
        frame.condition = universe.both(before, side)
        if side != NEVER and frame.effective() != NEVER and body is not None:
            try:
                if isinstance(body, nodes.If):
                    if_(body, frame)
                else:
                    execute(body, frame)
            except Abandoned:
                unknown = universe.either(unknown, universe.both(before, side))
                frame.condition = NEVER
        after = universe.either(after, frame.condition)
    if unknown != NEVER:
        frame.results.append((unknown, UNKNOWN, node.span))
    frame.condition = after
