"""Going through all genomes of a followed space at once.

The checker leaves conditions over choice sites: which candidates are alive, which reach a site, which pay for an op. A
`Part` is what is left to be decided when some sites have their options: conditions that must hold, and charges that are
paid where a condition holds. Parts that share no site are gone through apart, and equal parts once, so that long spaces
of small stages take time for their stages and not for their product."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from random import Random
from typing import Generic, TypeAlias, TypeVar

from archdsl.meaning.conditions import ALWAYS, NEVER, Condition, Universe
from archdsl.space.measures import Drawable, Goal, Measure

_V = TypeVar("_V")
Call: TypeAlias = tuple[int, int]
"""The number of a call of the world and of one of its cases."""


@dataclass(frozen=True, slots=True)
class Charge:
    """What a genome pays where a condition holds: a cost, and the inner genomes of calls."""

    params: int = 0
    macs: int = 0
    calls: tuple[Call, ...] = ()

    def __add__(self, other: "Charge") -> "Charge":
        return Charge(self.params + other.params, self.macs + other.macs, self.calls + other.calls)


@dataclass(frozen=True, slots=True)
class Part:
    """Conditions that must hold and charges, over sites that hang together; `sites` as the bits of a number."""

    demands: frozenset[Condition]
    charges: frozenset[tuple[Condition, Charge]]
    sites: int


@dataclass(slots=True)
class Node(Generic[_V]):
    """What an option of a part's first site leaves: what is paid at once, sites that nobody asks for, and parts. The
    `tails` are the values of the factors from each on, the last first."""

    paid: Charge
    free: int
    branches: "list[Branch[_V]]"
    value: _V
    tails: list[_V] = field(default_factory=list[_V])


@dataclass(slots=True)
class Branch(Generic[_V]):
    """A part, gone through: what each option of its first site leaves."""

    site: int
    nodes: list[Node[_V] | None]
    value: _V


class TooMuchWork(Exception):
    """Going through all genomes takes longer than anybody waits."""


@dataclass(slots=True)
class Budget:
    """How much may still be worked at, in conditions that are looked at."""

    left: int = 3_000_000

    def spend(self, work: int) -> None:
        self.left -= work
        if self.left < 0:
            raise TooMuchWork


@dataclass(slots=True)
class Diagram(Generic[_V]):
    """One world seen through one measure. `inner` gives the value of a case of a call."""

    universe: Universe
    measure: Measure[_V]
    inner: dict[Call, _V]
    budget: Budget
    _supports: dict[Condition, int] = field(default_factory=dict[Condition, int])
    _known: dict[Part, Branch[_V]] = field(default_factory=dict[Part, Branch[_V]])

    def begin(self, demands: Iterable[Condition], charges: Iterable[tuple[Condition, Charge]]) -> Node[_V] | None:
        """All genomes that meet the demands; None where there is none."""
        return self._node(set(demands), list(charges), (1 << len(self.universe.options)) - 1)

    def support(self, condition: Condition) -> int:
        """The sites that a condition looks at, as bits."""
        known = self._supports
        waiting = [condition]
        universe = self.universe
        while waiting:
            at = waiting[-1]
            if at <= ALWAYS or at in known:
                waiting.pop()
                continue
            below = [universe.after(at, k) for k in range(universe.options[universe.top(at)])]
            missing = [c for c in below if c > ALWAYS and c not in known]
            if missing:
                waiting += missing
                continue
            bits = 1 << universe.top(at)
            for child in below:
                bits |= known.get(child, 0)
            known[at] = bits
            waiting.pop()
        return known.get(condition, 0)

    def _node(self, demands: set[Condition], charges: list[tuple[Condition, Charge]], sites: int) -> Node[_V] | None:
        """What is left of some sites: split into what is paid, what is free and parts."""
        demands.discard(ALWAYS)
        if NEVER in demands:
            return None
        paid = Charge()
        open_charges: dict[Condition, Charge] = {}
        for condition, charge in charges:
            if condition == ALWAYS:
                paid += charge
            elif condition != NEVER:
                known = open_charges.get(condition)
                open_charges[condition] = charge if known is None else known + charge
        parts = self._parts(demands, open_charges)
        asked = 0
        for part in parts:
            asked |= part.sites
        free = sites & ~asked
        values = [self.measure.cost(paid.params, paid.macs)]
        values += [self.inner[call] for call in paid.calls]
        branches: list[Branch[_V]] = []
        for part in parts:
            branch = self._branch(part)
            if self.measure.empty(branch.value):
                return None
            branches.append(branch)
            values.append(branch.value)
        tails: list[_V] = [self.measure.one]
        for value in reversed(values):
            tails.append(self.measure.both(value, tails[-1]))
        whole = tails[-1]
        count = 1
        for site in bits_of(free):
            count *= self.universe.options[site]
        if count > 1:
            whole = self.measure.times(count, whole)
        return Node(paid, free, branches, whole, tails)

    def _parts(self, demands: set[Condition], charges: dict[Condition, Charge]) -> tuple[Part, ...]:
        """Conditions by the sites that hang together through them."""
        groups: list[tuple[int, list[Condition], list[tuple[Condition, Charge]]]] = []
        entries: list[tuple[int, Condition, Charge | None]] = [(self.support(c), c, None) for c in demands]
        entries += [(self.support(c), c, charge) for c, charge in charges.items()]
        for bits, condition, charge in entries:
            own: tuple[int, list[Condition], list[tuple[Condition, Charge]]] = (bits, [], [])
            if charge is None:
                own[1].append(condition)
            else:
                own[2].append((condition, charge))
            apart: list[tuple[int, list[Condition], list[tuple[Condition, Charge]]]] = []
            for group in groups:
                if group[0] & bits:
                    bits |= group[0]
                    if len(group[1]) + len(group[2]) > len(own[1]) + len(own[2]):
                        own, group = group, own
                    own[1].extend(group[1])
                    own[2].extend(group[2])
                else:
                    apart.append(group)
            apart.append((bits, own[1], own[2]))
            groups = apart
        groups.sort(key=lambda group: group[0] & -group[0])
        return tuple(Part(frozenset(wanted), frozenset(paid), bits) for bits, wanted, paid in groups)

    def _branch(self, part: Part) -> Branch[_V]:
        found = self._known.get(part)
        if found is None:
            universe = self.universe
            site = (part.sites & -part.sites).bit_length() - 1
            rest = part.sites & (part.sites - 1)
            nodes: list[Node[_V] | None] = []
            for option in range(universe.options[site]):
                self.budget.spend(1 + len(part.demands) + len(part.charges))
                demands = {universe.after(c, option) if universe.top(c) == site else c for c in part.demands}
                charges = [
                    (universe.after(c, option) if universe.top(c) == site else c, paid) for c, paid in part.charges
                ]
                nodes.append(self._node(demands, charges, rest))
            value = self.measure.any([self.measure.none if node is None else node.value for node in nodes])
            found = self._known[part] = Branch(site, nodes, value)
        return found

    def draw(
        self, node: Node[_V], measure: Drawable[_V], goal: Goal, rng: Random
    ) -> tuple[dict[int, int], list[tuple[Call, Goal]]]:
        """One genome of a node, evenly: the options of its sites, and the calls that are made with what each has to
        add up to."""
        taken: dict[int, int] = {}
        calls: list[tuple[Call, Goal]] = []
        waiting = [(node, goal)]
        while waiting:
            at, left = waiting.pop()
            for site in bits_of(at.free):
                taken[site] = rng.randrange(self.universe.options[site])
            factors: Sequence[Call | Branch[_V] | None] = [None, *at.paid.calls, *at.branches]
            for number, factor in enumerate(factors):
                tail = at.tails[len(factors) - 1 - number]
                if factor is None:
                    value = measure.cost(at.paid.params, at.paid.macs)
                elif isinstance(factor, Branch):
                    value = factor.value
                else:
                    value = self.inner[factor]
                own, left = measure.split(value, tail, left, rng)
                if isinstance(factor, Branch):
                    values = [measure.none if n is None else n.value for n in factor.nodes]
                    option = taken[factor.site] = measure.which(values, own, rng)
                    following = factor.nodes[option]
                    assert following is not None
                    waiting.append((following, own))
                elif factor is not None:
                    calls.append((factor, own))
        return taken, calls


def bits_of(bits: int) -> Iterable[int]:
    """The numbers of the bits that are set."""
    while bits:
        low = bits & -bits
        yield low.bit_length() - 1
        bits ^= low
