"""The pass of a graph that is timed."""

from dataclasses import dataclass

from archdsl_compiler.tuning.conditions import Conditions, conditions_here


@dataclass(frozen=True, slots=True)
class TimedPass:
    """Pictures at once, the dtype of reals, the device, and what else counts there."""

    batch: int
    dtype: str
    device: str
    conditions: Conditions


def pass_here(batch: int, dtype: str | None, device: str) -> TimedPass:
    """One in this process."""
    return TimedPass(batch, dtype or "float32", device, conditions_here(device))
