"""The state of an evaluation, from the widest to the narrowest: a `Session` (limits, what was found, what is
remembered), a `World` (the choices that conditions speak of), a `Body` (the module being built) and a `Frame` (the
names in sight).

There is one evaluator. Elaborating asks a chooser for each decision, so every value is definite. Checking asks nobody:
a choice becomes a `Variant`, and the evaluator follows all candidates at once. What no candidate tells apart is
evaluated once."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Protocol

from archdsl.diagnostics import codes
from archdsl.diagnostics.record import ArchError, Diagnostic
from archdsl.meaning.conditions import ALWAYS, NEVER, Condition
from archdsl.meaning.decisions import Offer, Taken
from archdsl.meaning.declared import Declared, Unit
from archdsl.meaning.limits import DEFAULT_LIMITS, Limits
from archdsl.meaning.values import Component, Pair, Tensor, Unknown, Value, show
from archdsl.meaning.worlds import World, settled
from archdsl.source import Span
from archdsl_compiler.graph import Call, Wrapper, join
from archdsl_compiler.ops.contract import Inferred, Op


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

    def recall(self, path: str, offer: Offer | None = None) -> Value:
        """The option at `path` where it is decided already, or may be decided now that the offer is known; else
        UNKNOWN. Lets a module be found again without running it."""
        ...

    def __call__(self, path: str, names: tuple[Value, ...], allowed: tuple[int, ...], span: Span) -> int:
        """The number of the option taken at `path`, one of `allowed`; `names` are the options as they are recorded."""
        ...


COST_OF_CHOICE = 6
"""A step for all candidates of a space at once counts as so many for one; beyond, the space is covered instead."""
MOST_SHOWN = 3
"""Of the candidates that reach a fault."""


@dataclass(slots=True)
class Finding:
    """A fault, told once for its place however many candidates reach it; the first of them, as the text orders them, is
    shown."""

    diagnostic: Diagnostic
    rank: tuple[tuple[int, int], ...] = ()
    reached: list[str] = field(default_factory=list[str])
    root: int = 0

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
    root: int = 0
    steps: int = 0
    weights: dict[int, tuple[tuple[Value, ...], int]] = field(default_factory=dict[int, tuple[tuple[Value, ...], int]])
    evaluating: list[tuple[Unit, str]] = field(default_factory=list[tuple[Unit, str]])
    applied: set[int] = field(default_factory=set[int])
    inferred: dict[tuple[object, ...], Inferred] = field(default_factory=dict[tuple[object, ...], Inferred])
    remembered: dict[object, object] = field(default_factory=dict[object, object])
    probing: bool = False
    counting: bool = False
    without_requirements: bool = False
    samples: int = 0
    covered: list[str] = field(default_factory=list[str])
    sampled: list[str] = field(default_factory=list[str])
    relaxed: bool = False
    choosing: bool = False
    exhausted: bool = False
    stopped: set[str] = field(default_factory=set[str])
    decided: dict[str, Value] = field(default_factory=dict[str, Value])
    decided_at: dict[str, tuple[Span, Span]] = field(default_factory=dict[str, tuple[Span, Span]])
    reached: set[str] = field(default_factory=set[str])

    def add(self, diagnostic: Diagnostic, reached: str = "", rank: tuple[tuple[int, int], ...] = ()) -> None:
        """Take note of a fault, and of one more way to reach it where it is known."""
        key = (diagnostic.code, diagnostic.primary.span)
        finding = self.findings.get(key)
        if finding is None:
            self.findings[key] = Finding(diagnostic, rank, [reached] if reached else [], self.root)
        elif reached and finding.reached and finding.root == self.root and reached not in finding.reached:
            if rank < finding.rank:
                finding.diagnostic, finding.rank = diagnostic, rank
                finding.reached.insert(0, reached)
            else:
                finding.reached.append(reached)

    @property
    def found(self) -> tuple[Diagnostic, ...]:
        return tuple(finding.told() for finding in self.findings.values())

    def begin(self) -> None:
        """Start on a further declaration: each has its own budget and its own candidates. Where one has used its budget
        up, which was told, the others get a sixteenth of it: they tend to take as long, and somebody waits."""
        self.exhausted = self.exhausted or codes.TOO_MANY_STEPS.name in self.stopped
        self.stopped.clear()
        self.steps = self.limits.steps // 16 * 15 if self.exhausted else 0
        self.choosing = False
        self.root += 1

    def weighed(self, items: tuple[Value, ...], span: Span) -> tuple[Value, ...]:
        """A list that was just made, unless with the lists inside it it holds more elements than the limit."""
        weight = len(items)
        for item in items:
            if type(item) is tuple or type(item) is Pair:
                weight += self.weights.get(id(item), (item, len(item)))[1]
        if weight > self.limits.elements:
            raise Fault(
                codes.LIST_TOO_LONG.at(
                    span,
                    f"this list holds more than {self.limits.elements:,} elements in all",
                    "with the lists inside it",
                    notes=(f"raise the limit: --limit elements={2 * self.limits.elements}",),
                )
            )
        if weight > len(items):
            self.weights[id(items)] = (items, weight)
        return items

    def step(self, span: Span, count: int = 1) -> None:
        self.steps += count
        if self.choosing and self.steps > self.limits.steps // COST_OF_CHOICE:
            raise TooManyCases
        if self.steps > self.limits.steps:
            raise Fault(
                codes.TOO_MANY_STEPS.at(
                    span,
                    f"evaluation takes more than {self.limits.steps:,} steps",
                    "still going on here",
                    notes=(
                        "loops and calls are run when the model is built",
                        f"raise the limit: --limit steps={10 * self.limits.steps}",
                    ),
                )
            )


@dataclass(slots=True, eq=False)
class Body:
    """The module that is being built: its calls so far and the labels that are taken, each with the candidates that
    took it."""

    path: str
    kind: str = ""
    in_model: bool = False
    labels: dict[str, tuple[Condition, Span]] = field(default_factory=dict[str, tuple[Condition, Span]])
    calls: list[Call] = field(default_factory=list[Call])
    values: int = 0
    wrappers: tuple[Wrapper, ...] = ()
    placed: dict[int, tuple[Value, tuple[object, ...]]] = field(
        default_factory=dict[int, tuple[Value, tuple[object, ...]]]
    )
    exposed: dict[str, int] = field(default_factory=dict[str, int])
    parameters: int = 0
    macs: int = 0
    instances: int = 1
    nodes: int = 0
    again: bool = False
    state: list[object] = field(default_factory=list[object])
    decisions: list[Taken] = field(default_factory=list[Taken])
    choices: int = 0
    chosen: dict[str, tuple[Condition, Span]] = field(default_factory=dict[str, tuple[Condition, Span]])
    names: dict[int, str] = field(default_factory=dict[int, str])

    def mark(self) -> tuple[int, int, int]:
        """What changes when an op or module is entered."""
        return self.values, len(self.labels), len(self.state)


@dataclass(frozen=True, slots=True)
class Wish:
    """An objective of a search: where it is declared, its direction, and the metric."""

    span: Span
    maximize: bool
    metric: Value


@dataclass(frozen=True, slots=True)
class Unmet:
    """A requirement that a trial misses: what a message says, and by how much, as a share of what is required."""

    told: str
    amount: float


@dataclass(slots=True)
class Measurements:
    """What is known of one trial while the body of its search is run for it, and the requirements that it misses."""

    known: Mapping[str, Value]
    unmet: list[Unmet] = field(default_factory=list[Unmet])


@dataclass(slots=True, eq=False)
class Frame:
    """One call of a component or function: its names, the condition under which its current statement runs, and its
    caller."""

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
    counted: bool = False
    targets: list[tuple[Value, Span]] = field(default_factory=list[tuple[Value, Span]])
    objectives: dict[str, Wish] = field(default_factory=dict[str, Wish])
    measurements: Measurements | None = None

    def bind(self, name: str, value: Value) -> None:
        """Let a name mean a value; the module that is being built remembers what its values were called first."""
        self.names[name] = value
        if type(value) is Tensor and not self.session.checking:
            self.body.names.setdefault(value.reference, name)

    @property
    def definite(self) -> bool:
        """Whether no value depends on a choice: one candidate is followed, or nothing was chosen in this world yet."""
        return not self.world.universe.options

    def effective(self) -> Condition:
        """The candidates for which the current statement runs."""
        return self.world.universe.both(self.condition, self.world.alive)

    def title(self, taken: Mapping[int, int]) -> str:
        """The component as the chain of calls shows it, for the candidate that takes these options."""
        if self.component is None:
            return ""
        settings = [
            f"{name}={show(settled(self.world.universe, taken, value))}"
            for name, value in self.component.settings
            if not isinstance(value, Unknown)
        ]
        text = ", ".join(settings)
        return f"{self.component.name}({text if len(text) <= 60 else text[:57] + '...'})"

    def report(self, diagnostic: Diagnostic) -> None:
        """Take note of a fault, with the candidates that reach it and the calls that led there."""
        session, where = self.session, self.effective()
        if where == NEVER or session.probing or self.depends_on_size():
            return
        if not session.checking and diagnostic.severity == "warning":
            return  # told when the program was checked
        if diagnostic.code in ONCE:
            if diagnostic.code in session.stopped:
                return
            session.stopped.add(diagnostic.code)
        diagnostic = with_origin(diagnostic, self)
        if not session.checking:
            raise ArchError((diagnostic,))
        session.add(diagnostic, told(self.decisions(where)), self.rank(where))

    @property
    def in_a_module(self) -> bool:
        """Whether this frame, or one that led here, makes a module."""
        callee = self.component.callee if self.component is not None else None
        if isinstance(callee, Declared) and callee.kind.module:
            return True
        return self.caller is not None and self.caller.in_a_module

    def holds(self, span: Span) -> bool:
        """Whether a place stands in the declaration that this frame runs."""
        if self.component is None or isinstance(self.component.callee, Op):
            return True
        own = self.component.callee.node.span
        return own.source == span.source and own.start <= span.start and span.end <= own.end

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
        return self.shown(self.world.witness(condition))

    def shown(self, taken: Mapping[int, int]) -> tuple[tuple[str, Value], ...]:
        """The decisions, from the root of the model, behind the options taken at sites of this frame's world."""
        boundary = self.boundary()
        own = self.world.shown(taken)
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
    """The diagnostic with the chain of calls that led to it, outermost first, as far as the body that the fault stands
    in."""
    if diagnostic.origin:
        return diagnostic
    chain: list[str] = []
    at: Frame | None = frame
    taken = frame.world.universe.witness(frame.effective())
    entered = False
    while at is not None:
        entered = entered or at.holds(diagnostic.primary.span)
        title = at.title(taken) if entered else ""
        if title:
            chain.append(f"{at.label} = {title}" if at.label and not at.label.startswith("_") else title)
        if at.caller is not None and at.caller.world is not at.world:
            taken = at.caller.world.universe.witness(at.caller.effective())
        at = at.caller
    return replace(diagnostic, origin=tuple(reversed(chain))) if len(chain) > 1 else diagnostic


def told(decisions: tuple[tuple[str, Value], ...]) -> str:
    """Decisions as messages list them."""
    return ", ".join(f"{path} = {show_option(value)}" for path, value in decisions)


def show_option(value: Value) -> str:
    """A recorded option: names of components stand bare."""
    return value if isinstance(value, str) else show(value)
