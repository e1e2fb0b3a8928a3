"""Metrics by name, imported when first asked for; measuring them."""

from collections.abc import Mapping, Sequence
from importlib import import_module
from typing import Final, cast

import torch
from torch import Tensor, nn

from archdsl.parts import Part
from archdsl.train.data.contract import Selection, Split
from archdsl.train.data.prepared import Prepared, evenly

NAMES: Final = ("accuracy", "loss")
AT_A_TIME: Final = 500
"""Pictures in a pass: a number that depends on nothing, so that the same weights give the same numbers."""


def measured_metrics(model: nn.Module, data: Prepared, wanted: Mapping[str, Part]) -> dict[str, float]:
    """The wanted metrics that are measured on data, by the names under which they are wanted. One on a split that the
    data lacks is left out."""
    logits: dict[tuple[str, int | None], tuple[Tensor, Tensor]] = {}
    found: dict[str, float] = {}
    for name, part in wanted.items():
        if part.name not in NAMES:
            continue
        split = cast(str, part["split"])
        if split not in data.splits:
            continue
        key = split, cast("int | None", part["samples"])
        if key not in logits:
            logits[key] = answers(model, data, _some(data.splits[split], key[1]))
        found[name] = import_module(f"archdsl.train.metrics.{part.name}").measured(*logits[key])
    return found


def _some(split: Split, count: int | None) -> Split:
    return split if count is None else Selection(split, evenly(split.labels, count)[0])


@torch.no_grad()
def answers(model: nn.Module, data: Prepared, split: Split) -> tuple[Tensor, Tensor]:
    """The logits for all pictures of a split, and their classes."""
    model.eval()
    device = next((parameter.device for parameter in model.parameters()), torch.device("cpu"))
    parts: list[Tensor] = []
    for numbers in torch.arange(len(split.labels)).tensor_split(-(-len(split.labels) // AT_A_TIME)):
        result = model(data.normalised(split.pictures(numbers)).to(device))
        parts.append(first_of(result).float().cpu())
    return torch.cat(parts), split.labels


def first_of(result: Tensor | Sequence[Tensor]) -> Tensor:
    """The prediction among the results of a model, which may have further ones."""
    return result if isinstance(result, Tensor) else result[0]
