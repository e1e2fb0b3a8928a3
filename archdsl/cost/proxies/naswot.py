"""How differently the activation functions are on and off for different pictures (arXiv 2006.04647): the log
determinant of the kernel of their binary codes."""

import torch
from torch import Tensor

from archdsl.cost.proxies.net import LINALG, Net
from archdsl.cost.proxies.watching import Watching


def score(net: Net) -> dict[str, float]:
    size = len(net.batch.labels)
    kernel = torch.zeros(size, size, dtype=torch.float64)

    def add(asked: Tensor) -> None:
        if asked.shape[0] % size == 0:  # windows and heads may stand in the axis of the batch
            kernel.add_(kernel_of((asked.detach() > 0).reshape(size, -1)))

    with torch.no_grad(), Watching(add):
        net.answer()
    return {"naswot": log_determinant(kernel)}


def kernel_of(codes: Tensor) -> Tensor:
    """For each pair of pictures, the number of units that are both on or both off."""
    on = codes.double()
    return on @ on.T + (1 - on) @ (1 - on).T


def log_determinant(kernel: Tensor) -> float:
    """Minus infinity where two pictures have one code."""
    return float(LINALG.slogdet(kernel)[1])
