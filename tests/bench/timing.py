"""Takes times: of the wall clock, and of the processor, which other programs on the machine disturb less."""

import gc
import os
import platform
import resource
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
    def fastest_processor(self) -> float:
        return min(self.processor)

    @property
    def median_processor(self) -> float:
        return statistics.median(self.processor)

    def processor_at(self, share: float) -> float:
        """The processor time that this share of the runs did not exceed."""
        return sorted(self.processor)[min(len(self.processor) - 1, int(share * len(self.processor)))]


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
        began, before = time.perf_counter(), resource.getrusage(resource.RUSAGE_CHILDREN)
        subprocess.run(command, cwd=folder, env=usual_environment(), check=True, stdout=subprocess.DEVNULL)
        wall.append(time.perf_counter() - began)
        after = resource.getrusage(resource.RUSAGE_CHILDREN)
        processor.append(after.ru_utime - before.ru_utime + after.ru_stime - before.ru_stime)
    return Times(tuple(wall), tuple(processor))


def usual_environment() -> dict[str, str]:
    """The environment of a user: Python keeps what it compiled."""
    return {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}


def machine() -> dict[str, object]:
    """What the times were taken on. Everything that is measured runs on one thread."""
    name = platform.processor() or platform.machine()
    with_names = Path("/proc/cpuinfo")
    if with_names.exists():
        lines = with_names.read_text(encoding="utf-8").splitlines()
        models = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
        name = models[0] if models else name
    return {
        "machine": name,
        "cores": os.cpu_count(),
        "threads": 1,
        "load": round(os.getloadavg()[0], 2),
        "python": sys.version.split()[0],
        "system": platform.platform(terse=True),
    }
