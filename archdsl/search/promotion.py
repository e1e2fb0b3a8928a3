"""Promotion: which trials go on to what costs more.

A trial is judged where it has finished a stage of the evaluators, and where a stage reports a value on its way. With
several evaluators a search has its rungs between them; with one, at the steps of its reports. The state is what was
told in order, so a journal that is told again gives the same judgements."""

from collections import deque
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from math import inf
from statistics import median
from typing import Protocol, cast

from archdsl.diagnostics.record import UsageError
from archdsl.search.contract import Part
from archdsl.search.standings import Standing, places

COMPARED = 500
"""A trial stands beside so many of those that reached its rung, the latest; earlier ones count only for the share."""
Reports = Sequence[Mapping[int, float]]
"""The intermediate values of earlier trials by step, in order; larger is better."""


class Promotion(Protocol):
    """Judges trials."""

    def goes_on(self, rung: int, standing: Standing) -> bool:
        """Whether a trial that has reached a rung goes on; it is remembered there."""
        ...

    def recall(self, rung: int, standing: Standing, went_on: bool) -> None:
        """Remember how a trial of a journal was judged."""
        ...

    def cutoffs(self, reports: Reports) -> dict[int, float]:
        """For each step at which the next trial is judged, the value below which it is given up."""
        ...


@dataclass(slots=True)
class Rung:
    """How many reached it and how many went on, and how the latest stood."""

    latest: deque[Standing] = field(default_factory=lambda: deque[Standing](maxlen=COMPARED))
    count: int = 0
    passed: int = 0


@dataclass(slots=True)
class Halving:
    """Asynchronous halving: one of `factor` goes on, as soon as it is known to be among the best share; none waits for
    those to come. The first goes on in any case, so that a short search ends with something. At no time have more gone
    on than the share of those that came."""

    factor: int
    rungs: dict[int, Rung] = field(default_factory=dict[int, Rung])

    def goes_on(self, rung: int, standing: Standing) -> bool:
        known = self.rungs.setdefault(rung, Rung())
        open_ = standing.group <= 1 and known.passed < self._share(known.count + 1)
        went_on = open_ and self._among_the_best(known.latest, standing)
        self.recall(rung, standing, went_on)
        return went_on

    def _among_the_best(self, others: Iterable[Standing], standing: Standing) -> bool:
        *found, own = places([*others, standing])
        return sum(place <= own for place in found) < self._share(len(found) + 1)

    def recall(self, rung: int, standing: Standing, went_on: bool) -> None:
        known = self.rungs.setdefault(rung, Rung())
        known.latest.append(standing)
        known.count += 1
        known.passed += went_on

    def cutoffs(self, reports: Reports) -> dict[int, float]:
        """Rungs are the steps 1, factor, factor ** 2, ... that some trial has reached."""
        found: dict[int, float] = {}
        last = max((step for report in reports for step in report), default=0)
        step = 1
        while step <= last:
            here = [(report[step], max(report) > step) for report in reports if step in report]
            share = self._share(len(here) + 1)
            if sum(passed for _, passed in here) >= share:
                found[step] = inf
            elif here:
                found[step] = sorted((value for value, _ in here), reverse=True)[min(share, len(here)) - 1]
            step *= self.factor
        return {at: value for at, value in found.items() if at < last}

    def _share(self, count: int) -> int:
        return max(1, count // self.factor)


@dataclass(slots=True)
class Median:
    """Gives a trial up that falls below the median of what the trials before it had at the same step."""

    startup: int
    warmup: int

    def goes_on(self, rung: int, standing: Standing) -> bool:
        return standing.group <= 1

    def recall(self, rung: int, standing: Standing, went_on: bool) -> None:
        pass

    def cutoffs(self, reports: Reports) -> dict[int, float]:
        values: dict[int, list[float]] = {}
        for report in reports:
            for step, value in report.items():
                # What is no number is worse than any.
                values.setdefault(step, []).append(value if value == value else -inf)
        return {
            step: median(found)
            for step, found in sorted(values.items())
            if step > self.warmup and len(found) >= self.startup
        }


def promotion_of(part: Part) -> Promotion:
    """The promotion that a part of the catalogue asks for."""
    if part.name == "halving":
        return Halving(cast(int, part["factor"]))
    if part.name == "median":
        return Median(cast(int, part["startup"]), cast(int, part["warmup"]))
    raise UsageError(f"the promotion `{part.name}` cannot run yet; these can: halving, median")
