"""What a strategy was told, in order: all the state that it has."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass, field

from archdsl.search.contract import Candidate, Objective, Option, Trial
from archdsl.search.standings import Standing, standing_of


@dataclass(slots=True)
class Told:
    """The trials so far with their candidates, and how each stands."""

    objectives: Sequence[Objective]
    candidates: list[Candidate] = field(default_factory=list[Candidate])
    standings: list[Standing] = field(default_factory=list[Standing])
    _names: set[str] = field(default_factory=set[str])
    _genomes: set[frozenset[tuple[str, Option]]] = field(default_factory=set[frozenset[tuple[str, "Option"]]])

    def add(self, trial: Trial, candidate: Candidate) -> None:
        self.candidates.append(candidate)
        self.standings.append(standing_of(trial, self.objectives))
        self._names.add(name_of(candidate))
        self._genomes.add(frozenset(candidate.genome.items()))

    def has_genome(self, genome: frozenset[tuple[str, Option]]) -> bool:
        """Whether a trial of exactly these decisions has finished."""
        return genome in self._genomes

    def is_new(self, candidate: Candidate, pending: Collection[str]) -> bool:
        """Whether nothing is known of this candidate, and nothing on its way."""
        name = name_of(candidate)
        return name not in self._names and name not in pending

    def __len__(self) -> int:
        return len(self.candidates)


def name_of(candidate: Candidate) -> str:
    """What tells candidates apart: the hash, or the genome where none was computed."""
    return candidate.hash or repr(candidate.genome)


def names_of(candidates: Sequence[Candidate]) -> frozenset[str]:
    return frozenset(name_of(candidate) for candidate in candidates)
