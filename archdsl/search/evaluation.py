"""Running one stage of a trial, wherever that is.

An evaluator is a module: `archdsl.search.evaluators.NAME` for a bare name, else the module that the name says. It has

    evaluate(work: Work, report: Callable[[int, float], bool]) -> Result

and may have what its place in a search needs:

    PLACE: Place            where it runs, "anywhere" if it does not say
    READS_ARCHITECTURE      False where genome and settings are enough; no text is made for it then
    prepare(part)           raises UsageError, before the first trial, if it cannot work: a path that is not there
    data(part) -> object    what workers on other machines need and `part` only refers to; sent to each of them once
    receive(part, data)     takes that, on the worker
"""

import traceback
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from importlib import import_module
from time import perf_counter
from types import ModuleType
from typing import cast

from archdsl.diagnostics.record import ArchError, UsageError
from archdsl.search.contract import Part, Result, TrialFailed, Work
from archdsl.search.workers.contract import Finished, Job, Place

OUR_EVALUATORS = "archdsl.search.evaluators"


def evaluator_named(name: str) -> ModuleType:
    """The module of an evaluator."""
    return import_module(name if "." in name else f"{OUR_EVALUATORS}.{name}")


def place_of(part: Part) -> Place:
    """Where an evaluator runs."""
    return cast(Place, getattr(evaluator_named(part.name), "PLACE", "anywhere"))


def reads_architecture(part: Part) -> bool:
    """Whether an evaluator needs the text of the candidate."""
    return cast(bool, getattr(evaluator_named(part.name), "READS_ARCHITECTURE", True))


def prepare(part: Part) -> None:
    """Let an evaluator see that it can work."""
    prepares = cast("Callable[[Part], None] | None", getattr(evaluator_named(part.name), "prepare", None))
    if prepares is not None:
        prepares(part)


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
        failure, trace = f"{type(error).__name__}: {error}", traceback.format_exc()
    return Finished(job.number, result, failure, trace, perf_counter() - begun, worker=worker)


def _evaluated(work: Work) -> Result:
    report = Reporter(work)
    result = cast(Result, evaluator_named(work.evaluator.name).evaluate(work, report))
    if report.given_up or (report.values and not result.reports):
        result = replace(result, reports={**report.values, **result.reports}, pruned=result.pruned or report.given_up)
    return result
