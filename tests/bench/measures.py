"""What is measured, one function for each promise. A measure says what it measured, in which unit, and the bound."""

import random
import statistics
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache, partial
from pathlib import Path
from typing import Final

import archdsl
from archdsl.meaning.program import Program
from archdsl.source import Source
from archdsl.syntax.parse import parse
from archdsl.targets import open_target
from tests.bench.bench_parse import sample, seconds
from tests.bench.timing import Times, timed, timed_each, timed_process, usual_environment

HERE: Final = Path(__file__).parent
ROOT: Final = HERE.parent.parent
FILE: Final = HERE / "two_hundred.arch"
MODELS: Final = HERE / "models.arch"
FIRST_COSTS: Final = """\
import sys, time, archdsl
program = archdsl.load(sys.argv[1])
began = time.perf_counter(), time.process_time()
archdsl.costs(program, sys.argv[2])
print(time.perf_counter() - began[0], time.process_time() - began[1])
"""


@dataclass(frozen=True, slots=True)
class Measure:
    """A value that was measured; `at_least` and `at_most` are what is promised, if anything is."""

    name: str
    value: float
    unit: str
    at_least: float | None = None
    at_most: float | None = None
    more: tuple[tuple[str, float], ...] = ()

    def holds(self, patience: float = 1.0) -> bool:
        """Whether the promise is kept; `patience` is how many times worse a crowded machine may be."""
        if self.at_least is not None and self.value * patience < self.at_least:
            return False
        return self.at_most is None or self.value <= self.at_most * patience


def in_milliseconds(name: str, times: Times, at_most: float | None = None, **more: float) -> Measure:
    """The median of the processor's time, beside that of the wall clock, which is the same where nothing else runs."""
    beside = {"wall": times.median_wall * 1e3, "fastest": times.fastest_processor * 1e3, **more}
    return Measure(name, times.median_processor * 1e3, "ms", at_most=at_most, more=tuple(beside.items()))


def parsing() -> list[Measure]:
    """Text to nodes, and whether a line among ten thousand takes as long as one among two thousand alike."""
    parse(Source("warm.arch", "let a = 1"))
    # The collector looks again and again at nodes that live; its work is part of what has to stay linear.
    each = {lines: seconds(sample(lines), runs) / lines for lines, runs in ((2_000, 7), (10_000, 5))}
    beside = tuple((f"us_a_line_{lines}", taken * 1e6) for lines, taken in each.items())
    return [
        Measure("parsing 2,000 lines of samples", 1 / each[2_000], "lines/s", at_least=6_000),
        Measure("parsing 10,000 lines", 1 / each[10_000], "lines/s", at_least=6_000),
        Measure("a line of 10,000, to one of 2,000", each[10_000] / each[2_000], "times", at_most=1.5, more=beside),
    ]


def checking() -> list[Measure]:
    """`archdsl check` of a file of 200 lines that imports std: the whole process, with a warm cache."""
    command = [sys.executable, "-m", "archdsl", "check", str(FILE)]
    timed_process(command, 2, ROOT)
    times = timed_process(command, 15, ROOT)
    nothing = timed_process([sys.executable, "-c", "pass"], 5, ROOT)
    return [in_milliseconds("check of 200 lines, process", times, 350, python_alone=nothing.median_processor * 1e3)]


def costs_cold() -> list[Measure]:
    """Costs of models of 226 modules of which nothing was elaborated before: in a program that forgot all, and as the
    first call of a process."""
    found: list[Measure] = []
    for name, bound in (("even", 10.0), ("rising", None)):
        loaded = _loaded()
        times = timed(lambda n=name, p=loaded: archdsl.costs(_forgetful(p), n), 15)
        found.append(in_milliseconds(f"costs of `{name}`, cold", times, bound))
    firsts = timed_first("even", 5)
    found.append(in_milliseconds("costs of `even`, first call of a process", firsts, 10.0))
    return found


def timed_first(name: str, runs: int) -> Times:
    """The first costs of a process, several times; what it imports and loads before is not in it."""
    pairs: list[tuple[float, float]] = []
    for _ in range(runs):
        done = subprocess.run(
            [sys.executable, "-c", FIRST_COSTS, str(MODELS), name],
            capture_output=True,
            text=True,
            check=True,
            cwd=ROOT,
            env=usual_environment(),
        )
        wall, processor = map(float, done.stdout.split())
        pairs.append((wall, processor))
    return Times(tuple(w for w, _ in pairs), tuple(p for _, p in pairs))


def graphs_cold() -> list[Measure]:
    """The graph of the same models, cold."""
    loaded = _loaded()
    return [
        in_milliseconds(
            f"graph of `{name}`, cold", timed(lambda n=name: archdsl.elaborate(_forgetful(loaded), n), 15), bound
        )
        for name, bound in (("even", 50.0), ("rising", 50.0))
    ]


def candidates() -> list[Measure]:
    """Costs of further candidates of a space, when others were costed before; and how many a second go through."""
    program, draw = _forgetful(_loaded()), random.Random(1)
    for _ in range(1_000):
        archdsl.costs(program, "stages", None, genome(draw))
    works = [partial(archdsl.costs, program, "stages", None, genome(draw)) for _ in range(200)]
    times = timed_each(works)
    again = timed_each(works)
    began = time.process_time()
    for _ in range(1_000):
        archdsl.costs(program, "stages", None, genome(draw))
    rate = 1_000 / (time.process_time() - began)
    began = time.process_time()
    for _ in range(200):
        archdsl.elaborate(program, "stages", None, genome(draw))
    graphs = 200 / (time.process_time() - began)
    fresh = _forgetful(program)
    untouched = timed_each([partial(archdsl.costs, fresh, "stages", None, genome(draw)) for _ in range(50)])
    return [
        in_milliseconds(
            "costs of another genome, warm",
            times,
            0.2,
            p90=times.processor_at(0.9) * 1e3,
            the_same_again=again.median_processor * 1e3,
            first_50=statistics.mean(untouched.processor) * 1e3,
        ),
        Measure("candidates, with costs", rate, "1/s"),
        Measure("candidates, with graphs", graphs, "1/s"),
    ]


def profiles() -> list[Measure]:
    """Profiles of zoo models of ten families whose program is loaded: where one was made before, in this process or in
    another, and where none was. The geometric mean of the medians."""
    families = {home.family: name for name, home in sorted(archdsl.zoo.homes().items()) if home.variant}
    names = sorted(families.values())[:10]
    programs = [open_target(f"zoo:{name}").program for name in names]
    for name in names:
        archdsl.profile(f"zoo:{name}")
    again = [timed(lambda n=n: archdsl.profile(f"zoo:{n}"), 7) for n in names]
    kept = [timed(lambda n=n, p=p: _kept_profile(p, n), 7) for n, p in zip(names, programs, strict=True)]
    cold = [
        timed(lambda n=n, p=p: archdsl.profile((_forgetful(p), n)), 3) for n, p in zip(names, programs, strict=True)
    ]
    return [
        Measure(f"profile of a zoo model, {what}", _mean_of_medians(times), "ms", at_most=bound)
        for what, times, bound in (("again", again, 4.0), ("kept", kept, 4.0), ("cold", cold, None))
    ]


def _kept_profile(program: Program, name: str) -> None:
    """As the first profile of a process."""
    program.modules.clear()
    archdsl.profile(f"zoo:{name}")


def _mean_of_medians(times: list[Times]) -> float:
    return statistics.geometric_mean(t.median_processor * 1e3 for t in times)


def genome(draw: random.Random) -> dict[str, object]:
    """A random candidate of the space `stages`."""
    taken: dict[str, object] = {"width": draw.choice((32, 48, 64, 96))}
    for stage in range(4):
        taken[f"depths.{stage}"] = draw.randint(1, 6)
        mixers = ("pool", "lka", "depthwise_conv", "attention")
        mixer = taken[f"mixers.{stage}"] = draw.choice(mixers if stage >= 2 else mixers[:3])
        if mixer == "attention":
            taken[f"mixers.{stage}.heads"] = draw.choice((2, 4, 8))
    return taken


MEASURES: Final[tuple[Callable[[], list[Measure]], ...]] = (
    parsing,
    checking,
    costs_cold,
    graphs_cold,
    candidates,
    profiles,
)


@cache
def _loaded() -> Program:
    return archdsl.load(MODELS)


def _forgetful(program: Program) -> Program:
    """The same program as it is right after loading: nothing of it was elaborated."""
    return Program(program.unit, program.limits)
