"""Scores of untrained candidates on one batch. All candidates see the same batch; weights begin by the trial's seed."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, cast

from archdsl.assembly import model_of_text
from archdsl.diagnostics.record import ArchError, UsageError
from archdsl.search.contract import Ground, Objective, Part, Place, Prepared, Report, Result, TrialFailed, Work
from archdsl.search.evaluators.reported import REPORTED, name_asked

if TYPE_CHECKING:
    from archdsl.cost.proxies.net import Batch
    from archdsl_compiler.graph import Module

PLACE: Place = "anywhere"
READS_ARCHITECTURE = True
OTHERS = "others"
"""The setting in which a prepared part has the scores of some candidates, beside which `az_nas` is one number."""
MOST_OTHERS = 16
RELATIVE = "az_nas"


def prepare(evaluator: Part, ground: Ground) -> Prepared:
    """The data must be there; for `az_nas`, some candidates are scored."""
    placed = _placed(evaluator, ground)
    if evaluator["proxy"] != RELATIVE:
        return Prepared(placed)
    evaluator = Part(evaluator.name, {**evaluator.settings, **placed})
    others: list[Mapping[str, float]] = []
    for candidate in ground.samples[:MOST_OTHERS]:
        if ground.architecture is None:
            break
        try:
            text = ground.architecture(candidate.genome)
            others.append(_scores(evaluator, text, 0, ground.allow_extern))
        except (ArchError, RuntimeError, ValueError):
            continue  # when it is tried itself, it is told why it fails
    if not others:
        raise UsageError("`az_nas` compares a candidate with others, and none could be scored; take another proxy")
    return Prepared({**placed, OTHERS: tuple(others)})


def gives(evaluator: Part, objective: Objective) -> bool:
    return objective.metric.name == REPORTED and name_asked(objective) in offers(evaluator)


def offers(evaluator: Part) -> Sequence[str]:
    """The score, and of `az_nas` its components."""
    name = cast(str, evaluator["proxy"])
    if name != RELATIVE:
        return (name,)
    from archdsl.cost.proxies.az_nas import COMPONENTS

    return (name, *(f"{name}.{component}" for component in COMPONENTS))


def evaluate(work: Work, report: Report) -> Result:
    part = work.evaluator
    found = _scores(part, work.architecture, work.seed, work.allow_extern)
    if part["proxy"] == RELATIVE:
        from archdsl.cost.proxies.az_nas import beside

        found[RELATIVE] = beside(found, cast("Sequence[Mapping[str, float]]", part[OTHERS]))
    for wish in work.metrics:
        if gives(part, wish):
            asked = name_asked(wish)
            if asked not in found:
                raise TrialFailed(f"`{asked}` says nothing of this model: its features are no maps of channels")
            found[wish.name] = found[asked]
    return Result(found)


def _placed(part: Part, ground: Ground) -> dict[str, object]:
    """The data with a whole path, which is seen to be there."""
    data = cast("Part | None", part["data"])
    if data is None:
        return {}
    from archdsl.train.data.contract import Wanted
    from archdsl.train.data.registry import load_data
    from archdsl.train.recipe import Recipe

    placed = Recipe(data).placed(ground.folder).data
    load_data(placed, Wanted(3, (32, 32), ground.allow_extern))
    return {"data": placed}


def _scores(part: Part, architecture: str, seed: int, allow_extern: bool) -> dict[str, float]:
    from archdsl.cost.proxies.net import score

    built = model_of_text(architecture, seed=seed, allow_extern=allow_extern)
    return score(cast(str, part["proxy"]), built.model, built.graph, _batch(part, built.graph, allow_extern), seed)


def _batch(part: Part, graph: "Module", allow_extern: bool) -> "Batch":
    """Noise, or training pictures of a source, the same ones for all candidates."""
    from archdsl.cost.proxies.net import Batch, noise

    size = cast(int, part["batch"])
    data = cast("Part | None", part["data"])
    if data is None:
        return noise(graph, size)
    from archdsl.train.data.prepared import evenly, prepare
    from archdsl.train.fitting import check_fit, wanted_by

    found = prepare(data, wanted_by(graph, allow_extern))
    check_fit("the model", graph, found)
    numbers, _ = evenly(found.train.labels, size)
    return Batch((found.normalised(found.train.pictures(numbers)),), found.train.labels[numbers])
