"""Takes times: of the wall clock, and of the processor, which other programs on the machine disturb less."""

import gc
import os
import platform
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True)
class Times:
    """Of several runs, in seconds."""

    wall: tuple[float, ...]
    processor: tuple[float, ...]

    @property
    def median_wall(self) -> float:
        return statistics.median(self.wall)

    @property
    def median_processor(self) -> float:
        return statistics.median(self.processor)

    def wall_at(self, share: float) -> float:
        """The wall time that this share of the runs did not exceed."""
        return sorted(self.wall)[min(len(self.wall) - 1, int(share * len(self.wall)))]


def timed(work: Callable[[], object], runs: int) -> Times:
    """The same work several times; what the run before left is collected first."""
    wall: list[float] = []
    processor: list[float] = []
    for _ in range(runs):
        gc.collect()
        wall_began, processor_began = time.perf_counter(), time.process_time()
        work()
        wall.append(time.perf_counter() - wall_began)
        processor.append(time.process_time() - processor_began)
    return Times(tuple(wall), tuple(processor))


def timed_each(works: Sequence[Callable[[], object]]) -> Times:
    """Each of many short works once, one after the other."""
    wall: list[float] = []
    processor: list[float] = []
    for work in works:
        wall_began, processor_began = time.perf_counter(), time.process_time()
        work()
        wall.append(time.perf_counter() - wall_began)
        processor.append(time.process_time() - processor_began)
    return Times(tuple(wall), tuple(processor))


def timed_process(command: Sequence[str], runs: int, folder: Path) -> Times:
    """A whole process, from its start to its end; the processor time is the user's and the system's."""
    wall: list[float] = []
    processor: list[float] = []
    for _ in range(runs):
        began, before = time.perf_counter(), os.times()
        subprocess.run(command, cwd=folder, check=True, stdout=subprocess.DEVNULL)
        wall.append(time.perf_counter() - began)
        after = os.times()
        processor.append(
            after.children_user - before.children_user + after.children_system - before.children_system
        )
    return Times(tuple(wall), tuple(processor))


def machine() -> dict[str, object]:
    """What the times were taken on. Everything that is measured runs on one thread."""
    name = platform.processor() or platform.machine()
    with_names = Path("/proc/cpuinfo")
    if with_names.exists():
        models = [line.partition(":")[2].strip() for line in with_names.read_text().splitlines() if "model name" in line]
        name = models[0] if models else name
    return {
        "machine": name,
        "cores": os.cpu_count(),
        "threads": 1,
        "load": round(os.getloadavg()[0], 2),
        "python": sys.version.split()[0],
        "system": platform.platform(terse=True),
    }
