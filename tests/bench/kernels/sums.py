"""Figure 4: what the record says of candidates of a space, summed over their regions and conversions, beside whole
tuned models as they were measured."""

import time
from collections.abc import Sequence
from dataclasses import dataclass
from statistics import median
from typing import Final

import torch
from torch import Tensor, nn

from archdsl.cost.fitting import line_through, median_error, rank_correlation
from archdsl.kept_times import user_record
from archdsl.resources import resource
from archdsl.space.sampling import sample
from archdsl.targets import open_target
from archdsl_compiler.tuning.allocator import keep_freed_memory
from archdsl_compiler.tuning.conditions import conditions_here
from archdsl_compiler.tuning.stopwatch import stopwatch
from archdsl_compiler.tuning.summed import Sums
from tests.bench.kernels.alternation import in_turn
from tests.bench.kernels.models import Setting, note
from tests.bench.kernels.planned import tuned
from tests.bench.kernels.rows import Row

SECONDS: Final = 1.0
NEAR: Final = 0.1
CALIBRATING: Final = 8
"""Whole models by which a search calibrates sums."""


@dataclass(frozen=True, slots=True)
class Agreement:
    """Of sums with whole models. `within` is the share of those that are at most 10 % off, `ratio` the median of sums
    over wholes."""

    correlation: float
    within: float
    median_error: float
    ratio: float


def candidates(space: str, first: int, count: int) -> Row:
    """Seconds of some candidates of a shipped space."""
    return measured(f"{resource(f'searchspaces/{space}.arch')}:{space}", range(first, first + count))


def measured(target: str, numbers: Sequence[int]) -> Row:
    """Seconds of candidates of a space: the sum as a search sees it, and the whole model that `build --tune` makes of
    the same record."""
    keep_freed_memory()
    setting = Setting(threads=torch.get_num_threads())
    sums = Sums(user_record(), conditions_here(), setting.batch)
    rows: list[Row] = []
    for number in numbers:
        genome = dict(sample(target, 1, seed=number).candidates[0].genome)
        opened = open_target(target, genome=genome)
        found = sums.of(opened.graph())
        begun = time.process_time()
        again = sums.of(opened.graph())
        taken = time.process_time() - begun
        model, plan = tuned(opened, None, setting, measure=False)
        (shape,) = plan.inputs
        whole = _whole(model, torch.randn(*shape))
        note(f"{target.rpartition(':')[2]} {number}: {found.seconds * 1e3:.2f} ms, whole {whole * 1e3:.2f} ms")
        rows.append({"sum": again.seconds, "whole": whole, "ruled": again.ruled, "asking": taken})
    return {"candidates": rows}


def _whole(model: nn.Module, picture: Tensor) -> float:
    with torch.inference_mode():
        return in_turn({"whole": lambda: model(picture)}, SECONDS, stopwatch(alone=True))["whole"].median


def agreement(pairs: Sequence[tuple[float, float]]) -> Agreement:
    """Of pairs of a sum and what was measured."""
    sums, wholes = [pair[0] for pair in pairs], [pair[1] for pair in pairs]
    near = sum(abs(guess - true) <= NEAR * true for guess, true in pairs) / len(pairs)
    ratio = median(guess / true for guess, true in pairs)
    return Agreement(rank_correlation(sums, wholes), near, median_error(sums, wholes), ratio)


def calibrated(pairs: Sequence[tuple[float, float]]) -> list[tuple[float, float]]:
    """The same with sums on the line that the first candidates give, as a search does it; those are left out."""
    line = line_through(pairs[:CALIBRATING])
    return [(line(guess), true) for guess, true in pairs[CALIBRATING:]]
