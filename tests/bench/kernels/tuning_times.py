"""Figure 5: how long it takes to build a tuned model: from an empty record, from a full one, and with engines that
compile."""

import os
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Final

import torch

import archdsl
from tests.bench.kernels.models import Setting, pictures, state_of
from tests.bench.kernels.planned import tuned
from tests.bench.kernels.rows import Row

STEPS: Final = ("untuned, first", "untuned", "torch, empty", "torch, full", "auto, empty", "auto, full")
"""Each in a process of its own, all with one cache folder that was empty before the first."""

Taken = Mapping[str, float]
BOUNDS: Final[Mapping[str, tuple[Callable[[Taken], float | None], float]]] = {
    "tuning from an empty record": (lambda taken: taken.get("torch, empty"), 60.0),
    "tuning from a full record, over building": (lambda taken: _difference(taken, "torch, full"), 1.0),
    "tuning with all engines": (lambda taken: taken.get("auto, empty"), 300.0),
}


def built(name: str, step: str) -> Row:
    """Seconds of `archdsl.build` in a process that has imported PyTorch and built a model."""
    engine = step.partition(",")[0]
    state = state_of(name)
    torch.set_num_threads(os.cpu_count() or 1)
    wall, processor = time.perf_counter(), time.process_time()
    if engine == "untuned":
        model = archdsl.build(f"zoo:{name}", weights=state).eval()
    else:
        model, _ = tuned(f"zoo:{name}", state, Setting(), engine)
    wall, processor = time.perf_counter() - wall, time.process_time() - processor
    with torch.inference_mode():
        assert bool(model(pictures(name, 1)).isfinite().all())
    return {"wall": round(wall, 3), "processor": round(processor, 3)}


@contextmanager
def fresh_caches() -> Iterator[dict[str, str]]:
    """Settings of the environment with which nothing that was kept is found."""
    with tempfile.TemporaryDirectory() as folder:
        yield {"ARCHDSL_CACHE": os.path.join(folder, "archdsl")}


def _difference(taken: Taken, step: str) -> float | None:
    return taken[step] - taken["untuned"] if step in taken and "untuned" in taken else None
