"""Evaluators that do as they are told: compute, sleep, fail, end their process. The module is the evaluator."""

import os
import signal
import time
from collections.abc import Sequence
from pathlib import Path
from typing import cast

from archdsl.search.contract import Ground, Objective, Part, Place, Prepared, Report, Result, TrialFailed, Work

NAME = "tests.search.fakes"
PLACE: Place = "anywhere"
READS_ARCHITECTURE = False


def fake(**settings: object) -> Part:
    """The evaluator. `seconds` it sleeps, or what `slow` says of an option of the decision "a"; at the options `fail`,
    `wrong` and `die` it fails, raises or is killed; `die_once` is a file that remembers that it was; `steps` are
    reported first; `weights` are returned."""
    return Part(NAME, settings)


def prepare(evaluator: Part, ground: Ground) -> Prepared:
    return Prepared()


def gives(evaluator: Part, objective: Objective) -> bool:
    return objective.metric.name not in ("params", "macs", "memory")


def offers(evaluator: Part) -> Sequence[str]:
    return ("good", "cost")


def evaluate(work: Work, report: Report) -> Result:
    settings = work.evaluator.settings
    a, b = cast(int, work.genome.get("a", 0)), cast(int, work.genome.get("b", 0))
    slow = cast("dict[int, float]", settings.get("slow", {}))
    time.sleep(slow.get(a, cast(float, settings.get("seconds", 0.0))))
    if a in cast("tuple[int, ...]", settings.get("fail", ())):
        raise TrialFailed(f"no row for a={a}")
    if a in cast("tuple[int, ...]", settings.get("wrong", ())):
        raise KeyError(a)
    if a in cast("tuple[int, ...]", settings.get("die", ())):
        os.kill(os.getpid(), signal.SIGKILL)
    once = cast("str | None", settings.get("die_once"))
    if once is not None and not Path(once).exists():
        Path(once).touch()
        os.kill(os.getpid(), signal.SIGKILL)
    for step, value in enumerate(cast("tuple[float, ...]", settings.get("steps", ()))):
        if not report(step, value):
            return Result({})
    weights = f"weights of {a} {b}".encode() if settings.get("weights") else None
    return Result({"good": float((a * 7 + b * 3) % 50), "cost": float(a + b)}, weights=weights)
