"""`random`: candidates drawn uniformly, none twice."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from random import Random

from archdsl.search.contract import Candidate, Domain, Objective, Part, Trial
from archdsl.search.strategies.told import Told, names_of
from archdsl.search.strategies.unseen import Unseen


@dataclass(slots=True)
class RandomDraws:
    """Draws until the space has no more."""

    told: Told
    unseen: Unseen

    def propose(self, rng: Random, pending: Sequence[Candidate]) -> Candidate | None:
        return self.unseen.drawn(rng, names_of(pending))

    def tell(self, trial: Trial, candidate: Candidate) -> None:
        self.told.add(trial, candidate)

    def remarks(self) -> Mapping[str, float | str]:
        return {}


def strategy(part: Part, domain: Domain, objectives: Sequence[Objective]) -> RandomDraws:
    told = Told(objectives)
    return RandomDraws(told, Unseen(domain, told))
