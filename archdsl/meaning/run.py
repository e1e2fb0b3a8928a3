"""The state of an evaluation, from the widest to the narrowest: a `Session` (limits, what was found, what is remembered), a
`World` (the choices that conditions speak of), a `Body` (the module being built) and a `Frame` (the names in sight).

There is one evaluator. Elaborating asks a chooser for each decision, so every value is definite. Checking asks nobody: a choice
becomes a `Variant`, and the evaluator follows all candidates at once. What no candidate tells apart is evaluated once."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Protocol

from archdsl.diagnostics import codes
from archdsl.diagnostics.record import ArchError, Diagnostic
from archdsl.meaning.conditions import ALWAYS, NEVER, Condition, Universe
from archdsl.meaning.declared import Unit
from archdsl.meaning.limits import DEFAULT_LIMITS, Limits
from archdsl.meaning.values import (
    UNKNOWN,
    Component,
    Composed,
    Configured,
    Placed,
    Step,
    Tensor,
    Unknown,
    Value,
    Variant,
    Wrapped,
    has_variant,
    show,
)
from archdsl.source import Span
from archdsl_compiler.graph import Call, Wrapper, join
from archdsl_compiler.ops.contract import Inferred


class Fault(Exception):
    """Something in the user's file is wrong; caught by the nearest statement, which reports it and goes on."""

    def __init__(self, diagnostic: Diagnostic) -> None:
        super().__init__(diagnostic.title)
        self.diagnostic = diagnostic


ONCE = {
    codes.TOO_MANY_STEPS.name,
    codes.RECURSION.name,
    codes.TOO_MANY_MODULES.name,
    codes.LIST_TOO_LONG.name,
    codes.TOO_LARGE.name,
}
"""Limits: a declaration that has met one is followed no further, and meets it on the way out again."""


class Abandoned(Exception):
    """The body cannot be followed further: it depends on something unknown, or no candidate is left."""


class TooManyCases(Exception):
    """More distinct cases than the limit: the space is covered by samples instead."""


class Chooser(Protocol):
    """Takes the decisions of one candidate."""

    def recall(self, path: str) -> Value:
        """The option at `path` where it is decided already, else UNKNOWN: lets a module be found again without running it."""
        ...

    def __call__(self, path: str, names: tuple[Value, ...], allowed: tuple[int, ...], span: Span) -> int:
        """The number of the option taken at `path`, one of `allowed`; `names` are the options as they are recorded."""
        ...


@dataclass(slots=True)
class Site:
    """A choice of a world. One `of_size` is an open comparison instead of a choice: it belongs to no genome. `options` are the
    places where the options are written; a choice from a list has one place for all."""

    path: str
    names: tuple[Value, ...]
    span: Span
    options: tuple[Span, ...] = ()
    of_size: bool = False


@dataclass(slots=True)
class World:
    """The candidates that are followed together. `open` are those that take no option which its `when`
    closes, `alive` those of them that no `require` has rejected; `inner` gives the decisions
    behind a case of a call that was summed up elsewhere."""

    universe: Universe
    sites: list[Site] = field(default_factory=list[Site])
    known: dict[tuple[object, ...], int] = field(default_factory=dict[tuple[object, ...], int])
    inner: dict[tuple[int, int], tuple[tuple[str, Value], ...]] = field(
        default_factory=dict[tuple[int, int], tuple[tuple[str, Value], ...]]
    )
    open: Condition = ALWAYS
    alive: Condition = ALWAYS
    kept: float = 1.0
    rejection: Diagnostic | None = None
    spaces: dict[Component, dict[str, Value]] = field(default_factory=dict[Component, dict[str, Value]])

    def decisions(self, condition: Condition) -> tuple[tuple[str, Value], ...]:
        """The fewest decisions that lead to a condition."""
        found: list[tuple[str, Value]] = []
        for number, option in sorted(self.universe.witness(condition).items()):
            site = self.sites[number]
            inner = self.inner.get((number, option))
            if inner is not None:
                found += inner
            elif not site.of_size:
                found.append((site.path, site.names[option]))
        return tuple(found)

    def depends_on_size(self, condition: Condition) -> bool:
        return any(self.sites[number].of_size for number in self.universe.support(condition))


MOST_SHOWN = 3
"""Of the candidates that reach a fault."""


@dataclass(slots=True)
class Finding:
    """A fault, told once for its place however many candidates reach it; the first of them, as the text orders them, is shown."""

    diagnostic: Diagnostic
    rank: tuple[tuple[int, int], ...] = ()
    reached: list[str] = field(default_factory=list[str])

    def told(self) -> Diagnostic:
        notes = [f"reached by {self.reached[0]}"] if self.reached else []
        notes += [f"also by {other}" for other in self.reached[1:MOST_SHOWN]]
        if len(self.reached) > MOST_SHOWN:
            notes.append(f"and by {len(self.reached) - MOST_SHOWN} more")
        return self.diagnostic.with_notes(*notes)


@dataclass(slots=True)
class Session:
    """One check or one elaboration, and what it remembers between the calls it follows."""

    limits: Limits = DEFAULT_LIMITS
    chooser: Chooser | None = None
    checking: bool = False
    findings: dict[tuple[str, Span], Finding] = field(default_factory=dict[tuple[str, Span], Finding])
    steps: int = 0
    modules: int = 0
    evaluating: list[tuple[Unit, str]] = field(default_factory=list[tuple[Unit, str]])
    applied: set[int] = field(default_factory=set[int])
    inferred: dict[tuple[object, ...], Inferred] = field(default_factory=dict[tuple[object, ...], Inferred])
    remembered: dict[object, object] = field(default_factory=dict[object, object])
    probing: bool = False
    sampled: bool = False
    stopped: set[str] = field(default_factory=set[str])
    decided: dict[str, Value] = field(default_factory=dict[str, Value])
    decided_at: dict[str, tuple[Span, Span]] = field(default_factory=dict[str, tuple[Span, Span]])
    reached: set[str] = field(default_factory=set[str])

    def add(self, diagnostic: Diagnostic, reached: str = "", rank: tuple[tuple[int, int], ...] = ()) -> None:
        """Take note of a fault, and of one more way to reach it where it is known."""
        key = (diagnostic.code, diagnostic.primary.span)
        finding = self.findings.get(key)
        if finding is None:
            self.findings[key] = Finding(diagnostic, rank, [reached] if reached else [])
        elif reached and finding.reached and reached not in finding.reached:
            if rank < finding.rank:
                finding.diagnostic, finding.rank = diagnostic, rank
                finding.reached.insert(0, reached)
            else:
                finding.reached.append(reached)

    @property
    def found(self) -> tuple[Diagnostic, ...]:
        return tuple(finding.told() for finding in self.findings.values())

    def begin(self) -> None:
        """Start on a further declaration: each has its own budget."""
        self.steps = 0
        self.stopped.clear()

    def step(self, span: Span, count: int = 1) -> None:
        self.steps += count
        if self.steps > self.limits.steps:
            raise Fault(
                codes.TOO_MANY_STEPS.at(
                    span,
                    f"evaluation takes more than {self.limits.steps:,} steps",
                    "still going on here",
                    notes=("loops and calls are run when the model is built; `--limit steps=N` raises the limit",),
                )
            )


@dataclass(slots=True, eq=False)
class Body:
    """The module that is being built: its calls so far and the labels that are taken, each with the candidates that took it."""

    path: str
    kind: str = ""
    in_model: bool = False
    labels: dict[str, tuple[Condition, Span]] = field(default_factory=dict[str, tuple[Condition, Span]])
    calls: list[Call] = field(default_factory=list[Call])
    values: int = 0
    wrappers: tuple[Wrapper, ...] = ()
    placed: dict[int, tuple[str, tuple[object, ...]]] = field(default_factory=dict[int, tuple[str, tuple[object, ...]]])
    exposed: dict[str, int] = field(default_factory=dict[str, int])
    parameters: int = 0
    macs: int = 0
    instances: int = 1
    again: bool = False
    state: list[object] = field(default_factory=list[object])
    decisions: list[tuple[str, Value]] = field(default_factory=list[tuple[str, Value]])
    choices: int = 0
    chosen: dict[str, tuple[Condition, Span]] = field(default_factory=dict[str, tuple[Condition, Span]])


@dataclass(slots=True, eq=False)
class Frame:
    """One call of a component or function: its names, the condition under which its current statement runs, and its caller."""

    session: Session
    world: World
    unit: Unit
    body: Body
    component: Component | None = None
    names: dict[str, Value] = field(default_factory=dict[str, Value])
    condition: Condition = ALWAYS
    caller: "Frame | None" = None
    label: str = ""
    naming: str = ""
    depth: int = 0
    results: list[tuple[Condition, Value, Span]] = field(default_factory=list[tuple[Condition, Value, Span]])
    fields: dict[str, Value] | None = None
    families: tuple[str, ...] = ()
    targets: list[tuple[Value, Span]] = field(default_factory=list[tuple[Value, Span]])
    objectives: dict[str, Span] = field(default_factory=dict[str, Span])

    def effective(self) -> Condition:
        """The candidates for which the current statement runs."""
        return self.world.universe.both(self.condition, self.world.alive)

    @property
    def title(self) -> str:
        """The component as the chain of calls shows it."""
        if self.component is None:
            return ""
        settings = [
            f"{name}={show(value)}" for name, value in self.component.settings if not isinstance(value, Unknown)
        ]
        text = ", ".join(settings)
        return f"{self.component.name}({text if len(text) <= 60 else text[:57] + '...'})"

    def report(self, diagnostic: Diagnostic) -> None:
        """Take note of a fault, with the candidates that reach it and the calls that led there."""
        session, where = self.session, self.effective()
        if where == NEVER or session.probing or self.depends_on_size():
            return
        if diagnostic.code in ONCE:
            if diagnostic.code in session.stopped:
                return
            session.stopped.add(diagnostic.code)
        diagnostic = with_origin(diagnostic, self)
        if not session.checking:
            raise ArchError((diagnostic,))
        session.add(diagnostic, told(self.decisions(where)), self.rank(where))

    def boundary(self) -> "Frame":
        """The outermost frame of this one's world."""
        frame = self
        while frame.caller is not None and frame.caller.world is self.world:
            frame = frame.caller
        return frame

    def depends_on_size(self) -> bool:
        """Whether it takes certain open sizes to get here."""
        if self.world.depends_on_size(self.effective()):
            return True
        outer = self.boundary().caller
        return outer is not None and outer.depends_on_size()

    def rank(self, condition: Condition) -> tuple[tuple[int, int], ...]:
        """What orders candidates as the text does: sites as they are met, options as they are written."""
        own = tuple(sorted(self.world.universe.witness(condition).items()))
        outer = self.boundary().caller
        return own if outer is None else outer.rank(outer.effective()) + own

    def decisions(self, condition: Condition) -> tuple[tuple[str, Value], ...]:
        """The decisions, from the root of the model, that lead to a condition of this frame's world."""
        boundary = self.boundary()
        own = self.world.decisions(condition)
        if boundary.caller is None:
            return own
        prefix = join(boundary.caller.absolute_path(), boundary.label)
        return boundary.caller.decisions(boundary.caller.effective()) + tuple(
            (join(prefix, path), value) for path, value in own
        )

    def absolute_path(self) -> str:
        """Where the body of this frame sits, seen from the root of the model."""
        boundary = self.boundary()
        outer = join(boundary.caller.absolute_path(), boundary.label) if boundary.caller is not None else ""
        return join(outer, self.body.path)


def with_origin(diagnostic: Diagnostic, frame: Frame) -> Diagnostic:
    """The diagnostic with the chain of calls that led to it, outermost first."""
    chain: list[str] = []
    at: Frame | None = frame
    while at is not None:
        if at.title:
            chain.append(f"{at.label} = {at.title}" if at.label and not at.label.startswith("_") else at.title)
        at = at.caller
    return replace(diagnostic, origin=tuple(reversed(chain))) if len(chain) > 1 else diagnostic


def told(decisions: tuple[tuple[str, Value], ...]) -> str:
    """Decisions as messages list them."""
    return ", ".join(f"{path} = {show_option(value)}" for path, value in decisions)


def show_option(value: Value) -> str:
    """A recorded option: names of components stand bare."""
    return value if isinstance(value, str) else show(value)


# ---- following several candidates at once


def both(frame: Frame, condition: Condition) -> Condition:
    return frame.world.universe.both(frame.condition, condition)


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
            (c, Composed(tuple(Step(part, label) for part, label in zip(items, labels, strict=True))))
            for c, items in inner
        ]  # pyright: ignore[reportArgumentType]
    if isinstance(value, Wrapped):
        return [(c, Wrapped(value.wrapper, inner)) for c, inner in expanded(universe, value.inner, limit)]  # pyright: ignore[reportArgumentType]
    if isinstance(value, Placed):
        return [
            (c, Placed(inner, value.label, value.token, value.body, value.span))
            for c, inner in expanded(universe, value.inner, limit)
        ]  # pyright: ignore[reportArgumentType]
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
    """The definite combinations of arguments that the current candidates bring. Shallow: a list stays one, with its variants inside."""
    universe = frame.world.universe
    most = frame.session.limits.cases if limit is None else limit
    parts = [
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


def lift(frame: Frame, function: Callable[..., Value], *arguments: Value, deep: bool = False) -> Value:
    """`function` of arguments that may depend on choices: called once for each definite combination. A fault in one of them is
    reported with a candidate that reaches it, and the others go on."""
    if not frame.session.checking or not any(has_variant(a) if deep else isinstance(a, Variant) for a in arguments):
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


Namespace = Mapping[str, Value]
