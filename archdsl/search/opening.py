"""What a run of a search starts from: what its declaration says, what whoever runs it says, and what an earlier run in
the folder has fixed."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from random import Random
from typing import cast

from archdsl.diagnostics.record import UsageError
from archdsl.parts import Part, as_json, default_part
from archdsl.search.contract import Ground, Rejected
from archdsl.search.evaluators.stages import Stage, stages_of
from archdsl.search.output_folder import Beginning, Found
from archdsl.search.problem import Problem
from archdsl.search.source_files import source_files

SAMPLES = 32
"""Candidates that evaluators are shown before the first trial."""


@dataclass(frozen=True, slots=True)
class Wanted:
    """What whoever runs a search says of it; None is what the declaration, or an earlier run in the folder, says. `ray`
    is the address of a cluster, `written` are settings as the command line has them."""

    trials: int | None = None
    seconds: float | None = None
    workers: int | None = None
    ray: str | None = None
    seed: int | None = None
    storage: str | None = None
    resume: bool = False
    allow_extern: bool = False
    written: tuple[str, ...] = ()
    settings: Mapping[str, object] = field(default_factory=dict[str, object])


def as_before(wanted: Wanted, found: Found) -> Wanted:
    """What is not said again is as it was when the trials of the folder began."""
    if not found.trials:
        return wanted
    begun = found.begun
    limited = wanted.trials is not None or wanted.seconds is not None
    written = begun.get("written") if not wanted.written and not wanted.settings else None
    return replace(
        wanted,
        seed=cast("int | None", found.fact("seed")) if wanted.seed is None else wanted.seed,
        trials=wanted.trials if limited else cast("int | None", begun.get("trials")),
        seconds=wanted.seconds if limited else cast("float | None", begun.get("seconds")),
        storage=cast("str | None", begun.get("storage")) if wanted.storage is None else wanted.storage,
        written=tuple(cast("list[str]", written)) if isinstance(written, list) else wanted.written,
    )


def beginning_of(problem: Problem) -> Beginning:
    """What the trials of a search follow from."""
    target = problem.target
    facts: dict[str, object] = {
        "search": target.name,
        "settings": target.written_settings(),
        "seed": problem.seed,
        "strategy": as_json(problem.strategy),
    }
    return Beginning(source_files(target.program), facts)


def written_settings(problem: Problem) -> list[str]:
    """The settings that were given, as the command line takes them."""
    return [f"{name}={value}" for name, value in problem.target.written_settings().items()]


def executor_of(declared: Part, wanted: Wanted) -> Part:
    """Where the trials run: as it is declared, unless something else is asked for."""
    executor = declared
    if wanted.ray is not None and executor.name != "ray":
        executor = default_part("executor", "ray", workers=declared["workers"])
    if wanted.workers is not None:
        executor = Part(executor.name, {**executor.settings, "workers": wanted.workers})
    return executor


def prepared_stages(problem: Problem, allow_extern: bool) -> tuple[tuple[Stage, ...], tuple[str, ...]]:
    """The stages of every trial, and notes. Raises UsageError for what keeps an evaluator from working at all, and for
    candidates to begin with that are none."""
    for genome in problem.begin:
        found = problem.domain.complete(genome, Random(0))
        if isinstance(found, Rejected):
            raise UsageError(f"`begin` names a candidate that is none: {found.reason}")
    samples = [problem.domain.draw(Random(number)) for number in range(SAMPLES)]
    folder = Path(problem.target.program.unit.source.name).parent
    ground = Ground(folder, samples, allow_extern, problem.architecture)
    return stages_of(problem.evaluators, problem.objectives, ground)
