"""How many genomes a space has that cannot be followed whole: estimated from genomes that were drawn, with an interval.

Where a requirement alone was too much, genomes are drawn evenly without it and the share that meets it is counted
(Wilson's interval). Else candidates are drawn decision by decision; each stands for as many as its decisions had
options (Knuth 1975)."""

from dataclasses import dataclass
from math import sqrt
from random import Random

from archdsl.meaning.decisions import Offer
from archdsl.meaning.values import Value
from archdsl.search.contract import Candidate, Rejected
from archdsl.space.opened import Space

DEVIATIONS = 1.96
"""Of the estimate, for an interval of 95 %."""


@dataclass(frozen=True, slots=True)
class Number:
    """A number of genomes: exact, or an estimate with its interval of 95 %."""

    value: int
    exact: bool = True
    low: int = 0
    high: int = 0


def share_of(whole: int, met: int, drawn: int) -> Number:
    """A part of a known number, from the share of drawn ones that belong to it."""
    if not drawn:
        return Number(0, False, 0, whole)
    share = met / drawn
    z2 = DEVIATIONS**2
    middle = (share + z2 / (2 * drawn)) / (1 + z2 / drawn)
    spread = DEVIATIONS * sqrt(share * (1 - share) / drawn + z2 / (4 * drawn * drawn)) / (1 + z2 / drawn)
    return Number(
        _of(whole, share), False, _of(whole, max(0.0, middle - spread)), _of(whole, min(1.0, middle + spread))
    )


def _of(whole: int, share: float) -> int:
    return whole * round(share * 10**12) // 10**12


def by_walking(space: Space, tries: int, rng: Random) -> tuple[Number, Number, int]:
    """The numbers of genomes without and with the requirements, and how many of those drawn were valid. What a rejected
    genome would have decided after its rejection is not known: the first number counts it as decided no further."""
    every: list[int] = []
    valid: list[int] = []
    for _ in range(tries):
        found, weight = walk(space, rng)
        every.append(weight)
        valid.append(weight if isinstance(found, Candidate) else 0)
    return _mean(every), _mean(valid), sum(1 for weight in valid if weight)


def walk(space: Space, rng: Random) -> tuple[Candidate | Rejected, int]:
    """A candidate whose decisions are drawn one after the other, and how many such ways there seem to be."""
    weight = 1

    def choose(path: str, offer: Offer) -> Value:
        nonlocal weight
        if offer.bounds is not None:
            return rng.uniform(*offer.bounds)
        weight *= len(offer.allowed)
        return offer.names[rng.choice(offer.allowed)]

    return space.follow(choose, graph=False), weight


def _mean(weights: list[int]) -> Number:
    """The mean of weights too large for reals, and its interval."""
    count = len(weights)
    total = sum(weights)
    scale = max(weights) or 1
    parts = [weight * 10**9 // scale / 10**9 for weight in weights]
    mean = sum(parts) / count
    variance = sum((part - mean) ** 2 for part in parts) / max(count - 1, 1) / count
    spread = round(DEVIATIONS * sqrt(variance) * 10**9) * scale // 10**9
    value = total // count
    return Number(value, False, max(0, value - spread), value + spread)
