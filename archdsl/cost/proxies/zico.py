"""How large and how steady the gradients of weights are over several batches (arXiv 2301.11300)."""

import math

import torch

from archdsl.cost.proxies.net import Net

BATCHES = 2


def score(net: Net) -> dict[str, float]:
    weights = net.weights()
    seen = [
        [gradient.detach() for gradient in net.gradients(net.loss(net.batch.part(number, BATCHES)), weights)]
        for number in range(BATCHES)
    ]
    return {"zico": sum(_of_layer(torch.stack(gradients)) for gradients in zip(*seen, strict=True))}


def _of_layer(gradients: torch.Tensor) -> float:
    """Over weights whose gradient changes at all; a layer without any counts nothing."""
    spread = gradients.std(0, unbiased=False)
    moving = spread > 0
    ratio = float((gradients.abs().mean(0)[moving] / spread[moving]).double().sum())
    return math.log(ratio) if ratio > 0 else 0.0
