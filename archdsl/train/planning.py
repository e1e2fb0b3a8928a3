"""A training before its first step and after its last: what is built, of what it learns, what is measured."""

import contextlib
from collections.abc import Generator
from dataclasses import dataclass, field

import torch
from torch import nn

from archdsl.assembly import Assembly, Loading, assembled
from archdsl.diagnostics.record import UsageError
from archdsl.parts import Part, default_part
from archdsl.targets import Target
from archdsl.train.data.prepared import Prepared, prepare
from archdsl.train.fitting import check_fit, wanted_by
from archdsl.train.loop import Epoch, Training
from archdsl.train.metrics.registry import measured_metrics
from archdsl.train.recipe import Recipe
from archdsl.train.teachers import teacher_of

SPLITS = ("validation", "test")


@dataclass(frozen=True, slots=True)
class Plan:
    """A training before its first step: what is built, of what it learns, and how."""

    built: Assembly
    recipe: Recipe
    data: Prepared
    seed: int
    training: Training = field(repr=False)


@dataclass(frozen=True, slots=True)
class Fitted:
    """A trained model in evaluation mode, what was measured of it, and each epoch. `preprocessing` is what pictures
    need before the model sees them."""

    model: nn.Module
    metrics: dict[str, float]
    history: tuple[Epoch, ...]
    preprocessing: dict[str, object]


def planned(
    target: Target, recipe: Recipe, *, seed: int = 0, device: str = "cpu", given: Prepared | None = None
) -> Plan:
    """Load the data, build the model with its first values, see that they fit."""
    place = _device(device)
    graph = target.graph()
    wanted = wanted_by(graph, target.allow_extern)
    seed = seed if recipe.seed is None else recipe.seed
    data = given or prepare(recipe.data, wanted, recipe.validation, recipe.samples)
    check_fit(target.name, graph, data)
    built = assembled(target, Loading(recipe.start, adapt=recipe.start is not None), seed=seed)
    model = built.model.to(place)
    teacher = None if recipe.distill is None else teacher_of(recipe.distill, data, target.allow_extern).to(place)
    return Plan(built, recipe, data, seed, Training(model, recipe, data, seed, teacher=teacher))


def _device(name: str) -> torch.device:
    """The device of a name, if a tensor can be there."""
    try:
        return torch.zeros(1, device=name).device
    except (RuntimeError, AssertionError) as error:
        first = str(error).strip().partition("\n")[0]
        raise UsageError(f"this PyTorch cannot compute on {name!r}: {first}") from None


def finished(plan: Plan) -> Fitted:
    """The trained model of a plan that was carried out, with its metrics."""
    model = plan.training.measured.cpu().eval()
    found = measured_metrics(model, plan.data, metrics_of_splits())
    return Fitted(model, found, tuple(plan.training.history), plan.data.summary())


def metrics_of_splits() -> dict[str, Part]:
    """Accuracy and loss of all splits but that of training, under the names of summaries."""
    return {
        f"{split}.{name}": default_part("metric", name, split=split)
        for split in SPLITS
        for name in ("accuracy", "loss")
    }


@contextlib.contextmanager
def threads(count: int | None) -> Generator[None]:
    """PyTorch computes in so many threads."""
    before = torch.get_num_threads()
    if count is not None:
        torch.set_num_threads(count)
    try:
        yield
    finally:
        torch.set_num_threads(before)
