"""The front of a search, trial by trial."""

from collections.abc import Sequence
from dataclasses import dataclass, field

from archdsl.search.contract import Objective, Trial
from archdsl.search.fronts import Point, dominates, hypervolume, losses


@dataclass(slots=True)
class FrontSoFar:
    """The trials that none dominates, of those that are complete and meet all requirements. Of trials with equal values
    the first is there."""

    objectives: Sequence[Objective]
    front: dict[int, Trial] = field(default_factory=dict[int, Trial])
    _points: dict[int, Point] = field(default_factory=dict[int, Point])
    _worst: Point = ()

    def admits(self, trial: Trial) -> bool:
        """Whether a trial would be on the front."""
        point = self._point(trial)
        return point is not None and not any(p == point or dominates(p, point) for p in self._points.values())

    def add(self, trial: Trial) -> list[int]:
        """Take a trial in, and give the numbers of those that leave the front for it."""
        point = self._point(trial)
        if point is None:
            return []
        self._worst = tuple(map(max, point, self._worst)) if self._worst else point
        if any(p == point or dominates(p, point) for p in self._points.values()):
            return []
        left = [number for number, other in self._points.items() if dominates(point, other)]
        for number in left:
            del self.front[number], self._points[number]
        self.front[trial.number], self._points[trial.number] = trial, point
        return left

    def ordered(self) -> list[Trial]:
        """The front, by the first objective from its best."""
        return sorted(self.front.values(), key=lambda trial: self._points[trial.number])

    def volume(self) -> float | None:
        """The share of the box between the best and the worst values so far that the front dominates; None where the
        box is flat."""
        if not self._points:
            return None
        best = tuple(map(min, zip(*self._points.values(), strict=True)))
        size = 1.0
        for low, high in zip(best, self._worst, strict=True):
            size *= high - low
        return hypervolume(self._points.values(), self._worst) / size if size > 0 else None

    def _point(self, trial: Trial) -> Point | None:
        counts = trial.state == "complete" and trial.violation <= 0
        return losses(trial.values, self.objectives) if counts else None
