"""A space followed whole: all its genomes at once, as the checker follows them, ready to be counted, bounded and drawn
from."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from random import Random
from typing import Generic, TypeVar, cast

from archdsl.meaning.check import with_deep_stack
from archdsl.meaning.conditions import ALWAYS, NEVER, Condition, TooManyConditions, Universe
from archdsl.meaning.program import entry_of
from archdsl.meaning.roots import Root, run_entry
from archdsl.meaning.run import Session, TooManyCases
from archdsl.meaning.summaries import Summary
from archdsl.meaning.values import Component, Decided, Value, Variant, space_of
from archdsl.meaning.worlds import Inner, Site, World, settled
from archdsl.search.contract import Genome
from archdsl.source import Span
from archdsl.space.diagrams import Budget, Call, Charge, Diagram, Node
from archdsl.space.measures import Drawable, Goal, Measure
from archdsl.space.opened import Space
from archdsl_compiler.graph import join

_V = TypeVar("_V")
STEPS = 20
CONDITIONS = 20
CASES = 10
"""Who asks for numbers can wait longer than who checks a file: by so much the limits are raised."""


@dataclass(frozen=True, slots=True)
class Followed:
    """What following a space whole has left. `sampled` says that it has a continuous range, which was looked at in a
    few places; `loose` that some of the genomes are none after all, because a requirement was too much to follow."""

    root: Root
    session: Session
    entry: Component | Decided
    sampled: bool

    @property
    def loose(self) -> bool:
        return self.session.relaxed

    @property
    def world(self) -> World:
        return self.root.world


def follow_whole(space: Space, *, requirements: bool = True) -> Followed | None:
    """Follow all candidates of a space; None where they are too many to be followed. Without its requirements, those
    that a `require` rejects are followed too."""
    target = space.target
    limits = target.program.limits
    limits = replace(
        limits, steps=STEPS * limits.steps, conditions=CONDITIONS * limits.conditions, cases=CASES * limits.cases
    )

    def work() -> Followed | None:
        session = Session(limits, checking=True, without_requirements=not requirements)
        entry = entry_of(target.program, session, target.name, target.settings)
        if space.fixed:
            decided = entry.decisions if isinstance(entry, Decided) else ()
            entry = Decided(space_of(entry), (*decided, *cast("Mapping[str, Value]", space.fixed).items()))
        try:
            root = run_entry(session, entry, Span(target.program.unit.source, 0, 0))
        except (TooManyCases, TooManyConditions):
            return None
        return Followed(root, session, entry, session.samples > 0)

    return with_deep_stack(work)


@dataclass(slots=True)
class Survey(Generic[_V]):
    """A followed space, seen through one measure; each inner world is gone through once."""

    followed: Followed
    measure: Measure[_V]
    budget: Budget = field(default_factory=Budget)
    _diagrams: dict[int, "_View[_V]"] = field(default_factory=dict[int, "_View[_V]"])
    _cases: dict[tuple[int, Condition], Node[_V] | None] = field(
        default_factory=dict[tuple[int, Condition], Node[_V] | None]
    )

    def whole(self, condition: Condition = ALWAYS) -> Node[_V] | None:
        """All valid genomes that meet a further condition."""
        world = self.followed.world
        return self.genomes(world, world.universe.both(world.alive, condition))

    def genomes(self, world: World, condition: Condition) -> Node[_V] | None:
        """The genomes of a world that meet a condition."""
        key = id(world), condition
        if key not in self._cases:
            view = self.view(world)
            demands, charges = view.demands, view.charges
            self._cases[key] = view.diagram.begin([condition, *demands], charges)
        return self._cases[key]

    def view(self, world: World) -> "_View[_V]":
        found = self._diagrams.get(id(world))
        if found is None:
            found = self._diagrams[id(world)] = self._opened(world)
        return found

    def _opened(self, world: World) -> "_View[_V]":
        """The conditions and charges of a world."""
        universe = world.universe
        demands = list(_demands(world))
        pays = self.measure.pays
        charges: list[tuple[Condition, Charge]] = [
            (condition, Charge(params, macs)) for condition, (params, macs) in world.ledger.items() if pays
        ]
        calls = list(world.calls.values())
        inner: dict[Call, _V] = {}
        for number, call in enumerate(calls):
            if is_constant(call.summary):
                charges += _constant_charges(call) if pays else ()
                continue
            if call.site is not None:
                unmet = universe.negate(call.met)
                demands.append(universe.either(call.met, universe.taken(call.site, 0)))
                assert universe.both(unmet, call.met) == NEVER
            for case, condition in enumerate(call.summary.conditions):
                here = call.met if call.site is None else universe.both(call.met, universe.taken(call.site, case))
                charges.append((here, Charge(calls=((number, case),))))
                node = self.genomes(call.summary.world, condition)
                inner[number, case] = self.measure.none if node is None else node.value
        if world.alive != NEVER:
            known: dict[tuple[Condition, Condition], Condition] = {}
            demands = [universe.within(condition, world.alive, known) for condition in demands]
            charges = [(universe.within(condition, world.alive, known), charge) for condition, charge in charges]
        return _View(Diagram(universe, self.measure, inner, self.budget), demands, charges, calls)

    def genome(self, node: Node[_V], rng: Random, goal: Goal = 0) -> Genome:
        """One genome of a node, evenly. It also tells options of decisions that are none, because one alone is open;
        what it takes of a continuous range is left out."""
        genome: dict[str, Value] = {}
        self._drawn(self.followed.world, node, "", goal, rng, genome)
        return cast(Genome, genome)

    def _drawn(
        self, world: World, node: Node[_V], prefix: str, goal: Goal, rng: Random, genome: dict[str, Value]
    ) -> None:
        view = self.view(world)
        taken, calls = view.diagram.draw(node, cast("Drawable[_V]", self.measure), goal, rng)
        universe = world.universe
        for number, site in enumerate(world.sites):
            if is_choice(site) and not site.sampled and number in taken and universe.holds(site.met, taken):
                genome[join(prefix, site.path)] = settled(universe, taken, site.names[taken[number]])
        for (number, case), inner_goal in calls:
            call = view.calls[number]
            inner = self.genomes(call.summary.world, call.summary.conditions[case])
            assert inner is not None
            self._drawn(call.summary.world, inner, join(prefix, call.path), inner_goal, rng, genome)


@dataclass(slots=True)
class _View(Generic[_V]):
    """A world with what its diagram begins with."""

    diagram: Diagram[_V]
    demands: list[Condition]
    charges: list[tuple[Condition, Charge]]
    calls: list[Inner]


def is_choice(site: Site) -> bool:
    """Whether a site is a decision of its world, and not an open size or the cases of a call."""
    return bool(site.names) and not site.of_size


def is_constant(summary: Summary) -> bool:
    """Whether nothing is decided in a call."""
    return not summary.world.universe.options and all(is_constant(c.summary) for c in summary.world.calls.values())


def _constant_charges(call: Inner) -> Iterator[tuple[Condition, Charge]]:
    params, macs = constant_cost(call.summary.world)
    if params:
        yield call.made, Charge(params=params)
    if macs:
        for condition in call.times:
            yield condition, Charge(macs=macs)


def constant_cost(world: World) -> tuple[int, int]:
    """What a world without choices costs."""
    params = sum(p for p, _ in world.ledger.values())
    macs = sum(m for _, m in world.ledger.values())
    for call in world.calls.values():
        inner = constant_cost(call.summary.world)
        params += inner[0] if call.made != NEVER else 0
        macs += inner[1] * len(call.times)
    return params, macs


def _demands(world: World) -> Iterator[Condition]:
    """What makes options of sites genomes, each genome once: a site that is not met takes its first option, an open
    size too, and of options that are recorded alike only the first that is open is taken."""
    universe = world.universe
    for number, site in enumerate(world.sites):
        if site.of_size or site.sampled:
            yield universe.taken(number, 0)
        elif site.names:
            yield universe.either(site.met, universe.taken(number, 0))
            for first, second, alike in _alike(universe, site.names):
                both_open = universe.both(alike, site.left_open.get(first, ALWAYS))
                yield universe.negate(universe.both(both_open, universe.taken(number, second)))


def _alike(universe: Universe, names: tuple[Value, ...]) -> Iterator[tuple[int, int, Condition]]:
    """Options that are recorded as the same value, for some candidates."""
    varied = any(isinstance(name, Variant) for name in names)
    if not varied and len(set(map(_typed, names))) == len(names):
        return
    for second in range(1, len(names)):
        for first in range(second):
            alike = NEVER
            for a, one in _cases(names[first]):
                for b, other in _cases(names[second]):
                    if one == other and type(one) is type(other):
                        alike = universe.either(alike, universe.both(a, b))
            if alike != NEVER:
                yield first, second, alike


def _typed(value: Value) -> tuple[type, Value]:
    return type(value), value


def _cases(value: Value) -> Iterable[tuple[Condition, Value]]:
    return value.cases if isinstance(value, Variant) else ((ALWAYS, value),)
