"""Times of several modules, taken in turn in one process."""

import gc
import statistics
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from time import sleep

import torch

from archdsl_compiler.tuning.stopwatch import Stopwatch

LEAST_ROUNDS = 7
MOST_ROUNDS = 25
SETTLE = 0.005
"""Seconds between two calls on several threads: the threads of one engine stop to wait for work before the next one
wants the cores."""


@dataclass(frozen=True, slots=True)
class Samples:
    """Seconds of a call, one for each round; rounds of several contestants belong together."""

    seconds: tuple[float, ...]

    @property
    def median(self) -> float:
        return statistics.median(self.seconds)

    @property
    def least(self) -> float:
        return min(self.seconds)

    def times_as_fast(self, other: "Samples") -> float:
        """How many times as long the other takes: the median over the rounds, whose calls follow upon each other."""
        return statistics.median(b / a for a, b in zip(self.seconds, other.seconds, strict=True))


def in_turn(calls: Mapping[str, Callable[[], object]], seconds: float, watch: Stopwatch) -> dict[str, Samples]:
    """Time all calls once in each round, in another order each time, for so many seconds of the watch."""
    read = watch.read
    names, several = list(calls), torch.get_num_threads() > 1
    taken: dict[str, list[float]] = {name: [] for name in names}
    for name in names:
        calls[name]()
    gc.collect()
    gc.disable()
    try:
        begun = read()
        for number in range(MOST_ROUNDS):
            if number >= LEAST_ROUNDS and read() - begun > seconds:
                break
            first = number % len(names)
            order = names[first:] + names[:first]
            for name in order if number % 2 else reversed(order):
                if several:
                    sleep(SETTLE)
                before = read()
                calls[name]()
                taken[name].append(read() - before)
    finally:
        gc.enable()
    return {name: Samples(tuple(found)) for name, found in taken.items()}
