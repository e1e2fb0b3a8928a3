"""Following several candidates at once: values that depend on choices, taken apart into definite cases and put together
again."""

from collections.abc import Callable, Iterator
from typing import cast, overload

from archdsl.meaning.conditions import ALWAYS, NEVER, Condition, Universe
from archdsl.meaning.run import Abandoned, Fault, Frame, TooManyCases
from archdsl.meaning.values import (
    UNKNOWN,
    Applicable,
    Component,
    Composed,
    Configured,
    Placed,
    Step,
    Tensor,
    Value,
    Variant,
    Wrapped,
    chain_of,
    has_variant,
)
from archdsl.source import Span


def expanded(universe: Universe, value: Value, limit: int) -> list[tuple[Condition, Value]]:
    """A value that may hold variants anywhere, as its definite forms."""
    if isinstance(value, Variant):
        return [
            (c, v)
            for condition, inner in value.cases
            for deeper, v in (expanded(universe, inner, limit) if has_variant(inner) else [(ALWAYS, inner)])
            if (c := universe.both(condition, deeper)) != NEVER
        ]
    if not has_variant(value):
        return [(ALWAYS, value)]
    if isinstance(value, tuple):
        return [
            (c, type(value)(items))
            for c, items in product(universe, [expanded(universe, item, limit) for item in value], limit)
        ]
    if isinstance(value, Component):
        inner = product(universe, [expanded(universe, v, limit) for _, v in value.settings], limit)
        names = [name for name, _ in value.settings]
        return [(c, Component(value.callee, tuple(zip(names, items, strict=True)), value.spans)) for c, items in inner]
    if isinstance(value, Configured):
        inner = product(universe, [expanded(universe, v, limit) for _, v in value.settings], limit)
        names = [name for name, _ in value.settings]
        return [(c, Configured(value.entry, tuple(zip(names, items, strict=True)))) for c, items in inner]
    if isinstance(value, Composed):
        inner = product(universe, [expanded(universe, step.component, limit) for step in value.steps], limit)
        labels = [step.label for step in value.steps]
        return [
            (c, chain_of(tuple(Step(cast(Applicable, part), label) for part, label in zip(items, labels, strict=True))))
            for c, items in inner
        ]
    if isinstance(value, Wrapped):
        return [
            (c, Wrapped(value.wrapper, cast(Applicable, inner))) for c, inner in expanded(universe, value.inner, limit)
        ]
    if isinstance(value, Placed):
        return [
            (c, Placed(cast(Applicable, inner), value.label, value.token, value.body, value.span))
            for c, inner in expanded(universe, value.inner, limit)
        ]
    return [(ALWAYS, value)]


def product(
    universe: Universe, parts: list[list[tuple[Condition, Value]]], limit: int
) -> list[tuple[Condition, tuple[Value, ...]]]:
    """All combinations that some candidate reaches."""
    states: list[tuple[Condition, tuple[Value, ...]]] = [(ALWAYS, ())]
    for alternatives in parts:
        if len(alternatives) == 1 and alternatives[0][0] == ALWAYS:
            only = alternatives[0][1]
            states = [(c, (*items, only)) for c, items in states]
            continue
        states = [
            (c, (*items, v)) for s, items in states for k, v in alternatives if (c := universe.both(s, k)) != NEVER
        ]
        if len(states) > limit:
            raise TooManyCases
    return states


def spread(
    frame: Frame, arguments: tuple[Value, ...], deep: bool, limit: int | None = None
) -> list[tuple[Condition, tuple[Value, ...]]]:
    """The definite combinations of arguments that the current candidates bring. Shallow: a list stays one, with its
    variants inside."""
    universe = frame.world.universe
    most = frame.session.limits.cases if limit is None else limit
    parts: list[list[tuple[Condition, Value]]] = [
        expanded(universe, a, most) if deep else list(a.cases) if isinstance(a, Variant) else [(ALWAYS, a)]
        for a in arguments
    ]
    now = frame.effective()
    return [(c, items) for c, items in product(universe, parts, most) if universe.both(now, c) != NEVER]


def merged(frame: Frame, cases: list[tuple[Condition, Value]]) -> Value:
    """One value from the cases: equal ones put together, a plain value where no candidate makes a difference."""
    universe = frame.world.universe
    groups: dict[tuple[type, Value], Condition] = {}
    for condition, value in cases:
        for deeper, inner in value.cases if isinstance(value, Variant) else ((ALWAYS, value),):
            c = universe.both(condition, deeper)
            if c != NEVER:
                key = (type(inner), inner)
                groups[key] = universe.either(groups.get(key, NEVER), c)
    if not groups:
        return UNKNOWN
    if len(groups) == 1:
        return next(iter(groups))[1]
    return Variant(tuple((c, value) for (_, value), c in groups.items()))


@overload
def lift(frame: Frame, function: Callable[[Value], Value], first: Value, /, *, deep: bool = False) -> Value: ...
@overload
def lift(
    frame: Frame, function: Callable[[Value, Value], Value], first: Value, second: Value, /, *, deep: bool = False
) -> Value: ...
@overload
def lift(frame: Frame, function: Callable[..., Value], /, *arguments: Value, deep: bool = False) -> Value: ...


def lift(frame: Frame, function: Callable[..., Value], *arguments: Value, deep: bool = False) -> Value:
    """`function` of arguments that may depend on choices: called once for each definite combination. A fault in one of
    them is reported with a candidate that reaches it, and the others go on."""
    if not frame.world.universe.options or not any(
        has_variant(a) if deep else isinstance(a, Variant) for a in arguments
    ):
        return function(*arguments)
    return merged(frame, [(c, value) for c, value in each(frame, function, spread(frame, arguments, deep))])


def each(
    frame: Frame, function: Callable[..., Value], cases: list[tuple[Condition, tuple[Value, ...]]]
) -> Iterator[tuple[Condition, Value]]:
    """The function's value in each case, run under the case's condition."""
    before = frame.condition
    for condition, items in cases:
        frame.condition = frame.world.universe.both(before, condition)
        if frame.effective() == NEVER:
            frame.condition = before
            continue
        try:
            value = function(*items)
        except Fault as fault:
            frame.report(fault.diagnostic)
            value = UNKNOWN
        except Abandoned:
            value = UNKNOWN
        finally:
            frame.condition = before
        yield condition, value


def split(frame: Frame, truth: Value) -> tuple[Condition, Condition]:
    """The candidates for which a boolean holds, and those for which it does not."""
    if truth is True:
        return ALWAYS, NEVER
    if truth is False:
        return NEVER, ALWAYS
    yes = no = NEVER
    if isinstance(truth, Variant):
        universe = frame.world.universe
        for condition, value in truth.cases:
            if value is True:
                yes = universe.either(yes, condition)
            elif value is False:
                no = universe.either(no, condition)
    return yes, no


def origin_of(tensor: Value) -> Span | None:
    return tensor.origin.span if isinstance(tensor, Tensor) and tensor.origin else None


def part_of(value: Value, position: int) -> Value:
    """One element of a definite list; what is unknown has unknown parts."""
    return value[position] if isinstance(value, tuple | range) else UNKNOWN
