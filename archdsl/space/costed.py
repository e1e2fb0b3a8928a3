"""Genomes drawn by what they cost, where hardly any costs as little, or as much, as is wanted."""

import math
from dataclasses import dataclass
from random import Random

from archdsl.meaning.conditions import Condition, TooManyConditions
from archdsl.search.contract import Genome
from archdsl.space.diagrams import Budget, Node, TooMuchWork
from archdsl.space.followed import Followed, Survey
from archdsl.space.histograms import Histogram, Rounding, Weights, drawn_place, histograms
from archdsl.space.measures import Extents
from archdsl.space.wishes import CostBound

BINS = 1_000
"""Between the cheapest genome and the bound."""
MOST_BINS = 5_000
WORK = 2_000_000


@dataclass(slots=True)
class Costed:
    """Genomes whose cost may meet a bound, as far as bins tell: each as likely as every other. Some of them miss it."""

    survey: Survey[Histogram]
    node: Node[Histogram] | None
    first: int
    weights: Weights | None

    @property
    def empty(self) -> bool:
        return self.node is None or self.weights is None or not len(self.weights) or not float(self.weights.max())

    def genome(self, rng: Random) -> Genome:
        assert self.node is not None
        assert self.weights is not None
        return self.survey.genome(self.node, rng, self.first + drawn_place(self.weights, rng))


def costed(followed: Followed, wish: CostBound, condition: Condition) -> Costed | None:
    """The genomes that a bound of costs leaves; None where that takes too long."""
    try:
        return _costed(followed, wish, condition)
    except (TooMuchWork, TooManyConditions):
        return None


def _costed(followed: Followed, wish: CostBound, condition: Condition) -> Costed:
    whole = Survey(followed, Extents()).whole(condition)
    if whole is None:
        return Costed(Survey(followed, histograms(wish.metric, 1, 0, Budget())), None, 0, None)
    least, most = whole.value.params if wish.metric == "params" else whole.value.macs
    low, high = max(wish.low, least), min(wish.high, most)
    unit = max(1, math.ceil((high - least) / BINS), math.ceil(high / MOST_BINS))
    if wish.low > least and wish.high < most:
        unit = max(1, min(unit, math.ceil((high - low) / 16)), math.ceil(high / MOST_BINS))
    wrong = Survey(followed, Rounding(wish.metric, unit)).whole(condition)
    too_low, too_high = wrong.value.params if wrong is not None else (0, 0)
    first, last = math.floor((low + too_low) / unit), math.ceil((high + too_high) / unit)
    budget = Budget(WORK)
    survey = Survey(followed, histograms(wish.metric, unit, last, budget), budget)
    node = survey.whole(condition)
    if node is None:
        return Costed(survey, None, first, None)
    value = node.value
    first = max(first, value.low)
    return Costed(survey, node, first, value.weights[first - value.low : last + 1 - value.low])
