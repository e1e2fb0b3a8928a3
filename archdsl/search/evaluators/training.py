"""`training(recipe)`: each candidate is trained by a recipe and measured on its data."""

from collections.abc import Callable, Mapping
from typing import cast

import torch
from safetensors.torch import save

from archdsl.diagnostics.record import ArchError, UsageError
from archdsl.parts import Part
from archdsl.programs import program_of_text
from archdsl.search.contract import Result, TrialFailed, Work
from archdsl.targets import Target, only_model, open_target
from archdsl.train.data.contract import UnusableData
from archdsl.train.failures import TrainingFailed, is_memory
from archdsl.train.loop import Epoch
from archdsl.train.metrics.registry import NAMES, measured_metrics
from archdsl.train.planning import planned
from archdsl.train.recipe import Recipe


def provides(_evaluator: Part, metric: Part) -> bool:
    """Whether this evaluator measures a metric."""
    return metric.name in NAMES


def evaluate(work: Work, report: Callable[[int, float], object]) -> Result:
    """Train the candidate; after each epoch the accuracy on validation pictures is reported. Data that was read stays
    for the next candidate of this process."""
    torch.set_num_threads(work.threads)
    reports: dict[int, float] = {}

    def tell(epoch: Epoch) -> None:
        if "accuracy" in epoch.validation:
            reports[epoch.number] = epoch.validation["accuracy"]
            report(epoch.number, epoch.validation["accuracy"])

    try:
        recipe = Recipe.of(cast("Mapping[str, object]", work.evaluator["recipe"]))
        plan = planned(_target(work), recipe, seed=work.seed)
        plan.training.run(tell)
        model = plan.training.measured
        wanted = {objective.name: objective.metric for objective in work.metrics}
        metrics = measured_metrics(model, plan.data, wanted)
    except (TrainingFailed, UnusableData, UsageError) as error:
        raise TrialFailed(str(error)) from error
    except ArchError as error:
        raise TrialFailed("; ".join(diagnostic.title for diagnostic in error.diagnostics)) from error
    except (RuntimeError, MemoryError) as error:
        if is_memory(error):
            raise TrialFailed(f"there is not enough memory: {str(error).partition(chr(10))[0]}") from error
        raise
    tensors = {name: tensor.detach().contiguous() for name, tensor in model.state_dict().items()}
    return Result(metrics, reports, weights=save(tensors, metadata={"format": "pt"}), data=plan.data.summary())


def _target(work: Work) -> Target:
    program = program_of_text(work.architecture)
    return open_target((program, only_model(program)), allow_extern=work.allow_extern)
