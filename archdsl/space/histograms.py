"""How many genomes cost how much: the costs of a set of genomes as a histogram, from which genomes of a wanted cost can
be drawn evenly.

Costs are rounded to whole bins, once for each part of a genome; `Rounding` says by how much that can be wrong in all,
so that who draws may take the bins that could be right and look at the true cost. Numbers of genomes are reals with an
exponent of their own: spaces are large."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from random import Random
from typing import Literal, TypeAlias

import numpy as np
from numpy.typing import NDArray

from archdsl.space.diagrams import Budget
from archdsl.space.measures import Extent, Extents, Goal

Metric: TypeAlias = Literal["params", "macs"]
Weights: TypeAlias = NDArray[np.float64]
WORK = 2_000
"""Multiplications that count as one condition looked at."""


@dataclass(frozen=True, slots=True, eq=False)
class Histogram:
    """Numbers of genomes by cost: `weights` times 2 ** `exponent`, the first of them at the bin `low`."""

    low: int
    weights: Weights
    exponent: int = 0

    def at(self, goal: Goal) -> float:
        place = goal - self.low
        return float(self.weights[place]) if 0 <= place < len(self.weights) else 0.0


@dataclass(slots=True)
class Histograms:
    """Histograms of one cost in bins of `unit`; bins above `most` are of no interest."""

    metric: Metric
    unit: int
    most: int
    budget: Budget
    none: Histogram
    one: Histogram
    pays: bool = True

    def cost(self, params: int, macs: int) -> Histogram:
        return Histogram(_bins(params if self.metric == "params" else macs, self.unit), np.ones(1))

    def times(self, number: int, value: Histogram) -> Histogram:
        exponent = max(number.bit_length() - 50, 0)
        return _scaled(value.low, value.weights * float(number >> exponent), value.exponent + exponent)

    def any(self, values: Sequence[Histogram]) -> Histogram:
        known = [value for value in values if not self.empty(value)]
        if not known:
            return self.none
        low = min(value.low for value in known)
        high = max(value.low + len(value.weights) for value in known)
        exponent = max(value.exponent for value in known)
        weights = np.zeros(high - low)
        for value in known:
            start = value.low - low
            weights[start : start + len(value.weights)] += np.ldexp(value.weights, value.exponent - exponent)
        return _scaled(low, weights, exponent)

    def both(self, first: Histogram, second: Histogram) -> Histogram:
        if self.empty(first) or self.empty(second):
            return self.none
        low = first.low + second.low
        room = self.most + 1 - low
        if room <= 0:
            return self.none
        self.budget.spend(min(len(first.weights), room) * min(len(second.weights), room) // WORK)
        weights = np.convolve(first.weights[:room], second.weights[:room])[:room]
        return _scaled(low, weights, first.exponent + second.exponent)

    def empty(self, value: Histogram) -> bool:
        return not len(value.weights)

    def which(self, values: Sequence[Histogram], goal: Goal, rng: Random) -> int:
        exponent = max(value.exponent for value in values if not self.empty(value))
        weights = [math.ldexp(value.at(goal), value.exponent - exponent) for value in values]
        return rng.choices(range(len(values)), weights)[0]

    def split(self, first: Histogram, second: Histogram, goal: Goal, rng: Random) -> tuple[Goal, Goal]:
        start = max(first.low, goal - (second.low + len(second.weights) - 1))
        stop = min(first.low + len(first.weights), goal - second.low + 1)
        if stop - start == 1:
            return start, goal - start
        own = first.weights[start - first.low : stop - first.low]
        place = goal - second.low - start
        other = second.weights[place - (stop - start) + 1 : place + 1][::-1]
        taken = start + drawn_place(own * other, rng)
        return taken, goal - taken


def histograms(metric: Metric, unit: int, most: int, budget: Budget) -> Histograms:
    nothing, one = Histogram(0, np.zeros(0)), Histogram(0, np.ones(1))
    return Histograms(metric, unit, most, budget, nothing, one)


class Rounding(Extents):
    """Between which bounds rounding to bins is wrong, in the place of params."""

    def __init__(self, metric: Metric, unit: int) -> None:
        self.metric = metric
        self.unit = unit

    def cost(self, params: int, macs: int) -> Extent:
        cost = params if self.metric == "params" else macs
        wrong = _bins(cost, self.unit) * self.unit - cost
        return Extent((wrong, wrong))


def drawn_place(weights: Weights, rng: Random) -> int:
    """A place of a list of weights, as likely as its weight."""
    sums: Weights = np.cumsum(weights)
    place = int(np.searchsorted(sums, rng.random() * float(sums[-1]), side="right"))
    return min(place, len(weights) - 1)


def _bins(cost: int, unit: int) -> int:
    return (2 * cost + unit) // (2 * unit)


def _scaled(low: int, weights: Weights, exponent: int) -> Histogram:
    """Without empty ends, and with the largest weight near 1."""
    places: NDArray[np.intp] = np.flatnonzero(weights)
    if not len(places):
        return Histogram(0, np.zeros(0))
    first, last = int(places[0]), int(places[-1])
    weights = weights[first : last + 1]
    shift = math.frexp(float(weights.max()))[1]
    return Histogram(low + first, weights * 2.0**-shift, exponent + shift)
