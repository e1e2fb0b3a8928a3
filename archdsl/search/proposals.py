"""What is evaluated next: what an earlier run proposed and did not finish, what the search begins with, and then what
its strategy proposes."""

from collections import deque
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from random import Random

from archdsl.search.contract import Candidate, Domain, Genome, Rejected, Strategy, Trial
from archdsl.search.strategies.told import name_of

MOST_REPEATS = 1000
"""A strategy that proposes only what was evaluated, so often in a row, has nothing left."""


@dataclass(frozen=True, slots=True)
class Proposed:
    """A candidate with the number of its proposal; `again` if an earlier run proposed it."""

    proposal: int
    candidate: Candidate
    again: bool = False


@dataclass(slots=True)
class Proposals:
    """Gives one candidate after the other, none of them twice. The random numbers of a proposal come from the seed and
    its number alone, so that a search that goes on proposes what it would have proposed."""

    domain: Domain
    strategy: Strategy
    seed: int
    begin: Sequence[Genome] = ()
    made: int = 0
    seen: set[str] = field(default_factory=set[str])
    waiting: deque[Proposed] = field(default_factory=deque[Proposed])
    duplicates: int = 0

    def take(self, pending: Sequence[Candidate]) -> Proposed | None:
        """The next one; None where there is none, or none before a pending one has finished."""
        while self.waiting:
            found = self.waiting.popleft()
            if self._is_new(found.candidate):
                return found
        for _ in range(MOST_REPEATS):
            proposal = self.made
            rng = self.numbers(proposal)
            candidate = self._begun(proposal, rng) or self.strategy.propose(rng, pending)
            if candidate is None:
                return None
            self.made += 1
            if self._is_new(candidate):
                return Proposed(proposal, candidate)
            self.duplicates += 1
        return None

    def go_on(
        self,
        trials: Iterable[Trial],
        unfinished: Iterable[tuple[int, Genome]],
        tell: Callable[[Trial, Candidate], None],
    ) -> None:
        """Tell the strategy, and whoever else wants to know, what has finished, and put what has not to the front.
        Raises ValueError for a trial that is no candidate of this space."""
        for trial in trials:
            candidate = self.known(trial.genome, f"trial {trial.number}")
            self.strategy.tell(trial, candidate)
            tell(trial, candidate)
            self.seen.add(name_of(candidate))
            self.made = max(self.made, trial.proposal + 1)
        for proposal, genome in sorted(unfinished, key=lambda pair: pair[0]):
            self.waiting.append(Proposed(proposal, self.known(genome, f"proposal {proposal}"), again=True))
            self.made = max(self.made, proposal + 1)

    def numbers(self, proposal: int) -> Random:
        """The random numbers of a proposal."""
        return Random(f"{self.seed}/{proposal}")

    def _begun(self, proposal: int, rng: Random) -> Candidate | None:
        """What the search was told to begin with, as long as there is of it."""
        if proposal >= len(self.begin):
            return None
        found = self.domain.complete(self.begin[proposal], rng)
        return None if isinstance(found, Rejected) else found

    def known(self, genome: Genome, what: str) -> Candidate:
        """The candidate of a genome that was one before."""
        found = self.domain.complete(genome, Random(0))
        if isinstance(found, Rejected):
            raise ValueError(f"{what} is no candidate of this space any more: {found.reason}")
        return found

    def _is_new(self, candidate: Candidate) -> bool:
        name = name_of(candidate)
        known = name in self.seen
        self.seen.add(name)
        return not known
