"""A study: one method beside its rivals, over seeds. It says what it will do before it runs, keeps every finished run,
and reports mean differences with their spread.

Runs are kept in `build/studies/`, under what decides their outcome: changing the settings of a study begins it anew."""

import hashlib
import json
import math
import os
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from dataclasses import dataclass
from multiprocessing import get_context
from pathlib import Path
from statistics import mean, stdev

KEPT = Path(__file__).parent.parent.parent / "build" / "studies"
Run = Callable[[str, int], float]
"""From an arm and a seed to the number that is compared, of which larger is better."""


@dataclass(frozen=True)
class Study:
    """`plan` are lines for people: data, epochs and whatever else decides the outcome; with `version` they tell kept
    runs apart. The first of the arms is the studied method."""

    name: str
    question: str
    plan: tuple[str, ...]
    arms: tuple[str, ...]
    seeds: tuple[int, ...]
    run: Run
    version: int = 1

    @property
    def statement(self) -> str:
        lines = (
            self.question,
            *self.plan,
            f"arms: {', '.join(self.arms)}",
            f"seeds: {', '.join(map(str, self.seeds))}",
        )
        return "\n".join((f"study {self.name}", *(f"  {line}" for line in lines)))


@dataclass(frozen=True)
class Comparison:
    """The studied method less a rival, over the seeds."""

    method: str
    rival: str
    differences: tuple[float, ...]

    @property
    def mean(self) -> float:
        return mean(self.differences)

    @property
    def error(self) -> float:
        """The standard error of the mean of the paired difference."""
        return stdev(self.differences) / math.sqrt(len(self.differences))

    @property
    def holds(self) -> bool:
        """Whether the method is not worse by more than one standard error."""
        return self.mean >= -self.error

    def __str__(self) -> str:
        verdict = "not worse" if self.holds else "worse by more than one standard error"
        return f"{self.method} - {self.rival}: {self.mean:+.4f}, standard error {self.error:.4f}: {verdict}"


Results = dict[str, dict[int, float]]


def comparisons(study: Study, results: Results) -> list[Comparison]:
    method, *rivals = study.arms
    return [
        Comparison(method, rival, tuple(results[method][seed] - results[rival][seed] for seed in study.seeds))
        for rival in rivals
    ]


def report(study: Study, results: Results) -> str:
    """Mean and spread of each arm, then the differences."""
    width = max(map(len, study.arms))
    rows = [
        f"{arm:<{width}}  mean {mean(values):.4f}, spread {stdev(values):.4f}: {', '.join(f'{v:.4f}' for v in values)}"
        for arm in study.arms
        for values in [[results[arm][seed] for seed in study.seeds]]
    ]
    return "\n".join(f"  {line}" for line in (*rows, *map(str, comparisons(study, results))))


def carried_out(study: Study, say: Callable[[str], None] = print, kept: Path = KEPT, workers: int = 0) -> Results:
    """Every run of a study, from what was kept or anew, several at a time."""
    say(study.statement)
    file = kept / f"{study.name}.jsonl"
    results: Results = {arm: {} for arm in study.arms}
    for arm, seed, value in _read(file, _key(study)):
        if arm in results and seed in study.seeds:
            results[arm][seed] = value
    todo = [(arm, seed) for seed in study.seeds for arm in study.arms if seed not in results[arm]]
    say(f"  {len(study.arms) * len(study.seeds) - len(todo)} of {len(study.arms) * len(study.seeds)} runs are there")
    for arm, seed, value in _runs(study.run, todo, workers or os.cpu_count() or 1):
        results[arm][seed] = value
        file.parent.mkdir(parents=True, exist_ok=True)
        with file.open("a", encoding="utf-8") as lines:
            lines.write(json.dumps({"key": _key(study), "arm": arm, "seed": seed, "value": value}) + "\n")
        say(f"  {arm}, seed {seed}: {value:.4f}")
    return results


def _runs(run: Run, todo: Sequence[tuple[str, int]], workers: int) -> Iterator[tuple[str, int, float]]:
    if workers == 1:
        yield from ((arm, seed, run(arm, seed)) for arm, seed in todo)
        return
    with ProcessPoolExecutor(workers, mp_context=get_context("spawn")) as pool:
        waiting = {pool.submit(run, arm, seed): (arm, seed) for arm, seed in todo}
        for done in as_completed(waiting):
            yield (*waiting[done], done.result())


def _key(study: Study) -> str:
    return hashlib.sha256(json.dumps([study.version, study.plan]).encode()).hexdigest()[:16]


def _read(file: Path, key: str) -> Iterator[tuple[str, int, float]]:
    for line in file.read_text(encoding="utf-8").splitlines() if file.is_file() else ():
        found = json.loads(line)
        if found["key"] == key:
            yield found["arm"], found["seed"], found["value"]
