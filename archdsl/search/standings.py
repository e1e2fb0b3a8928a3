"""How trials stand to each other: first those that meet the requirements, front by front, then the rest."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TypeAlias

from archdsl.search.contract import Objective, Trial
from archdsl.search.fronts import Point, crowding, layers, losses

Place: TypeAlias = tuple[int, float, int, float]
"""The group, how bad it is in there, the front, and the crowding distance negated: smaller is better."""


@dataclass(frozen=True, slots=True)
class Standing:
    """A trial as it is compared. The groups: meets all requirements; misses some, the less the better; was stopped, the
    later the better; failed."""

    group: int
    amount: float
    losses: Point

    @property
    def good(self) -> bool:
        return self.group == 0


def standing_of(trial: Trial, objectives: Sequence[Objective]) -> Standing:
    if trial.state == "failed" or (trial.state == "complete" and len(trial.values) != len(objectives)):
        return Standing(3, 0.0, ())
    if trial.state == "pruned":
        return Standing(2, -float(trial.rung), ())
    point = losses(trial.values, objectives)
    # Not `<= 0`: a violation that is no number is one.
    return Standing(0, 0.0, point) if trial.violation == 0 else Standing(1, trial.violation, point)


def places(standings: Sequence[Standing]) -> list[Place]:
    """The place of each among these."""
    good = [number for number, standing in enumerate(standings) if standing.good]
    found: list[Place] = [(standing.group, standing.amount, 0, 0.0) for standing in standings]
    points = [standings[number].losses for number in good]
    for rank, layer in enumerate(layers(points)):
        for number, apart in zip(layer, crowding([points[i] for i in layer]), strict=True):
            found[good[number]] = (0, 0.0, rank, -apart)
    return found


def best(standings: Sequence[Standing], count: int) -> list[int]:
    """The numbers of the best, best first; of equals the earlier."""
    found = places(standings)
    return sorted(range(len(standings)), key=lambda number: found[number])[:count]
