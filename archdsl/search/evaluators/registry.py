"""Evaluators by the names of their parts, imported when they are first asked for, and one stage of a trial at work."""

import math
from collections.abc import Callable, Mapping
from dataclasses import replace
from importlib import import_module
from typing import cast

from archdsl.diagnostics.record import ArchError
from archdsl.parts import EXTERN
from archdsl.search.contract import Evaluator, Objective, Pruned, Result, TrialFailed, Work

MODULES: Mapping[str, str] = {
    "static": "static",
    "table": "table",
    EXTERN: "python",
}
"""The modules by the names of parts; an `extern function` is a part of one name."""

REPORTED = "reported"
"""The metric that evaluators give by names of their own."""


def evaluator_named(name: str) -> Evaluator:
    """The evaluator that a part of this name asks for."""
    return cast(Evaluator, import_module(f"archdsl.search.evaluators.{MODULES[name]}"))


def evaluated(work: Work, watch: Callable[[int, float], None] | None = None) -> Result:
    """Carry out one stage of one trial. `watch` is told of every intermediate value. TrialFailed says why a candidate
    cannot be measured, whatever it failed of."""
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
    except TrialFailed:
        raise
    except ArchError as error:
        raise TrialFailed("; ".join(diagnostic.title for diagnostic in error.diagnostics)) from error
    except Exception as error:
        raise TrialFailed(_told(error)) from error
    asked = {wish.name for wish in work.metrics}
    for name, value in found.metrics.items():
        if name in asked and not math.isfinite(value):
            raise TrialFailed(f"`{name}` is {value}")
    metrics = {name: value for name, value in found.metrics.items() if math.isfinite(value)}
    return replace(found, metrics=metrics, reports=found.reports or reports)


def _told(error: Exception) -> str:
    """Why a candidate could not be built or run, in one line."""
    first = str(error).strip().partition("\n")[0]
    if isinstance(error, MemoryError) or "can't allocate memory" in first or "out of memory" in first.lower():
        return f"there is not enough memory: {first}" if first else "there is not enough memory"
    return f"{type(error).__name__}: {first}"


def name_asked(objective: Objective) -> str:
    """The name under which an evaluator of no fixed metrics is asked for an objective: what `reported` names, or the
    objective's own name."""
    named = objective.metric.settings.get("name") if objective.metric.name == REPORTED else None
    return named if isinstance(named, str) else objective.name
