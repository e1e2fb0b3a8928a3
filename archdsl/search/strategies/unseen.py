"""Candidates that are new: drawn, and where draws find none any more, looked for one after the other."""

from collections.abc import Collection, Iterator
from dataclasses import dataclass, field
from random import Random

from archdsl.diagnostics.record import UsageError
from archdsl.search.contract import Candidate, Domain
from archdsl.search.strategies.enumeration import every_candidate
from archdsl.search.strategies.told import Told

DRAWS = 100
"""So many draws that all find what is known mean that little of the space is left."""
MOST_LOOKED_AT = 50_000


@dataclass(slots=True)
class Unseen:
    """Finds new candidates of a domain. What the enumeration has passed is known or on its way, so it goes on where it
    was."""

    domain: Domain
    told: Told
    _rest: Iterator[Candidate] | None = field(default=None, repr=False)

    def drawn(self, rng: Random, pending: Collection[str]) -> Candidate | None:
        """A new candidate, uniformly over them; none where the space has no more."""
        for _ in range(DRAWS):
            found = self.domain.draw(rng)
            if self.told.is_new(found, pending):
                return found
        return self.next(pending)

    def next(self, pending: Collection[str]) -> Candidate | None:
        """The first new candidate in the order of the enumeration."""
        if self._rest is None:
            self._rest = every_candidate(self.domain, MOST_LOOKED_AT)
        try:
            return next((found for found in self._rest if self.told.is_new(found, pending)), None)
        except UsageError:
            # A continuous range has no end of candidates; that draws find none is bad luck.
            return None
