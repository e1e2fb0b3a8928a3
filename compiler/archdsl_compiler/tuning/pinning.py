"""A plan that was saved, for the model that it was made of: its choices are taken as they are."""

from pathlib import Path

import torch
from torch import nn

from archdsl_compiler.engines.recipe import engine_recipe
from archdsl_compiler.engines.registry import engine_of
from archdsl_compiler.kernels.contract import Mode, Place, kernel
from archdsl_compiler.kernels.regions.contract import Cut
from archdsl_compiler.passes.deploy import Deployed
from archdsl_compiler.passes.weights import transform_state
from archdsl_compiler.tuning.cuda_graph import RecordedRecipe
from archdsl_compiler.tuning.fast_model import Recipe
from archdsl_compiler.tuning.plan import Plan
from archdsl_compiler.tuning.program import Weights, case_of, observe
from archdsl_compiler.tuning.regional_recipe import EagerRecipe, RegionalRecipe, example_inputs


class PlanMismatch(ValueError):
    """The plan cannot be taken, in a sentence that says why."""


def pinned_recipe(plan: Plan, portable: nn.Module, deployed: Deployed, parts: Cut, place: Place, root: Path) -> Recipe:
    """The recipe of a plan that was saved."""
    if plan.model != parts.model:
        raise PlanMismatch("the plan is of another model, or of this one as another version lowered it")
    if plan.device != place.device:
        raise PlanMismatch(f"the plan is for {plan.device}, and the model is to run on {place.device}")
    if plan.engine == "eager":
        return EagerRecipe()
    if plan.engine != "torch":
        return _whole(plan, portable, deployed, root)
    labels = [(region.label, region.digest) for region in parts.running]
    if [(region.label, region.digest) for region in plan.regions] != labels:
        raise PlanMismatch("the regions of the plan are not those of the model")
    modes = [_mode(region.mode) for region in plan.regions]
    weights = Weights(parts, transform_state(portable.state_dict(), deployed.changes), place.device)
    inputs = example_inputs(parts.flat, plan.batch, place.device)
    seen = {mode: observe(parts, weights, inputs, mode) for mode in dict.fromkeys(modes)}
    for region, mode, planned in zip(parts.running, modes, plan.regions, strict=True):
        where = f"the region at `{region.label or region.kind}`"
        try:
            chosen = kernel(planned.kernel)
        except KeyError:
            raise PlanMismatch(f"{where} is to run by the kernel `{planned.kernel}`, which is not known") from None
        if not chosen.applies(case_of(region, mode, seen[mode], place)):
            raise PlanMismatch(f"{where} is to run by the kernel `{planned.kernel}`, which does not run here")
    shapes = tuple(tuple(x.shape) for x in inputs)
    choices = tuple((mode, planned.kernel) for mode, planned in zip(modes, plan.regions, strict=True))
    recipe = RegionalRecipe(parts, deployed, choices, seen, shapes, place)
    return RecordedRecipe(recipe) if plan.recorded else recipe


def _whole(plan: Plan, portable: nn.Module, deployed: Deployed, root: Path) -> Recipe:
    try:
        engine = engine_of(plan.engine)
    except KeyError:
        raise PlanMismatch(f"the plan wants the engine `{plan.engine}`, which is not known") from None
    if missing := engine.available():
        raise PlanMismatch(f"the plan wants the engine `{plan.engine}`: {missing}")
    threads = torch.get_num_threads()
    recipe = engine_recipe(engine, portable, deployed, plan.dtype, plan.batch, threads, root)
    assert recipe is not None
    return recipe


def _mode(text: str) -> Mode:
    dtype, _, layout = text.partition("/")
    if layout not in ("natural", "last"):
        raise PlanMismatch(f"the plan has the mode `{text}`, which is not known")
    return Mode("last" if layout == "last" else "natural", dtype)
