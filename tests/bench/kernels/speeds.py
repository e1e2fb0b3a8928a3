"""Figures 1, 2 and 6: how long a model takes, ours and others', in turn.

The rows of figure 1 have the eager module, ours untuned, and the plan that the engine `torch` runs; those of figure 2
the eager module, our engine `auto`, and what others make of timm's module; those of
figure 6 the same on a GPU."""

import time
from collections.abc import Callable, Iterable
from typing import Final

import torch
from torch import Tensor, nn

import archdsl
from archdsl_compiler.tuning.allocator import keep_freed_memory
from archdsl_compiler.tuning.stopwatch import stopwatch
from tests.bench.kernels.alternation import in_turn
from tests.bench.kernels.models import ERROR_AT_MOST, Setting, eager, error, note, pictures, state_of
from tests.bench.kernels.planned import told, tuned
from tests.bench.kernels.rivals import RIVALS
from tests.bench.kernels.rows import Row

FIGURE_1: Final = ("untuned", "tuned")
FIGURE_2: Final = ("auto", "openvino", "onnxruntime", "compile", "freeze")
FIGURE_6: Final = ("tuned", "autotuned")
SECONDS: Final = 20.0
"""How long the contestants of a row take turns; a round more than that where one is slow."""


def speed(
    name: str,
    batch: int,
    contestants: Iterable[str],
    seconds: float = SECONDS,
    device: str = "cpu",
    dtype: str = "fp32",
    budget: str | None = None,
) -> Row:
    """One model with as many threads as this process has. What cannot be built or is wrong is told and left out. timm's
    module runs under the allocator of ours, which makes it faster than it is where nobody sets that."""
    allocator = keep_freed_memory()
    setting = Setting(batch, torch.get_num_threads(), device, dtype)
    state, given = state_of(name), pictures(name, batch).to(device)
    baseline, module = eager(name, state)
    module = module.to(device)
    calls: dict[str, Callable[[], object]] = {}
    failures: dict[str, str] = {}
    errors: dict[str, float] = {}
    build_seconds: dict[str, float] = {}
    plans: dict[str, Row] = {}
    with torch.inference_mode():
        reference = module(given)
        calls[baseline] = lambda: module(given)
        for contestant in contestants:
            note(f"{name}, {setting}: {contestant}")
            begun = time.perf_counter()
            try:
                run, plans[contestant] = _run(contestant, name, state, module, given, setting, budget)
                errors[contestant] = error(run(given), reference)
            except Exception as failure:  # an engine may fail in whatever way
                failures[contestant] = f"{type(failure).__name__}: {failure}"[:500]
                continue
            finally:
                build_seconds[contestant] = round(time.perf_counter() - begun, 2)
            if errors[contestant] > ERROR_AT_MOST[dtype]:
                failures[contestant] = f"the error is {errors[contestant]:.2g}"
                continue
            calls[contestant] = lambda run=run: run(given)
        found = in_turn(calls, seconds, stopwatch(device, alone=True))
    return {
        "baseline": baseline,
        "allocator": allocator,
        "samples": {each: [float(f"{value:.5g}") for value in found[each].seconds] for each in found},
        "errors": errors,
        "failures": failures,
        "build_seconds": build_seconds,
        "plans": {name: plan for name, plan in plans.items() if plan},
    }


def _run(
    contestant: str,
    name: str,
    state: dict[str, Tensor],
    module: nn.Module,
    given: Tensor,
    setting: Setting,
    budget: str | None,
) -> tuple[Callable[[Tensor], Tensor], Row]:
    """The callable, and what is told of how it is made."""
    if contestant in RIVALS:
        return RIVALS[contestant](module, given, setting), {}
    if contestant == "untuned":
        return archdsl.build(f"zoo:{name}", weights=state).eval().to(setting.device), {}
    engine = "torch" if contestant == "tuned" else contestant
    model, plan = tuned(f"zoo:{name}", state, setting, engine, budget)
    return model, told(plan)
