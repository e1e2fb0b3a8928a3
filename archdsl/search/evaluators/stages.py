"""The stages of a trial: which of a search's evaluators run, and what each of them is asked for."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from archdsl.diagnostics.record import UsageError
from archdsl.diagnostics.suggest import closest
from archdsl.parts import Part
from archdsl.search.contract import Ground, Objective, Place
from archdsl.search.evaluation import evaluator_named
from archdsl.search.evaluators.reported import REPORTED, name_asked

IMPLIED = ("static", "latency")
"""Evaluators that no text writes: they measure what no written one gives."""


@dataclass(frozen=True, slots=True)
class Stage:
    """A prepared evaluator, by its number among those of the search, and the objectives that it measures. A written one
    without objectives gives what decides which candidates go on."""

    number: int
    name: str
    found: Mapping[str, object]
    objectives: tuple[Objective, ...]
    place: Place

    def prepared(self, part: Part) -> Part:
        """The part for one candidate, with what was found when it was prepared."""
        return Part(part.name, {**part.settings, **self.found})


def stages_of(
    evaluators: Sequence[Part], objectives: Sequence[Objective], ground: Ground
) -> tuple[tuple[Stage, ...], tuple[str, ...]]:
    """The stages in order, and notes for people. Raises UsageError for what is wrong with an evaluator whatever the
    candidate is, and for objectives that none measures."""
    ground = replace(ground, objectives=tuple(objectives))
    notes: list[str] = []
    stages: list[Stage] = []
    given: set[str] = set()
    # The dear ones look at their data and no more; what scores some candidates first comes after them.
    order = sorted(range(len(evaluators)), key=lambda number: (evaluators[number].name in IMPLIED, -number))
    for number in order:
        part = evaluators[number]
        evaluator = evaluator_named(part.name)
        prepared = evaluator.prepare(part, ground)
        notes += prepared.notes
        ready = Part(part.name, {**part.settings, **prepared.found})
        implied = part.name in IMPLIED
        wanted = tuple(w for w in objectives if evaluator.gives(ready, w) and not (implied and w.name in given))
        if wanted or not implied:
            given.update(wish.name for wish in wanted)
            stages.append(Stage(number, part.name, prepared.found, wanted, evaluator.PLACE))
    for wish in objectives:
        if wish.name not in given:
            raise UsageError(_not_given(wish, evaluators, stages))
    return tuple(sorted(stages, key=lambda stage: stage.number)), tuple(notes)


def _not_given(wish: Objective, evaluators: Sequence[Part], stages: Sequence[Stage]) -> str:
    """Why an objective cannot be measured, and what can be asked for."""
    names = [part.name for part in evaluators if part.name not in IMPLIED]
    written = f"`evaluate` has {', '.join(f'`{name}`' for name in names)}" if names else "the search has no `evaluate`"
    if wish.metric.name != REPORTED:
        return f"nothing measures `{wish.metric.name}` for the objective `{wish.name}`: {written}"
    asked = name_asked(wish)
    offered = [
        name
        for stage in stages
        for name in evaluator_named(stage.name).offers(stage.prepared(evaluators[stage.number]))
    ]
    near = closest(asked, offered)
    hint = f"; a similar name is `{near}`" if near else f"; there are {', '.join(offered[:12])}" if offered else ""
    return f'nothing gives "{asked}" for the objective `{wish.name}`: {written}{hint}'
