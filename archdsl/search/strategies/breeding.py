"""From parents to a proposal: children are made until one is new, or many are made and a predictor picks of them."""

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from random import Random
from typing import TYPE_CHECKING, TypeAlias

from archdsl.search.contract import Candidate, Domain, Option
from archdsl.search.strategies.told import Told, name_of, names_of
from archdsl.search.strategies.unseen import Unseen

if TYPE_CHECKING:
    from archdsl.search.strategies.predictor import Predictor

Wanted: TypeAlias = Mapping[str, Option]
Breed: TypeAlias = Callable[[Random], Wanted]
"""Makes a child of parents that it chooses itself."""
TRIES = 30
"""Children that are all known before something is drawn instead."""
PATIENCE = 1_000
"""Trials after which proposals are to be quick: what a trial more or less tells is little then."""
CHILDREN, CHILDREN_LATER = 96, 16
DRAWN, DRAWN_LATER = 8, 0
FINALISTS, FINALISTS_LATER = 8, 1


@dataclass(slots=True)
class Breeding:
    """Turns children into new candidates of a domain."""

    domain: Domain
    told: Told
    unseen: Unseen
    predictor: "Predictor | None"

    def tell(self) -> None:
        """Take in the trial that was told last."""
        if self.predictor is not None:
            self.predictor.learn()

    def remarks(self) -> Mapping[str, float | str]:
        """How well the predictor ranked."""
        return self.predictor.correlations() if self.predictor is not None else {}

    def drawn(self, rng: Random, pending: Sequence[Candidate]) -> Candidate | None:
        """A new candidate of no parent."""
        return self.unseen.drawn(rng, names_of(pending))

    def proposal(self, rng: Random, pending: Sequence[Candidate], breed: Breed) -> Candidate | None:
        """A new candidate; none where the space has no more."""
        waiting = names_of(pending)
        if self.predictor is not None and self.predictor.ready():
            found = self._picked(rng, pending, waiting, breed, self.predictor)
        else:
            found = self._first_new(rng, waiting, breed)
        return found or self.unseen.drawn(rng, waiting)

    def _first_new(self, rng: Random, waiting: Collection[str], breed: Breed) -> Candidate | None:
        for _ in range(TRIES):
            found = self.domain.complete(breed(rng), rng)
            if isinstance(found, Candidate) and self.told.is_new(found, waiting):
                return found
        return None

    def _picked(
        self, rng: Random, pending: Sequence[Candidate], waiting: Collection[str], breed: Breed, predictor: "Predictor"
    ) -> Candidate | None:
        """Children are ranked as they are wanted, the best of them completed and ranked again as they came out."""
        quick = len(self.told) >= PATIENCE
        wanted = self._children(rng, breed, CHILDREN_LATER if quick else CHILDREN)
        drawn = [self.domain.draw(rng) for _ in range(DRAWN_LATER if quick else DRAWN)]
        genomes: list[Wanted] = [*wanted, *(candidate.genome for candidate in drawn)]
        on_their_way = [candidate.genome for candidate in pending]
        gains = predictor.gains(rng, genomes, on_their_way)
        order = sorted(range(len(genomes)), key=lambda at: -gains[at])
        finalists: dict[str, Candidate] = {}
        for at in order:
            found = self.domain.complete(genomes[at], rng) if at < len(wanted) else drawn[at - len(wanted)]
            if isinstance(found, Candidate) and self.told.is_new(found, waiting):
                finalists.setdefault(name_of(found), found)
                if len(finalists) == (FINALISTS_LATER if quick else FINALISTS):
                    break
        last = list(finalists.values())
        if len(last) < 2:
            return last[0] if last else None
        again = predictor.gains(rng, [candidate.genome for candidate in last], on_their_way)
        return last[max(range(len(last)), key=lambda at: again[at])]

    def _children(self, rng: Random, breed: Breed, count: int) -> list[Wanted]:
        """Children that differ from one another and from what was told, as far as that is seen before completion."""
        found: dict[frozenset[tuple[str, Option]], Wanted] = {}
        for _ in range(count):
            child = breed(rng)
            key = frozenset(child.items())
            if not self.told.has_genome(key):
                found.setdefault(key, child)
        return list(found.values())


def breeding(domain: Domain, told: Told, surrogate: object) -> Breeding:
    """With a predictor, if that is wanted."""
    predictor = None
    if surrogate:
        from archdsl.search.strategies.predictor import Predictor

        predictor = Predictor(told)
    return Breeding(domain, told, Unseen(domain, told), predictor)


def best_of_sample(rng: Random, count: int, sample: int) -> int:
    """The least of some numbers below `count` that are drawn without putting back: each is among them or not."""
    at = 0
    while rng.random() * (count - at) >= sample:
        at += 1
    return at
