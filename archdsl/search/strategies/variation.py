"""Children: the genome of a parent with something changed, or what two parents give together.

A child is what is wanted of a candidate. The domain completes it: what its decisions reach anew is drawn there, and
what is reached no more is passed over."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from random import Random

from archdsl.search.contract import Candidate, Decision, Option
from archdsl.search.strategies.paths import grafted, numeric, place_of, rows_of, without_inside
from archdsl.search.strategies.rows import CHANGES

MORE = 0.35
"""The chance of one more decision, after each that is drawn anew."""
OF_A_ROW = 0.25
"""The share of changes that are of a row, where there are rows."""
STEPS = 0.5
"""The share of changes of a number that go to the next one."""
SUBTREES = 0.3
"""The share of the children of two parents that are one of them with a part of the other."""
BLENDED = 15.0
"""How near to their parents the children of two reals are (the index of simulated binary crossover)."""
MOVED = 20.0
"""How near a real that is changed stays to what it was (the index of polynomial mutation)."""


@dataclass(frozen=True, slots=True)
class Variation:
    """How children come about: the chance that each decision is drawn anew, or none for one and at times a few more."""

    mutate: float | None = None

    def mutated(self, rng: Random, parent: Candidate) -> dict[str, Option]:
        """The parent with at least one change."""
        if not parent.decisions:
            return {}
        rows = rows_of(parent.decisions)
        if self.mutate is None and rows and rng.random() < OF_A_ROW:
            return rng.choice(CHANGES)(rng, parent.genome, rng.choice(rows))
        return self._redrawn(rng, parent.genome, parent.decisions)

    def _redrawn(self, rng: Random, genome: dict[str, Option], decisions: Sequence[Decision]) -> dict[str, Option]:
        for decision in self._changed(rng, decisions):
            if decision.path in genome:
                genome = redrawn(rng, genome, decision)
        return genome

    def crossed(self, rng: Random, one: Candidate, other: Candidate) -> dict[str, Option]:
        """What two parents give: each place from one of them, or one decision with all inside of it from the other; in
        half of the children something is drawn anew."""
        if not one.decisions:
            return {}
        found = _subtree(rng, one, other) if rng.random() < SUBTREES else self._mixed(rng, one, other)
        return self._redrawn(rng, found, one.decisions) if rng.random() < 0.5 else found

    def _mixed(self, rng: Random, one: Candidate, other: Candidate) -> dict[str, Option]:
        by_place = rng.random() < 0.5
        mine, theirs = one.genome, other.genome
        ranges = {decision.path: decision.bounds for decision in one.decisions if decision.bounds is not None}
        sides: dict[str, bool] = {}
        found: dict[str, Option] = {}
        for path in {**mine, **theirs}:
            place = place_of(path) if by_place else _outermost(path, sides)
            side = sides.setdefault(place, rng.random() < 0.5)
            if path in ranges and path in theirs:
                found[path] = _blended(rng, mine[path], theirs[path], ranges[path])
            elif path in (genome := mine if side else theirs):
                found[path] = genome[path]
        return found

    def _changed(self, rng: Random, decisions: Sequence[Decision]) -> list[Decision]:
        if self.mutate is not None:
            some = [decision for decision in decisions if rng.random() < self.mutate]
            return some or [rng.choice(decisions)]
        count = 1
        while count < len(decisions) and rng.random() < MORE:
            count += 1
        return rng.sample(decisions, count)


def redrawn(rng: Random, genome: Mapping[str, Option], decision: Decision) -> dict[str, Option]:
    """The genome with another open option at a decision; what sat inside of the old one goes."""
    found = without_inside(genome, decision.path)
    if decision.bounds is not None:
        found[decision.path] = _moved(rng, genome[decision.path], decision.bounds)
        return found
    options = [decision.options[number] for number in decision.allowed]
    if numeric(options) and rng.random() < STEPS:
        ordered = sorted(options, key=lambda option: float(str(option)))
        at = ordered.index(decision.taken)
        found[decision.path] = rng.choice(ordered[max(at - 1, 0) : at] + ordered[at + 1 : at + 2])
        return found
    others = [option for option in options if option != decision.taken or type(option) is not type(decision.taken)]
    if others:
        found[decision.path] = rng.choice(others)
    return found


def _outermost(path: str, sides: Mapping[str, bool]) -> str:
    """The path, or the one already met that it sits inside of."""
    at = path.find(".")
    while at >= 0:
        if path[:at] in sides:
            return path[:at]
        at = path.find(".", at + 1)
    return path


def _subtree(rng: Random, one: Candidate, other: Candidate) -> dict[str, Option]:
    """A decision of one, with all inside of it, becomes what the other has at a decision of the same options."""
    at = rng.choice(one.decisions)
    alike = [decision for decision in other.decisions if decision.options == at.options]
    source = next((d for d in alike if d.path == at.path and rng.random() < 0.5), rng.choice(alike) if alike else None)
    if source is None or source.bounds is not None:
        return one.genome
    return grafted(one.genome, at.path, other.genome, source.path)


def _blended(rng: Random, mine: Option, theirs: Option, bounds: tuple[float, float]) -> float:
    """A real between or beside those of the parents, as likely as not one of theirs."""
    one, other = float(str(mine)), float(str(theirs))
    if rng.random() < 0.5:
        return one
    u = rng.random()
    power = 1.0 / (BLENDED + 1.0)
    beta = (2.0 * u) ** power if u <= 0.5 else (1.0 / (2.0 * (1.0 - u))) ** power
    beta = beta if rng.random() < 0.5 else -beta
    return min(max(0.5 * ((1.0 + beta) * one + (1.0 - beta) * other), bounds[0]), bounds[1])


def _moved(rng: Random, taken: Option, bounds: tuple[float, float]) -> float:
    low, high = bounds
    value, u, power = float(str(taken)), rng.random(), 1.0 / (MOVED + 1.0)
    delta = (2.0 * u) ** power - 1.0 if u < 0.5 else 1.0 - (2.0 * (1.0 - u)) ** power
    return min(max(value + delta * (high - low), low), high)
