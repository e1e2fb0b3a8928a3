"""The clock by which kernels are compared, and the state of the caches in which they start.

A kernel measured over and over finds its code, weights and input in the nearest cache; in a model it finds what the
rest of the model left there. So before each call, outside the clock, a buffer is read that pushes them out. How large a
one was measured with chains of 6 and 24 blocks (depth-wise 7x7 convolution, layer norm, linear 192 to 768, GELU, linear
768 to 192, sum, at 196 positions), on a processor with 512 KB of second-level cache a core, as the sum of the kernels'
times over the time of the chain: without a buffer 0.85, with 1 to 4 MB 0.77 to 0.88, with 8 MB 1.03 and 1.05, with
16 MB 1.10, with 48 MB 1.26 to 1.29. With 8 MB single kernels agree too (layer norm: 80 us in the chain, 80 alone, 39
without a buffer)."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from time import perf_counter, process_time
from typing import Any, Final

CROWD: Final = 8
"""Megabytes that are read before a call, for each thread of PyTorch."""
CROWD_AT_MOST: Final = 64


@dataclass(frozen=True, slots=True)
class Stopwatch:
    """`read` gives seconds; `before` is called ahead of each call and not timed. Without it, calls follow upon each
    other and many are timed together."""

    read: Callable[[], float]
    before: Callable[[], object] | None = None


def stopwatch(device: str = "cpu", *, alone: bool = False) -> Stopwatch:
    """That of this process. `alone` is for whole models, whose caches are their own.

    With one thread the clock counts what the processor works for this process, which others do not disturb; with
    several it is that of the wall. For a GPU it waits until the GPU is done."""
    import torch

    if device.partition(":")[0] == "cuda":
        return Stopwatch(_after_waiting(torch.cuda.synchronize))
    read = process_time if torch.get_num_threads() == 1 else perf_counter
    return Stopwatch(read, None if alone else _crowding(torch.get_num_threads()))


def _after_waiting(wait: Callable[[], object]) -> Callable[[], float]:
    def read() -> float:
        wait()
        return perf_counter()

    return read


@cache
def _crowding(threads: int) -> Callable[[], object]:
    import torch

    buffer: Any = torch.ones(min(CROWD * threads, CROWD_AT_MOST) * 2**18)
    return buffer.sum
