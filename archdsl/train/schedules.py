"""Learning rates over the steps of a training, as a share of the peak."""

import math
from typing import cast

from archdsl.parts import Part


def rate(schedule: Part, step: int, steps: int, steps_of_epoch: int) -> float:
    """The share of the peak at a step, which counts from 0. Warm-up rises in a straight line and reaches the peak with
    its last step."""
    warm = min(cast(int, schedule["warmup"]) * steps_of_epoch, steps)
    if step < warm:
        return (step + 1) / warm
    done = (step - warm) / max(1, steps - warm)
    if schedule.name == "constant":
        return 1.0
    floor = cast(float, schedule["floor"])
    if schedule.name == "cosine":
        return floor + (1 - floor) * (1 + math.cos(math.pi * done)) / 2
    if schedule.name == "polynomial":
        return floor + (1 - floor) * (1 - done) ** cast(float, schedule["power"])
    raise ValueError(f"no schedule {schedule.name}")
