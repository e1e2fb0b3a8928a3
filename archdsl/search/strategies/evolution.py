"""`evolution`: children of the best of those that live; a new one takes the place of the oldest.

This is regularised (ageing) evolution: the latest trials live, however good older ones were. With `keep` it goes in
generations instead, whose parents are the best so far. In both the predictor, where there is one, picks of many
children."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from random import Random
from typing import cast

from archdsl.search.contract import Candidate, Domain, Objective, Option, Part, Trial
from archdsl.search.standings import best
from archdsl.search.strategies.breeding import Breeding, best_of_sample, breeding
from archdsl.search.strategies.told import Told
from archdsl.search.strategies.variation import Variation

STARTUP = 10
"""Random trials before a predictor is of use."""


@dataclass(frozen=True, slots=True)
class Plan:
    """The settings: numbers are of a generation, that is of as many trials as the population has members."""

    population: int
    sample: int
    keep: int | None
    generations: int | None
    mutations: int | None
    crossovers: int | None

    @property
    def crossed(self) -> int:
        """Children of two parents in a generation."""
        if self.crossovers is not None:
            return min(self.crossovers, self.population)
        return min(self.population // 2, self.population - min(self.mutations or 0, self.population))

    @property
    def mutated(self) -> int:
        """Children of one parent in a generation."""
        return self.population - self.crossed if self.mutations is None else self.mutations

    def kind(self, number: int) -> str:
        """What the child is that is proposed as this one. Kinds take turns, so that each gets its number."""
        at = number * 7919 % self.population
        return "crossed" if at < self.crossed else "mutated" if at < self.crossed + self.mutated else "drawn"


@dataclass(slots=True)
class Evolution:
    """Ageing evolution on genomes."""

    plan: Plan
    variation: Variation
    told: Told
    breeding: Breeding
    startup: int
    _parents: tuple[int, list[Candidate]] = field(default=(0, []))

    def propose(self, rng: Random, pending: Sequence[Candidate]) -> Candidate | None:
        number = len(self.told) + len(pending)
        if self.plan.generations is not None and number >= self.plan.generations * self.plan.population:
            return None
        kind = self.plan.kind(number)
        if len(self.told) < self.startup or kind == "drawn":
            return self.breeding.drawn(rng, pending)
        return self.breeding.proposal(rng, pending, lambda r: self._child(r, kind))

    def tell(self, trial: Trial, candidate: Candidate) -> None:
        self.told.add(trial, candidate)
        self.breeding.tell()

    def remarks(self) -> Mapping[str, float | str]:
        return self.breeding.remarks()

    def living(self) -> list[Candidate]:
        """Those that may become parents, the best first; of equals the latest."""
        count = len(self.told)
        if self._parents[0] != count:
            if self.plan.keep is None:
                numbers = list(range(count - 1, max(count - self.plan.population, 0) - 1, -1))
            else:
                numbers = list(range(max(count - count % self.plan.population, min(count, self.startup)) - 1, -1, -1))
            found = best([self.told.standings[number] for number in numbers], self.plan.keep or len(numbers))
            self._parents = count, [self.told.candidates[numbers[at]] for at in found]
        return self._parents[1]

    def _child(self, rng: Random, kind: str) -> Mapping[str, Option]:
        if kind == "crossed":
            return self.variation.crossed(rng, self._parent(rng), self._parent(rng))
        return self.variation.mutated(rng, self._parent(rng))

    def _parent(self, rng: Random) -> Candidate:
        """The best of a sample of the living; of those kept, any."""
        living = self.living()
        if self.plan.keep is not None:
            return rng.choice(living)
        return living[best_of_sample(rng, len(living), self.plan.sample)]


def strategy(part: Part, domain: Domain, objectives: Sequence[Objective]) -> Evolution:
    population = cast(int, part["population"])
    told = Told(objectives)
    surrogate = bool(part["surrogate"])
    plan = Plan(
        population,
        cast("int | None", part["sample"]) or max(population // 4, 1),
        cast("int | None", part["keep"]),
        cast("int | None", part["generations"]),
        cast("int | None", part["mutations"]),
        cast("int | None", part["crossovers"]),
    )
    startup = min(population, STARTUP) if surrogate else population
    variation = Variation(cast("float | None", part["mutate"]))
    return Evolution(plan, variation, told, breeding(domain, told, surrogate), startup)
