"""Fronts: which points are not dominated, how they lie, and how much they dominate. Smaller is better everywhere."""

from bisect import bisect_right
from collections.abc import Iterable, Sequence
from math import dist, inf, isnan
from typing import TypeAlias

from archdsl.search.contract import Objective

Point: TypeAlias = tuple[float, ...]


def losses(values: Sequence[float], objectives: Sequence[Objective]) -> Point:
    """The values of a trial as a point; what is no number is worse than any."""
    return tuple(
        inf if isnan(value) else -value if wish.maximize else value
        for value, wish in zip(values, objectives, strict=True)
    )


def dominates(one: Point, other: Point) -> bool:
    """Whether it is nowhere worse and somewhere better."""
    return one != other and all(a <= b for a, b in zip(one, other, strict=True))


def front(points: Sequence[Point]) -> list[int]:
    """The numbers of the points that none dominates, in their order; equal points are all there."""
    return sorted(layers(points, 1)[0]) if points else []


def layers(points: Sequence[Point], enough: int | None = None) -> list[list[int]]:
    """The numbers of the points, front after front: none dominates the first, that alone the next. It stops after the
    front with which there are `enough` of them."""
    wanted = len(points) if enough is None else min(enough, len(points))
    order = sorted(range(len(points)), key=lambda i: points[i])
    found = _layers_of_two(points, order) if points and len(points[0]) <= 2 else _layers_of_many(points, order)
    kept: list[list[int]] = []
    count = 0
    for layer in found:
        if count >= wanted:
            break
        kept.append(layer)
        count += len(layer)
    return kept


def _layers_of_two(points: Sequence[Point], order: Iterable[int]) -> list[list[int]]:
    """Points come by their first loss, so that the last point of a front has its least second loss and alone decides
    whether the front dominates the next point. These second losses rise from front to front."""
    found: list[list[int]] = []
    least: list[float] = []
    for number in order:
        second = points[number][-1]
        at = bisect_right(least, second)
        if at > 0 and points[found[at - 1][-1]] == points[number]:
            at -= 1
        if at == len(found):
            found.append([number])
            least.append(second)
        else:
            found[at].append(number)
            least[at] = second
    return found


def _layers_of_many(points: Sequence[Point], order: Iterable[int]) -> list[list[int]]:
    """Points come so that none dominates an earlier one: each goes to the first front that has none to dominate it."""
    found: list[list[int]] = []
    for number in order:
        point = points[number]
        for layer in found:
            if not any(dominates(points[other], point) for other in reversed(layer)):
                layer.append(number)
                break
        else:
            found.append([number])
    return found


def crowding(points: Sequence[Point]) -> list[float]:
    """How far apart the neighbours of each point are, summed over the losses as shares of their spread; the ends of a
    front are infinitely far."""
    apart = [0.0] * len(points)
    for axis in range(len(points[0]) if points else 0):
        order = sorted(range(len(points)), key=lambda i: points[i][axis])
        low, high = points[order[0]][axis], points[order[-1]][axis]
        apart[order[0]] = apart[order[-1]] = inf
        spread = high - low
        if not 0 < spread < inf:
            continue
        for before, here, after in zip(order, order[1:], order[2:], strict=False):
            apart[here] += (points[after][axis] - points[before][axis]) / spread
    return apart


def hypervolume(points: Iterable[Point], reference: Point) -> float:
    """How much space between the points and the reference is dominated by them. Two losses are swept; more are cut into
    slices along the last."""
    inside = {point for point in points if all(a < b for a, b in zip(point, reference, strict=True))}
    return _volume(sorted(inside), reference)


def _volume(points: list[Point], reference: Point) -> float:
    """Of distinct points in order, all of which are below the reference."""
    if not points:
        return 0.0
    if len(reference) == 1:
        return reference[0] - points[0][0]
    if len(reference) == 2:
        total, height = 0.0, reference[1]
        for first, second in points:
            if second < height:
                total += (reference[0] - first) * (height - second)
                height = second
        return total
    by_last = sorted(points, key=lambda point: point[-1])
    ends = [point[-1] for point in by_last[1:]] + [reference[-1]]
    total = 0.0
    slab: list[Point] = []
    for point, end in zip(by_last, ends, strict=True):
        flat = point[:-1]
        if not any(other == flat or dominates(other, flat) for other in slab):
            slab = sorted([other for other in slab if not dominates(flat, other)] + [flat])
        if end > point[-1]:
            total += (end - point[-1]) * _volume(slab, reference[:-1])
    return total


def igd_plus(points: Sequence[Point], wanted: Sequence[Point]) -> float:
    """How far the points fall short of a wanted front on average: 0 where each wanted point is reached or dominated."""
    if not points or not wanted:
        return inf
    return sum(min(_shortfall(point, goal) for point in points) for goal in wanted) / len(wanted)


def _shortfall(point: Point, goal: Point) -> float:
    return dist([max(a, b) for a, b in zip(point, goal, strict=True)], goal)
