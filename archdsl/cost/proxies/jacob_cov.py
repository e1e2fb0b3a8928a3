"""How differently a model answers to changes of different pictures: the correlation of their gradients, the best where
they are independent (arXiv 2006.04647v1)."""

import torch

from archdsl.cost.proxies.net import LINALG, Net, logits

SMALL = 1e-5


def score(net: Net) -> dict[str, float]:
    images = net.batch.images.clone().requires_grad_()
    answer = net.model(images, *net.batch.inputs[1:])
    (jacobian,) = torch.autograd.grad(logits(answer).sum(), images)
    return {"jacob_cov": of_correlation(torch.corrcoef(jacobian.flatten(1).double()))}


def of_correlation(matrix: torch.Tensor) -> float:
    """At most minus the number of pictures, which the identity has."""
    values = LINALG.eigvalsh(matrix)
    values = values.clamp(min=0.0) + SMALL
    return float(-(values.log() + 1 / values).sum())
