"""`nsga3`: the front of three and more objectives, kept apart by directions that are spread evenly between them."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from functools import cache
from itertools import combinations, pairwise
from math import comb, inf, sqrt

from archdsl.search.contract import Domain, Objective, Part
from archdsl.search.fronts import Point, layers
from archdsl.search.standings import Standing, best
from archdsl.search.strategies.generations import Generations, in_generations


@cache
def directions(objectives: int, most: int) -> tuple[Point, ...]:
    """Points whose coordinates sum to one, on an even grid (Das and Dennis): as many as there can be of at most so
    many, and at least the axes."""
    parts = 1
    while objectives > 1 and comb(objectives + parts, objectives - 1) <= most:
        parts += 1
    return tuple(tuple(part / parts for part in parts_) for parts_ in _sums(objectives, parts))


def _sums(terms: int, total: int) -> Iterator[tuple[int, ...]]:
    """All ways in which whole numbers sum to a total: bars between stars."""
    for bars in combinations(range(total + terms - 1), terms - 1):
        edges = (-1, *bars, total + terms - 1)
        yield tuple(end - begin - 1 for begin, end in pairwise(edges))


def survivors(standings: Sequence[Standing], count: int) -> list[int]:
    """Fronts as long as they fit; of the one that does not fit, those whose directions have the fewest so far."""
    good = [number for number, standing in enumerate(standings) if standing.good]
    if len(good) <= count:
        return best(standings, count)
    points = [standings[number].losses for number in good]
    fronts = layers(points, count)
    kept = [number for layer in fronts[:-1] for number in layer]
    wanted = count - len(kept)
    niches = _niches(points, fronts, count)
    chosen = fronts[-1] if len(fronts[-1]) <= wanted else niches.filled(kept, fronts[-1], wanted)
    return [good[number] for number in [*kept, *chosen]]


@dataclass(frozen=True, slots=True)
class _Niches:
    """The direction that each point is nearest to, and how far it is from there."""

    nearest: dict[int, tuple[int, float]] = field(default_factory=dict[int, tuple[int, float]])

    def filled(self, kept: Sequence[int], front: Sequence[int], wanted: int) -> list[int]:
        """So many of a front: again and again the nearest to the direction that has the fewest."""
        held: dict[int, int] = {}
        for number in kept:
            held[self.nearest[number][0]] = held.get(self.nearest[number][0], 0) + 1
        waiting: dict[int, list[int]] = {}
        for number in sorted(front, key=lambda number: self.nearest[number][1], reverse=True):
            waiting.setdefault(self.nearest[number][0], []).append(number)
        chosen: list[int] = []
        while len(chosen) < wanted:
            niche = min(waiting, key=lambda niche: (held.get(niche, 0), self.nearest[waiting[niche][-1]][1]))
            chosen.append(waiting[niche].pop())
            held[niche] = held.get(niche, 0) + 1
            if not waiting[niche]:
                del waiting[niche]
        return chosen


def _niches(points: Sequence[Point], fronts: Sequence[Sequence[int]], count: int) -> _Niches:
    """Losses are shares of the range that the first front has; a loss that is the same all along it counts nothing."""
    every = [number for layer in fronts for number in layer]
    axes = range(len(points[0]))
    low = [min(points[number][axis] for number in every) for axis in axes]
    high = [max(_finite(points[number][axis], low[axis]) for number in fronts[0]) for axis in axes]
    found = _Niches()
    for number in every:
        point = tuple(
            (_finite(points[number][axis], high[axis]) - low[axis]) / (high[axis] - low[axis])
            if high[axis] > low[axis]
            else 0.0
            for axis in axes
        )
        found.nearest[number] = min(
            ((at, _distance(point, line)) for at, line in enumerate(directions(len(point), count))),
            key=lambda pair: pair[1],
        )
    return found


def _finite(value: float, otherwise: float) -> float:
    return value if -inf < value < inf else otherwise


def _distance(point: Point, direction: Point) -> float:
    """How far a point is from the ray of a direction."""
    along = sum(a * b for a, b in zip(point, direction, strict=True)) / sum(b * b for b in direction)
    return sqrt(sum((a - along * b) ** 2 for a, b in zip(point, direction, strict=True)))


def strategy(part: Part, domain: Domain, objectives: Sequence[Objective]) -> Generations:
    return in_generations(part, domain, objectives, survivors)
