"""Which of several ways to compute the same is the fastest: measured in turn, so that what else the machine does falls
on all of them alike."""

import gc
from collections.abc import Callable, Generator, Iterable, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from itertools import pairwise
from math import ceil, inf
from statistics import median
from typing import Final

from archdsl_compiler.tuning.stopwatch import Stopwatch, stopwatch

SAMPLES: Final = 15
"""At most, of each candidate."""
LONG_ENOUGH: Final = 2.5e-3
"""Seconds of a sample whose calls are timed together; a shorter one measures the clock."""
CALLS_APART: Final = 4
"""Calls in a sample at most, where each is timed by itself."""
HOPELESS: Final = ((1, 6.0), (3, 2.5), (6, 1.4))
"""From how many samples on a candidate is given up that is, at its best, so many times slower than the fastest."""
TIE: Final = 0.05

Candidate = Callable[[], object]


@dataclass(frozen=True, slots=True)
class Timing:
    """Seconds of one call: the median of the samples, the least of them, and how many there were."""

    median: float
    least: float
    samples: int


@dataclass(frozen=True, slots=True)
class Race:
    """What came of it: `failures` says of those that raised something what; `untried` ones had no turn."""

    timings: dict[str, Timing]
    failures: dict[str, str]
    untried: tuple[str, ...] = ()


def race(
    candidates: Mapping[str, Candidate],
    *,
    simplest: str | None = None,
    watch: Stopwatch | None = None,
    budget: float = 2.0,
) -> Race:
    """Time all candidates in turn, in another order each round, after a first call that does not count. Those that turn
    out hopeless are not timed to the end, nor is any when `budget` seconds of the watch are over; one that had no call
    by then gets none. `simplest` is the first to be called.

    What raises an exception has failed. Gradients are the caller's matter, as is whether results are right."""
    watch = watch or stopwatch()
    failures: dict[str, str] = {}
    untried: list[str] = []
    runners: dict[str, _Runner] = {}
    with _uncollected():
        overhead = _overhead(watch)
        end = watch.read() + budget
        for name in sorted(candidates, key=lambda name: name != simplest):
            if runners and watch.read() >= end:
                untried.append(name)
                continue
            runner = _Runner(candidates[name], watch, overhead)
            with _noting(failures, name):
                runner.begin()
                runners[name] = runner
        for number in range(SAMPLES):
            for name in _turns(_hopeful(runners), number):
                if watch.read() >= end:
                    break
                with _noting(failures, name):
                    runners[name].sample()
                if name in failures:
                    del runners[name]
    return Race({name: runner.timing for name, runner in runners.items()}, failures, tuple(untried))


def best(timings: Mapping[str, Timing], simpler_first: Iterable[str], tie: float = TIE) -> str:
    """The fastest; of those that are nearly as fast, the one that is named first, so that choices do not change with
    noise. Names without a timing are passed over."""
    enough = min(timing.median for timing in timings.values()) * (1 + tie)
    order = [*(name for name in simpler_first if name in timings), *timings]
    return next(name for name in order if timings[name].median <= enough)


@dataclass(slots=True)
class _Runner:
    """A candidate with the times that it has."""

    call: Candidate
    watch: Stopwatch
    overhead: float
    first: float = 0.0
    calls: int = 1
    """In a sample."""
    samples: list[float] = field(default_factory=list[float])

    def begin(self) -> None:
        self.call()
        self.first = self._timed(1)
        wanted = ceil(LONG_ENOUGH / max(self.first, 1e-7))
        self.calls = min(wanted, CALLS_APART) if self.watch.before else wanted

    def sample(self) -> None:
        if self.watch.before:
            self.samples.append(sum(self._timed(1) for _ in range(self.calls)) / self.calls)
        else:
            self.samples.append(self._timed(self.calls) / self.calls)

    @property
    def timing(self) -> Timing:
        samples = self.samples or [self.first]
        return Timing(median(samples), min(samples), len(samples))

    def _timed(self, calls: int) -> float:
        call, read = self.call, self.watch.read
        if self.watch.before:
            self.watch.before()
        begun = read()
        for _ in range(calls):
            call()
        return max(read() - begun - self.overhead, 0.0)


def _hopeful(runners: Mapping[str, _Runner]) -> list[str]:
    """Those that may still win."""
    fastest = min((runner.timing.median for runner in runners.values()), default=0.0)
    return [
        name
        for name, runner in runners.items()
        if min(runner.first, *runner.samples, inf) <= _slowest(len(runner.samples)) * fastest
    ]


def _slowest(samples: int) -> float:
    """How many times slower than the fastest a candidate may be that has so many samples."""
    return min((times for count, times in HOPELESS if count <= samples), default=inf)


def _turns(names: list[str], number: int) -> list[str]:
    """The order of a round: another one begins each time, and every second round goes backwards."""
    start = number % len(names) if names else 0
    turned = names[start:] + names[:start]
    return turned[::-1] if number % 2 else turned


def _overhead(watch: Stopwatch) -> float:
    """Seconds that the clock itself takes."""
    readings = [watch.read() for _ in range(64)]
    return median(later - earlier for earlier, later in pairwise(readings))


@contextmanager
def _noting(failures: dict[str, str], name: str) -> Generator[None]:
    """A kernel may fail in whatever way; it is no reason to stop the others."""
    try:
        yield
    except Exception as error:
        failures[name] = f"{type(error).__name__}: {error}"


@contextmanager
def _uncollected() -> Generator[None]:
    """No garbage is collected meanwhile."""
    before = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if before:
            gc.enable()
