"""Genetic algorithms in generations: the best of parents and children are the next parents.

Proposals wait for no generation to end: a generation is so many trials in the order in which they were told, and
parents change when it is full. `nsga2` and `nsga3` differ in who survives."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from random import Random
from typing import Protocol, cast

from archdsl.search.contract import Candidate, Domain, Objective, Option, Part, Trial
from archdsl.search.standings import Standing
from archdsl.search.strategies.breeding import Breeding, best_of_sample, breeding
from archdsl.search.strategies.told import Told
from archdsl.search.strategies.variation import Variation

STARTUP = 10
"""Random trials before a predictor is of use; without one the first generation is random."""


class Survival(Protocol):
    """Says who survives."""

    def __call__(self, standings: Sequence[Standing], count: int) -> list[int]:
        """The numbers of so many of them, those that win tournaments first."""
        ...


@dataclass(slots=True)
class Generations:
    """Binary tournaments among the survivors, crossover, mutation."""

    survive: Survival
    population: int
    generations: int | None
    crossover: float
    variation: Variation
    told: Told
    breeding: Breeding
    startup: int
    _survivors: list[int] = field(default_factory=list[int])
    _since: list[int] = field(default_factory=list[int])
    _parents: list[int] = field(default_factory=list[int])

    def propose(self, rng: Random, pending: Sequence[Candidate]) -> Candidate | None:
        number = len(self.told) + len(pending)
        if self.generations is not None and number >= self.generations * self.population:
            return None
        if len(self.told) < self.startup:
            return self.breeding.drawn(rng, pending)
        return self.breeding.proposal(rng, pending, self._child)

    def tell(self, trial: Trial, candidate: Candidate) -> None:
        self.told.add(trial, candidate)
        self.breeding.tell()
        self._since.append(len(self.told) - 1)
        if len(self._since) == self.population:
            self._survivors = self._best([*self._survivors, *self._since])
            self._since = []
        self._parents = []

    def remarks(self) -> Mapping[str, float | str]:
        return self.breeding.remarks()

    def parents(self) -> list[int]:
        """The numbers of the trials that may have children, the best first. A predictor needs no full generation to
        tell the good ones, so with one those of this generation have children too."""
        if self._survivors and self.breeding.predictor is None:
            return self._survivors
        if not self._parents:
            self._parents = self._best([*self._survivors, *self._since])
        return self._parents

    def _best(self, numbers: Sequence[int]) -> list[int]:
        standings = [self.told.standings[number] for number in numbers]
        return [numbers[at] for at in self.survive(standings, self.population)]

    def _child(self, rng: Random) -> Mapping[str, Option]:
        one = self._parent(rng)
        if rng.random() >= self.crossover:
            return self.variation.mutated(rng, one)
        return self.variation.crossed(rng, one, self._parent(rng))

    def _parent(self, rng: Random) -> Candidate:
        numbers = self.parents()
        return self.told.candidates[numbers[best_of_sample(rng, len(numbers), min(2, len(numbers)))]]


def in_generations(part: Part, domain: Domain, objectives: Sequence[Objective], survive: Survival) -> Generations:
    """A genetic algorithm with the settings of a part."""
    population = cast(int, part["population"])
    told = Told(objectives)
    surrogate = bool(part["surrogate"])
    return Generations(
        survive,
        population,
        cast("int | None", part["generations"]),
        cast(float, part["crossover"]),
        Variation(cast("float | None", part["mutate"])),
        told,
        breeding(domain, told, surrogate),
        min(population, STARTUP) if surrogate else population,
    )
