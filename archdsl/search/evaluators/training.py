"""`training(recipe)`: each candidate is trained by a recipe and measured on its data."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import fields
from typing import cast

import torch
from safetensors.torch import save
from torch import nn

from archdsl.diagnostics.record import UsageError
from archdsl.parts import as_json
from archdsl.programs import program_of_text
from archdsl.search.contract import Ground, Objective, Part, Place, Prepared, Report, Result, TrialFailed, Work
from archdsl.targets import Target, only_model, open_target
from archdsl.train.data.contract import DataSet, Wanted
from archdsl.train.data.image_folder import decoded_whole, fits_in_memory
from archdsl.train.data.prepared import prepare as prepare_data
from archdsl.train.data.registry import load_data, name_of_data, receive_data
from archdsl.train.evaluating import MEASURED
from archdsl.train.failures import TrainingFailed
from archdsl.train.fitting import check_fit, wanted_by
from archdsl.train.loop import Epoch
from archdsl.train.metrics.registry import NAMES, measured_metrics
from archdsl.train.planning import Plan, planned
from archdsl.train.recipe import Recipe

PLACE: Place = "anywhere"
READS_ARCHITECTURE = True
WITH_THE_PACKAGE = frozenset({"digits"})
"""Data that is wherever archdsl is."""
_ANY_PICTURES = (3, (32, 32))
"""What data without a size of its own is tried with before the first candidate is known."""
SAMPLES = 4
"""Candidates of which one must fit the data."""


class _GivenUp(Exception):
    """Ends a training whose intermediate value was too low."""


def prepare(evaluator: Part, ground: Ground) -> Prepared:
    """The data must be there, and fit some candidate; its paths hold wherever a worker runs on this machine."""
    recipe = _recipe(evaluator).placed(ground.folder)
    load_data(recipe.data, Wanted(*_ANY_PICTURES, ground.allow_extern))
    _refuse_misfits(recipe, ground)
    plain = {each.name: getattr(recipe, each.name) for each in fields(recipe)}
    return Prepared({"recipe": plain})


def _refuse_misfits(recipe: Recipe, ground: Ground) -> None:
    """Raise where none of a few candidates is for pictures and classes such as these."""
    misfit: UsageError | None = None
    written = ground.architecture
    for text in (written(candidate.genome) for candidate in ground.samples[:SAMPLES]) if written is not None else ():
        graph = _opened(text, ground.allow_extern).graph()
        try:
            check_fit("the candidate", graph, prepare_data(recipe.data, wanted_by(graph, ground.allow_extern)))
        except UsageError as error:
            misfit = misfit or error
        else:
            return
    if misfit is not None:
        raise misfit


def gives(_evaluator: Part, objective: Objective) -> bool:
    return objective.metric.name in NAMES


def offers(_evaluator: Part) -> Sequence[str]:
    return ()


def shared(work: Work) -> Mapping[str, Callable[[], object]]:
    """The data that workers on other machines lack, decoded; sets too large to keep are read there."""
    recipe = _recipe(work.evaluator)
    if recipe.data.name in WITH_THE_PACKAGE:
        return {}
    target = _target(work)
    wanted = wanted_by(target.graph(), work.allow_extern)
    data = load_data(recipe.data, wanted)
    return {name_of_data(recipe.data, wanted): lambda: decoded_whole(data)} if fits_in_memory(data) else {}


def receive(name: str, content: object) -> None:
    receive_data(name, cast(DataSet, content))


def evaluate(work: Work, report: Report) -> Result:
    """Train the candidate; after each epoch the accuracy on validation pictures is reported. Data that was read stays
    for the next candidate of this process."""
    torch.set_num_threads(work.threads)
    wanted = {objective.name: objective.metric for objective in work.metrics if gives(work.evaluator, objective)}
    try:
        plan = planned(_target(work), _recipe(work.evaluator), seed=work.seed)
        _check_measured(plan, wanted)
        plan.training.run(lambda epoch: _reported(epoch, report))
    except _GivenUp:
        return Result({}, pruned=True)
    except TrainingFailed as error:
        raise TrialFailed(str(error)) from error
    model = plan.training.measured
    metrics = measured_metrics(model, plan.data, wanted)
    # What was measured goes with how, so that `archdsl eval` finds the same numbers again.
    data = {**plan.data.summary(), MEASURED: {name: as_json(metric) for name, metric in wanted.items()}}
    return Result(metrics, weights=_bytes(model), data=data)


def _recipe(evaluator: Part) -> Recipe:
    return Recipe.of(cast("Mapping[str, object]", evaluator["recipe"]))


def _target(work: Work) -> Target:
    return _opened(work.architecture, work.allow_extern)


def _opened(architecture: str, allow_extern: bool) -> Target:
    program = program_of_text(architecture)
    return open_target((program, only_model(program)), allow_extern=allow_extern)


def _reported(epoch: Epoch, report: Report) -> None:
    if "accuracy" in epoch.validation and not report(epoch.number, epoch.validation["accuracy"]):
        raise _GivenUp


def _check_measured(plan: Plan, wanted: Mapping[str, Part]) -> None:
    """Whether the data has the splits on which metrics are wanted."""
    for name, metric in wanted.items():
        if metric["split"] not in plan.data.splits:
            has = ", ".join(plan.data.splits)
            raise TrialFailed(f'`{plan.data.name}` has no split "{metric["split"]}" for `{name}`; it has {has}')


def _bytes(model: nn.Module) -> bytes:
    """A file of safetensors."""
    tensors = {name: tensor.detach().contiguous() for name, tensor in model.state_dict().items()}
    return save(tensors, metadata={"format": "pt"})
