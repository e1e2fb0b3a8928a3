"""Figure 3: a model with plain depth-wise kernels of 21 x 21, which PyTorch computes some 25 times slower in one
layout than in the other, beside the same model as it is built without tuning."""

from pathlib import Path
from typing import Final

import torch

import archdsl
from archdsl_compiler.tuning.allocator import keep_freed_memory
from archdsl_compiler.tuning.stopwatch import stopwatch
from tests.bench.kernels.alternation import in_turn
from tests.bench.kernels.models import Setting, error
from tests.bench.kernels.planned import told, tuned
from tests.bench.kernels.rows import Row

FILE: Final = Path(__file__).with_name("large_kernels.arch")


def large_kernels(model: str, seconds: float, file: str | Path = FILE) -> Row:
    target = f"{file}:{model}"
    keep_freed_memory()
    torch.manual_seed(0)
    naive = archdsl.build(target).eval()
    ours, plan = tuned(target, naive.state_dict(), Setting(threads=torch.get_num_threads()))
    picture = torch.randn(1, *archdsl.profile(target).inputs[0][1:])
    with torch.inference_mode():
        errors = {"tuned": error(ours(picture), naive(picture))}
        calls = {"ours, untuned": lambda: naive(picture), "tuned": lambda: ours(picture)}
        found = in_turn(calls, seconds, stopwatch(alone=True))
    return {
        "baseline": "ours, untuned",
        "samples": {name: list(samples.seconds) for name, samples in found.items()},
        "errors": errors,
        "failures": {},
        "plans": {"tuned": told(plan)},
    }
