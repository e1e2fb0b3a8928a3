"""How much the features of random weights change with the picture (arXiv 2102.01063): weights are drawn from
N(0, 1), and what batch norms divide by is multiplied in again. The features are the last map before everything is
pooled."""

import math
from typing import Any

import torch
from torch import Tensor, nn

from archdsl.cost.proxies.net import BATCH_NORMS, WEIGHTED, Batch, Net
from archdsl.cost.proxies.watching import Watching

REPEATS = 32
PICTURES = 16
STEP = 0.01


def score(net: Net) -> dict[str, float]:
    norms = [module for module in net.model.modules() if isinstance(module, BATCH_NORMS)]
    total = 0.0
    with torch.no_grad():
        for _ in range(REPEATS):
            _draw_weights(net.model)
            scales: list[float] = []
            handles = [norm.register_forward_pre_hook(_Scale(scales)) for norm in norms]
            inputs = tuple(_pictures(each) for each in net.batch.inputs)
            first = _features(net, Batch(inputs, net.batch.labels))
            for handle in handles:
                handle.remove()
            moved = (inputs[0] + STEP * torch.randn_like(inputs[0]), *inputs[1:])
            second = _features(net, Batch(moved, net.batch.labels))
            change = (first - second).abs().flatten(1).sum(1).mean()
            total += math.log(float(change)) + sum(scales) if float(change) > 0 else -math.inf
    return {"zen": total / REPEATS}


def _features(net: Net, batch: Batch) -> Tensor:
    with Watching() as watching:
        answer = net.answer(batch)
    return watching.last if watching.last is not None else answer


def _pictures(given: Tensor) -> Tensor:
    """As many as are wanted, of noise; what is no picture is repeated."""
    if given.ndim == 0:
        return given
    if given.is_floating_point():
        return torch.randn(PICTURES, *given.shape[1:])
    return given[torch.arange(PICTURES) % len(given)]


def _draw_weights(model: nn.Module) -> None:
    for module in model.modules():
        if isinstance(module, WEIGHTED):
            nn.init.normal_(module.weight)  # type: ignore[arg-type]
            if module.bias is not None:
                nn.init.zeros_(module.bias)  # type: ignore[arg-type]


class _Scale:
    """Notes the log of what a batch norm divides by."""

    def __init__(self, scales: list[float]) -> None:
        self.scales = scales

    def __call__(self, module: nn.Module, inputs: Any) -> None:
        values: Tensor = inputs[0].transpose(0, 1).flatten(1)
        self.scales.append(0.5 * math.log(float(values.var(1, unbiased=False).mean()) + 1e-12))
