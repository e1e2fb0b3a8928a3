"""Lists that are run through: comprehensions, the elements of loops, and several names for the parts of one value."""

from collections.abc import Iterator
from typing import cast

from archdsl.diagnostics import codes
from archdsl.diagnostics.record import Diagnostic
from archdsl.meaning.conditions import ALWAYS, NEVER
from archdsl.meaning.dispatch import evaluate, evaluates
from archdsl.meaning.expressions import decide
from archdsl.meaning.op_calls import apply_op
from archdsl.meaning.operators import check_length
from archdsl.meaning.run import Abandoned, Fault, Frame, TooManyCases
from archdsl.meaning.types import describe
from archdsl.meaning.values import UNKNOWN, Tensor, Unknown, Value, Variant
from archdsl.meaning.variants import lift, merged, part_of
from archdsl.source import Span
from archdsl.syntax import nodes
from archdsl_compiler import sizes
from archdsl_compiler.ops.registry import ops
from archdsl_compiler.sizes import Symbolic

MOST_REPEATED = 40
"""Characters of the user's text that a note says again."""


@evaluates(nodes.Listing)
def listing(node: nodes.Listing, frame: Frame) -> Value:
    """A comprehension. Its variables are its own; each element is named after its place."""
    hidden = {t.text: frame.names.get(t.text, frame) for clause in node.clauses for t in clause.targets}
    base, before = frame.naming, frame.condition
    items: list[tuple[int, Value]] = []
    try:
        _listing(node, frame, 0, items, base)
    finally:
        frame.naming, frame.condition = base, before
        for key, value in hidden.items():
            if value is frame:
                frame.names.pop(key, None)
            else:
                frame.names[key] = cast(Value, value)
    if all(condition == before for condition, _ in items):
        return frame.session.weighed(tuple(value for _, value in items), node.span)
    return _conditional_list(frame, items)


def _listing(node: nodes.Listing, frame: Frame, depth: int, items: list[tuple[int, Value]], base: str) -> None:
    if depth == len(node.clauses):
        frame.session.step(node.span)
        check_length(frame, node.span, len(items) + 1)
        frame.naming = f"{base}.{len(items)}" if base else ""
        value = evaluate(node.element, frame)
        items.append((frame.condition, value))
        return
    clause = node.clauses[depth]
    for condition, value in elements(frame, clause.iterable):
        outer = frame.condition
        frame.condition = frame.world.universe.both(outer, condition)
        if frame.effective() == NEVER:
            frame.condition = outer
            continue
        try:
            frame.session.step(clause.span)
            unpack(frame, clause.targets, value, clause.iterable.span, element=True)
            if clause.condition is not None:
                yes, _ = decide(frame, clause.condition, "the condition of a comprehension")
                frame.condition = frame.world.universe.both(frame.condition, yes)
                if frame.effective() == NEVER:
                    continue
            _listing(node, frame, depth + 1, items, base)
        finally:
            frame.condition = outer


def _conditional_list(frame: Frame, items: list[tuple[int, Value]]) -> Value:
    """A list in which some elements exist for some candidates only: one list for each combination, equal ones put
    together."""
    universe = frame.world.universe
    now = frame.effective()
    states: dict[tuple[Value, ...], int] = {(): ALWAYS}
    for condition, value in items:
        following: dict[tuple[Value, ...], int] = {}
        for prefix, reached in states.items():
            for taken, extended in ((condition, (*prefix, value)), (universe.negate(condition), prefix)):
                c = universe.both(reached, taken)
                if universe.both(c, now) != NEVER:
                    following[extended] = universe.either(following.get(extended, NEVER), c)
        states = following
        if len(states) > frame.session.limits.cases:
            raise TooManyCases
    return merged(frame, [(c, values) for values, c in states.items()])


def elements(frame: Frame, node: nodes.Expression) -> Iterator[tuple[int, Value]]:
    """The elements of a list, each with the candidates that have it."""
    value = evaluate(node, frame)
    if isinstance(value, range):
        frame.session.step(node.span, 0 if len(value) <= frame.session.limits.steps else len(value))
        for item in value:
            yield ALWAYS, item
        return
    if isinstance(value, tuple):
        for item in value:
            yield ALWAYS, item
        return
    if isinstance(value, Unknown):
        raise Abandoned
    if isinstance(value, Variant):
        yield from _variant_elements(frame, node, value)
        return
    raise Fault(_no_list(node.span, value))


def _variant_elements(frame: Frame, node: nodes.Expression, value: Variant) -> Iterator[tuple[int, Value]]:
    universe = frame.world.universe
    lists: list[tuple[int, tuple[Value, ...] | range]] = []
    for condition, inner in value.cases:
        if isinstance(inner, Unknown) or universe.both(frame.effective(), condition) == NEVER:
            continue
        if not isinstance(inner, tuple | range):
            raise Fault(_no_list(node.span, inner))
        lists.append((condition, inner))
    for position in range(max((len(items) for _, items in lists), default=0)):
        cases = [(condition, items[position]) for condition, items in lists if position < len(items)]
        present = NEVER
        for condition, _ in cases:
            present = universe.either(present, condition)
        yield present, merged(frame, cases)


def _no_list(span: Span, value: Value) -> Diagnostic:
    notes: tuple[str, ...] = ()
    if type(value) is int:
        notes = (f"to count, write `0..<{span.text if span.text.isidentifier() else value}`",)
    if isinstance(value, Tensor):
        notes = ("a tensor is unpacked by `let a, b = x`, or cut by `split(x, parts, axis=...)`",)
    return codes.NOT_A_LIST.at(
        span, f"a list or range is needed here, not {describe(value)}", "not a list", notes=notes
    )


def unpack(
    frame: Frame, targets: tuple[nodes.Identifier, ...], value: Value, span: Span, *, element: bool = False
) -> None:
    """Bind names to a value, which may be an `element` of a loop's list: one to the whole, several to its parts."""
    if len(targets) == 1:
        frame.bind(targets[0].text, value)
        return
    parts = lift(frame, lambda v: _parts(frame, v, len(targets), span, element), value)
    for position, target in enumerate(targets):
        frame.bind(target.text, lift(frame, part_of, parts, position))


def _parts(frame: Frame, value: Value, count: int, span: Span, element: bool) -> Value:
    if isinstance(value, Unknown):
        return UNKNOWN
    if isinstance(value, Tensor):
        length = value.type.shape[0] if value.type.shape else 0
        if isinstance(length, Symbolic):
            length = count if not sizes.is_batch_dependent(length) else 0
        if length == count:
            return tuple(_take(frame, value, i, span) for i in range(count))
        told = f"the first axis of {value.type} is {value.type.shape[0] if value.type.shape else 'missing'}"
    elif isinstance(value, tuple | range):
        if len(value) == count:
            return tuple(value)
        told = f"{describe(value)} has {len(value)} elements"
    else:
        told = f"{describe(value)} has no parts"
    numbers = element and count == 2 and len(span.text) <= MOST_REPEATED
    notes = (f"`enumerate({span.text})` numbers the elements",) if numbers else ()
    title = f"{count} names cannot be bound: {told}"
    raise Fault(codes.CANNOT_UNPACK.at(span, title, f"{count} values are needed", notes=notes))


def _take(frame: Frame, tensor: Tensor, position: int, span: Span) -> Value:
    return apply_op(frame, ops()["index"], (tensor,), {"places": (position,)}, span, {"x": span})
