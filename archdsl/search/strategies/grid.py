"""`grid`: every candidate of the space, in the order in which its text writes the options."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from random import Random

from archdsl.search.contract import Candidate, Domain, Objective, Part, Trial
from archdsl.search.strategies.enumeration import every_candidate
from archdsl.search.strategies.told import Told, names_of


@dataclass(slots=True)
class Grid:
    """Goes through the candidates; what was told before it began is passed over."""

    told: Told
    rest: Iterator[Candidate]

    def propose(self, rng: Random, pending: Sequence[Candidate]) -> Candidate | None:
        waiting = names_of(pending)
        return next((found for found in self.rest if self.told.is_new(found, waiting)), None)

    def tell(self, trial: Trial, candidate: Candidate) -> None:
        self.told.add(trial, candidate)

    def remarks(self) -> Mapping[str, float | str]:
        return {}


def strategy(part: Part, domain: Domain, objectives: Sequence[Objective]) -> Grid:
    return Grid(Told(objectives), every_candidate(domain))
