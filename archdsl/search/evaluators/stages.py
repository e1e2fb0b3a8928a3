"""The stages of a trial: which evaluators run, in which order, and what each of them is asked for."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from archdsl.diagnostics.record import UsageError
from archdsl.diagnostics.suggest import closest
from archdsl.parts import Part
from archdsl.search.contract import Evaluator, Ground, Objective
from archdsl.search.evaluators.registry import MODULES, REPORTED, evaluator_named, name_asked

IMPLIED = ("static", "latency")
"""Evaluators that metrics bring along where none that is written gives them."""
DEAR = ("training",)
"""Before the first of these, the latency is measured."""


@dataclass(frozen=True, slots=True)
class Stage:
    """A prepared evaluator, and the objectives that it measures. A stage without objectives gives what decides which
    candidates go on."""

    evaluator: Part
    objectives: tuple[Objective, ...]
    at_home: bool
    timed: bool


def stages_of(
    evaluators: Sequence[Part], objectives: Sequence[Objective], ground: Ground
) -> tuple[tuple[Stage, ...], tuple[str, ...]]:
    """The stages from cheap to dear, and notes for people. Raises UsageError for what no evaluator measures, and for
    what is wrong with one of them."""
    notes: list[str] = []
    stages: list[Stage] = []
    for part in evaluators:
        if part.name not in MODULES:
            raise UsageError(f"`{part.name}` is declared and cannot run yet")
        stages.append(_stage(part, objectives, ground, notes))
    given = {wish.name for stage in stages for wish in stage.objectives}
    for name in IMPLIED:
        missing = [wish for wish in objectives if wish.name not in given]
        if any(evaluator_named(name).gives(Part(name), wish) for wish in missing):
            stage = _stage(Part(name), missing, ground, notes)
            given.update(wish.name for wish in stage.objectives)
            stages.insert(_place(name, stages), stage)
    for wish in objectives:
        if wish.name not in given:
            raise UsageError(_not_given(wish, stages))
    return tuple(stages), tuple(notes)


def _stage(part: Part, objectives: Iterable[Objective], ground: Ground, notes: list[str]) -> Stage:
    evaluator: Evaluator = evaluator_named(part.name)
    prepared = evaluator.prepare(part, ground)
    notes += prepared.notes
    wanted = tuple(wish for wish in objectives if evaluator.gives(prepared.part, wish))
    return Stage(prepared.part, wanted, evaluator.AT_HOME, evaluator.TIMED)


def _place(name: str, stages: Sequence[Stage]) -> int:
    """Costs come first; the latency is measured before anything is trained."""
    if name == "static":
        return 0
    return next((i for i, stage in enumerate(stages) if stage.evaluator.name in DEAR), len(stages))


def _not_given(wish: Objective, stages: Sequence[Stage]) -> str:
    """Why an objective cannot be measured, and what can be asked for."""
    evaluators = [stage.evaluator.name for stage in stages if stage.evaluator.name not in IMPLIED]
    written = f"`evaluate` has {', '.join(f'`{name}`' for name in evaluators)}" if evaluators else "`evaluate` is empty"
    if wish.metric.name != REPORTED:
        return f"nothing measures `{wish.metric.name}` for the objective `{wish.name}`: {written}"
    asked = name_asked(wish)
    offered = [name for stage in stages for name in evaluator_named(stage.evaluator.name).offers(stage.evaluator)]
    near = closest(asked, offered)
    hint = f"; a similar name is `{near}`" if near else f"; there are {', '.join(offered[:12])}" if offered else ""
    return f'nothing gives "{asked}" for the objective `{wish.name}`: {written}{hint}'
