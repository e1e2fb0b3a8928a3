"""Lines through points, and how good guesses are."""

from collections.abc import Sequence
from dataclasses import dataclass
from statistics import median


@dataclass(frozen=True, slots=True)
class Line:
    slope: float
    start: float

    def __call__(self, x: float) -> float:
        return self.start + self.slope * x


def line_through(points: Sequence[tuple[float, float]]) -> Line:
    """The line with the least relative errors, squared; through zero where the points do not say more."""
    weights = [1 / max(y, 1e-12) ** 2 for _, y in points]
    total = sum(weights)
    x_mean = sum(w * x for w, (x, _) in zip(weights, points, strict=True)) / total
    y_mean = sum(w * y for w, (_, y) in zip(weights, points, strict=True)) / total
    spread = sum(w * (x - x_mean) ** 2 for w, (x, _) in zip(weights, points, strict=True))
    if len(points) > 2 and spread > 1e-4 * total * x_mean**2:
        slope = sum(w * (x - x_mean) * (y - y_mean) for w, (x, y) in zip(weights, points, strict=True)) / spread
        if slope > 0:
            return Line(slope, y_mean - slope * x_mean)
    return Line(y_mean / x_mean if x_mean else 1.0, 0.0)


def median_error(guesses: Sequence[float], truth: Sequence[float]) -> float:
    """The median of the relative errors."""
    return median(abs(guess - true) / true for guess, true in zip(guesses, truth, strict=True))


def rank_correlation(left: Sequence[float], right: Sequence[float]) -> float:
    """Spearman's: the correlation of the ranks, where equal values share theirs. 1 where there is nothing to order."""
    a, b = ranks(left), ranks(right)
    mean = (len(a) + 1) / 2
    both = sum((x - mean) * (y - mean) for x, y in zip(a, b, strict=True))
    of_a, of_b = (sum((x - mean) ** 2 for x in each) for each in (a, b))
    if of_a == 0 or of_b == 0:
        return 1.0 if of_a == of_b else 0.0
    return both / (of_a * of_b) ** 0.5


def ranks(values: Sequence[float]) -> list[float]:
    """From 1 for the lowest; equal values have the mean of their ranks."""
    order = sorted(range(len(values)), key=values.__getitem__)
    found = [0.0] * len(values)
    start = 0
    while start < len(order):
        end = start
        while end < len(order) and values[order[end]] == values[order[start]]:
            end += 1
        for place in order[start:end]:
            found[place] = (start + 1 + end) / 2
        start = end
    return found
