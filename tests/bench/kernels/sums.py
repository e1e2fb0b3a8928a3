"""Figure 4: what the record says of candidates of a space, summed over their regions and conversions, beside whole
tuned models as they were measured."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import torch

from archdsl.cost.fitting import median_error, rank_correlation
from archdsl.resources import resource
from archdsl.space.sampling import sample
from archdsl.targets import open_target
from archdsl_compiler.tuning.allocator import keep_freed_memory
from archdsl_compiler.tuning.stopwatch import stopwatch
from tests.bench.kernels.alternation import in_turn
from tests.bench.kernels.models import Setting
from tests.bench.kernels.planned import tuned
from tests.bench.kernels.rows import Row

SECONDS: Final = 3.0
NEAR: Final = 0.1


@dataclass(frozen=True, slots=True)
class Agreement:
    """Of sums with whole models. `within` is the share of those that are at most 10 % off."""

    correlation: float
    within: float
    median_error: float


def candidate(space: str, number: int) -> Row:
    """Seconds of one candidate of a shipped space."""
    return measured(f"{resource(f'searchspaces/{space}.arch')}:{space}", number)


def measured(target: str, number: int) -> Row:
    """Seconds of one candidate of a space: the sum, and the whole model."""
    keep_freed_memory()
    genome = dict(sample(target, 1, seed=number).candidates[0].genome)
    opened = open_target(target, genome=genome)
    model, plan = tuned(opened, None, Setting(threads=torch.get_num_threads()))
    assert plan.summed_milliseconds is not None
    (shape,) = plan.inputs
    picture = torch.randn(*shape)
    with torch.inference_mode():
        found = in_turn({"whole": lambda: model(picture)}, SECONDS, stopwatch(alone=True))
    return {
        "sum": plan.summed_milliseconds / 1e3,
        "whole": found["whole"].median,
        "engine": plan.engine,
        "refused": plan.refused,
    }


def agreement(pairs: Sequence[tuple[float, float]]) -> Agreement:
    """Of pairs of a sum and what was measured."""
    sums, wholes = [pair[0] for pair in pairs], [pair[1] for pair in pairs]
    near = sum(abs(guess - true) <= NEAR * true for guess, true in pairs) / len(pairs)
    return Agreement(rank_correlation(sums, wholes), near, median_error(sums, wholes))
