"""Candidates of a space in an order in which its parts are met soon: those that together take every pair of options
first, then others, drawn at random."""

from collections.abc import Iterator
from random import Random

from archdsl.meaning.covering import MOST_CANDIDATES, MOST_WORK, Coverer
from archdsl.meaning.covering import PATIENCE as IDLE
from archdsl.meaning.decisions import Offer
from archdsl.meaning.values import Value
from archdsl.search.contract import Candidate
from archdsl.space.opened import Space

REJECTED = 2_000
"""Candidates in a row that are none, after which no other is looked for."""


def covering(space: Space) -> Iterator[Candidate]:
    """Candidates, until no pair of options is new for some time."""
    draw = Random(0)
    coverer = Coverer(draw)

    def choose(path: str, offer: Offer) -> Value:
        if offer.bounds is not None:
            return draw.uniform(*offer.bounds)
        return offer.names[coverer(path, offer.names, offer.allowed, offer.span)]

    idle = 0
    for _ in range(MOST_CANDIDATES):
        found = space.follow(choose, graph=False)
        idle = 0 if coverer.finish() else idle + 1
        if isinstance(found, Candidate):
            yield found
        if idle >= IDLE or coverer.work >= MOST_WORK:
            return


def drawing(space: Space, seed: int = 0) -> Iterator[Candidate]:
    """Candidates whose decisions are drawn, one after the other, without end unless there is nothing to be found."""
    draw, rejected = Random(seed), 0
    while rejected < REJECTED:
        found = space.complete({}, draw, graph=False)
        rejected = 0 if isinstance(found, Candidate) else rejected + 1
        if isinstance(found, Candidate):
            yield found
