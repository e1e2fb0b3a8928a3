"""Running one stage of a trial, wherever that is. What an evaluator is stands in `archdsl.search.contract`."""

import math
import traceback
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from importlib import import_module
from time import perf_counter
from typing import Any, cast

from archdsl.diagnostics.record import ArchError, UsageError
from archdsl.search.contract import Evaluator, Result, TrialFailed, Work
from archdsl.search.workers.contract import Finished, Job

OUR_EVALUATORS = "archdsl.search.evaluators"
OUT_OF_MEMORY = ("can't allocate memory", "out of memory", "not enough memory")
"""How PyTorch says it."""


def evaluator_named(name: str) -> Evaluator:
    """The module of an evaluator, imported when it is first asked for."""
    return cast(Evaluator, import_module(name if "." in name else f"{OUR_EVALUATORS}.{name}"))


def shared_by(work: Work) -> Mapping[str, Callable[[], object]]:
    """What a work refers to and other machines lack, by names that are the same for the same thing."""
    shared = getattr(evaluator_named(work.evaluator.name), "shared", None)
    return {} if shared is None else cast("Mapping[str, Callable[[], object]]", shared(work))


def received(work: Work, name: str, content: object) -> None:
    """Give an evaluator what it shares, on another machine."""
    cast(Any, evaluator_named(work.evaluator.name)).receive(name, content)


@dataclass(slots=True)
class Reporter:
    """Takes intermediate values and says whether to go on."""

    work: Work
    values: dict[int, float] = field(default_factory=dict[int, float])
    given_up: bool = False

    def __call__(self, step: int, value: float) -> bool:
        self.values[step] = value
        # Not `<`: a value that is no number is below any other.
        self.given_up = step in self.work.cutoffs and not value >= self.work.cutoffs[step]
        return not self.given_up


def attempted(job: Job, worker: str = "") -> Finished:
    """Run a job; whatever goes wrong in it is the job's, not the worker's."""
    begun = perf_counter()
    result, failure, trace = None, "", ""
    try:
        result = _evaluated(job.work)
    except (TrialFailed, ArchError, UsageError) as error:
        failure = str(error) or type(error).__name__
    except MemoryError:
        failure = "out of memory"
    except Exception as error:
        first = str(error).strip().partition("\n")[0]
        failure, trace = f"{type(error).__name__}: {first}".rstrip(": "), traceback.format_exc()
        if any(words in first.lower() for words in OUT_OF_MEMORY):
            failure = f"out of memory: {first}"
    return Finished(job.number, result, failure, trace, perf_counter() - begun, worker=worker)


def _evaluated(work: Work) -> Result:
    report = Reporter(work)
    result = evaluator_named(work.evaluator.name).evaluate(work, report)
    asked = {wish.name for wish in work.metrics}
    for name, value in result.metrics.items():
        if name in asked and not math.isfinite(value):
            raise TrialFailed(f"`{name}` is {value}")
    metrics = {name: value for name, value in result.metrics.items() if math.isfinite(value)}
    reports = {**report.values, **result.reports}
    return replace(result, metrics=metrics, reports=reports, pruned=result.pruned or report.given_up)
