"""Evaluators by the names of their parts, imported when they are first asked for, and one stage of a trial at work."""

from collections.abc import Callable, Mapping
from importlib import import_module
from typing import cast

from archdsl.diagnostics.record import ArchError
from archdsl.parts import EXTERN
from archdsl.search.contract import Evaluator, Objective, Pruned, Result, TrialFailed, Work

MODULES: Mapping[str, str] = {
    "static": "static",
    "table": "table",
    "zero_cost": "zero_cost",
    "latency": "latency",
    "training": "training",
    EXTERN: "python",
}
"""`static` and `latency` stand in no `evaluate`: metrics bring them along."""

REPORTED = "reported"
"""The metric that evaluators give by names of their own."""


def evaluator_named(name: str) -> Evaluator:
    """The evaluator that a part of this name asks for."""
    return cast(Evaluator, import_module(f"archdsl.search.evaluators.{MODULES[name]}"))


def evaluated(work: Work, watch: Callable[[int, float], None] | None = None) -> Result:
    """Carry out one stage of one trial. `watch` is told of every intermediate value. Only TrialFailed is raised, and
    what is a fault of ours."""
    reports: dict[int, float] = {}

    def report(step: int, value: float) -> None:
        reports[step] = value
        if watch is not None:
            watch(step, value)
        cutoff = work.cutoffs.get(step)
        if cutoff is not None and not value >= cutoff:
            raise Pruned

    try:
        found = evaluator_named(work.evaluator.name).evaluate(work, report)
    except Pruned:
        return Result({}, reports, pruned=True)
    except ArchError as error:
        raise TrialFailed("; ".join(diagnostic.title for diagnostic in error.diagnostics)) from error
    except MemoryError as error:
        raise TrialFailed("there is not enough memory for it") from error
    return found if found.reports or not reports else _with_reports(found, reports)


def _with_reports(found: Result, reports: Mapping[int, float]) -> Result:
    return Result(found.metrics, reports, found.pruned, found.weights, found.data)


def name_asked(objective: Objective) -> str:
    """The name under which an evaluator of no fixed metrics is asked for an objective: what `reported` names, or the
    objective's own name."""
    named = objective.metric.settings.get("name") if objective.metric.name == REPORTED else None
    return named if isinstance(named, str) else objective.name
