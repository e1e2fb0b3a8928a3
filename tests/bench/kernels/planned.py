"""Tuned models, and what their plans say of where the time goes."""

from collections.abc import Mapping
from typing import Any, Final

from torch import Tensor, nn

import archdsl
from archdsl.targets import TargetLike
from archdsl_compiler.tuning.plan import Plan
from tests.bench.kernels.models import Setting
from tests.bench.kernels.rows import Row

SHOWN: Final = 20


def tuned(
    target: TargetLike,
    state: Mapping[str, Tensor] | None,
    setting: Setting,
    engine: str = "torch",
    budget: str | None = None,
    *,
    measure: bool = True,
) -> tuple[nn.Module, Plan]:
    """A model with a plan for this machine; without `measure` by what the record has."""
    given = setting.device, setting.dtype, setting.batch, setting.threads, engine, budget
    tune = archdsl.Tune(*given, measure=measure)
    model: Any = archdsl.build(target, weights=dict(state) if state else None, tune=tune)
    return model.eval(), model.plan


def groups(plan: Plan) -> list[Row]:
    """Like regions together, the most expensive first: milliseconds by the plan, and those of the plain piece."""
    found: dict[tuple[str, str, str, str], Row] = {}
    for region in plan.regions:
        key = region.kind, " ".join(region.ops), region.mode, region.kernel
        plain = [each.milliseconds for each in region.candidates if each.kernel == "plain" and each.milliseconds]
        row = found.setdefault(key, {"count": 0, "ms": 0.0, "plain_ms": 0.0, "first": region.label})
        row["count"] += 1
        row["ms"] += region.milliseconds
        row["plain_ms"] += min(plain, default=region.milliseconds)
    named = [dict(zip(("kind", "ops", "mode", "kernel"), key, strict=True)) | row for key, row in found.items()]
    return sorted(named, key=lambda row: -row["ms"])[:SHOWN]


def told(plan: Plan) -> Row:
    """What a row keeps of a plan."""
    return {
        "engine": plan.engine,
        "refused": plan.refused,
        "contenders": plan.contenders,
        "notes": plan.notes,
        "summed_ms": plan.summed_milliseconds or 0.0,
        "plan_ms": plan.plan_milliseconds,
        "eager_ms": plan.eager_milliseconds,
        "conversions": len(plan.conversions),
        "conversions_ms": sum(each.milliseconds for each in plan.conversions),
        "groups": groups(plan),
    }
