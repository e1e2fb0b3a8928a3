"""How well one order tells another."""

from collections.abc import Sequence
from math import sqrt


def ranks(values: Sequence[float]) -> list[float]:
    """The rank of each value; equal ones share the mean of theirs."""
    order = sorted(range(len(values)), key=lambda i: values[i])
    found = [0.0] * len(values)
    at = 0
    while at < len(order):
        end = at
        while end + 1 < len(order) and values[order[end + 1]] == values[order[at]]:
            end += 1
        for place in range(at, end + 1):
            found[order[place]] = (at + end) / 2
        at = end + 1
    return found


def spearman(one: Sequence[float], other: Sequence[float]) -> float:
    """The correlation of the ranks, 0 where one of them is constant."""
    first, second = ranks(one), ranks(other)
    middle = (len(first) - 1) / 2
    covered = sum((a - middle) * (b - middle) for a, b in zip(first, second, strict=True))
    spread = sum((a - middle) ** 2 for a in first) * sum((b - middle) ** 2 for b in second)
    return covered / sqrt(spread) if spread > 0 else 0.0


def kendall(one: Sequence[float], other: Sequence[float]) -> float:
    """The share of pairs in the same order less that of pairs in the other, corrected for ties (tau-b)."""
    agree = tied_one = tied_other = pairs = 0
    for at in range(len(one)):
        for before in range(at):
            first = (one[at] > one[before]) - (one[at] < one[before])
            second = (other[at] > other[before]) - (other[at] < other[before])
            agree += first * second
            tied_one += first == 0
            tied_other += second == 0
            pairs += 1
    spread = (pairs - tied_one) * (pairs - tied_other)
    return agree / sqrt(spread) if spread > 0 else 0.0
