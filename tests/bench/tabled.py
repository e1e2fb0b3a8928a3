"""Searches on complete tables: all values are known, so that what was found can be compared with the best there is."""

import csv
import gzip
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from random import Random

from archdsl.meaning.catalogue.registry import family
from archdsl.search.contract import Objective, Option, Part
from archdsl.search.fronts import Point, front, hypervolume
from archdsl.search.strategies.registry import strategy_of
from tests.search.domains import HandMade, Walk, finished, wishes

MACRO = Path(__file__).parent.parent / "data" / "nasbench_macro_cifar10.csv.gz"
Values = tuple[float, ...]
Seen = Callable[[Mapping[str, Option]], Values]
Search = Callable[["Table", tuple[Objective, ...], Seen, int, int], list[dict[str, Option]]]
"""Looks at so many candidates of a table under a seed, and returns their genomes in order."""


@dataclass(frozen=True, slots=True)
class Table:
    """What a search sees of each genome, what is true of it, and what it costs."""

    domain: HandMade
    seen: Mapping[tuple[Option, ...], float]
    true: Mapping[tuple[Option, ...], float]
    cost: Mapping[tuple[Option, ...], float]

    def regret(self, genomes: list[dict[str, Option]]) -> float:
        """How much worse the one that looked best is than the best there is."""
        chosen = max(genomes, key=lambda genome: self.seen[key(genome)])
        return max(self.true.values()) - self.true[key(chosen)]

    def points(self, genomes: list[dict[str, Option]]) -> list[Point]:
        return [(-self.seen[key(genome)], self.cost[key(genome)]) for genome in genomes]

    def missing(self, genomes: list[dict[str, Option]], reference: Point) -> float:
        """The share of the hypervolume of the whole table that these do not dominate."""
        return 1.0 - hypervolume(self.points(genomes), reference) / self.volume(reference)

    def volume(self, reference: Point) -> float:
        return hypervolume(self.front(), reference)

    def front(self) -> list[Point]:
        every = [(-self.seen[each], self.cost[each]) for each in self.seen]
        return [every[number] for number in front(every)]

    def references(self) -> dict[str, Point]:
        """The worst of all, and what is a little worse than all of the front."""
        all_points, best = [(-self.seen[each], self.cost[each]) for each in self.seen], self.front()
        near = tuple(max(axis) + 0.05 * (max(axis) - min(axis)) for axis in zip(*best, strict=True))
        return {"worst": tuple(max(axis) for axis in zip(*all_points, strict=True)), "near": near}


def key(genome: Mapping[str, Option]) -> tuple[Option, ...]:
    return tuple(genome.values())


@cache
def macro() -> Table:
    """NAS-Bench-Macro: the search sees the accuracy of one training, the mean of three is true."""
    names = ("identity", "k3_e3", "k5_e6")
    with gzip.open(MACRO, "rt", encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    keys = [tuple(names[int(row[f"block{site}"])] for site in range(8)) for row in rows]

    def space(walk: Walk) -> None:
        for site in range(8):
            walk.take(f"blocks.{site}", names)

    def column(name: str) -> dict[tuple[Option, ...], float]:
        return {each: float(row[name]) for each, row in zip(keys, rows, strict=True)}

    return Table(HandMade(space), column("acc1"), column("mean_acc"), column("flops"))


def ours(name: str, **settings: object) -> Search:
    """A strategy of ours, with its default settings where nothing else is said."""

    def search(table: Table, objectives: tuple[Objective, ...], seen: Seen, budget: int, seed: int):
        defaults = {each.name: each.default for each in family("strategy")[name].settings}
        strategy = strategy_of(Part(name, defaults | settings), table.domain, objectives)
        found: list[dict[str, Option]] = []
        for number in range(budget):
            candidate = strategy.propose(Random(f"{seed}/{number}"), ())
            assert candidate is not None
            strategy.tell(finished(number, candidate, *seen(candidate.genome)), candidate)
            found.append(candidate.genome)
        return found

    return search


def one_objective(table: Table) -> tuple[tuple[Objective, ...], Seen]:
    return wishes("max"), lambda genome: (table.seen[key(genome)],)


def two_objectives(table: Table) -> tuple[tuple[Objective, ...], Seen]:
    return wishes("max", "min"), lambda genome: (table.seen[key(genome)], table.cost[key(genome)])
