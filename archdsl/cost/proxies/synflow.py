"""How much of the sum of all outputs passes through the weights (arXiv 2006.05467): all of them positive, without
norms, on a picture of ones, in float64. It needs neither data nor labels. Without biases the weights of each layer that
everything passes through sum to the output itself."""

import torch
from torch import Tensor, nn

from archdsl.cost.proxies.net import NORMS, Net, logits


def score(net: Net) -> dict[str, float]:
    return {"synflow": float(sum(by_layer(net)[0]))}


def by_layer(net: Net) -> tuple[list[float], float]:
    """The sum of each layer, and the sum of the outputs."""
    model = net.model.double().eval()
    _remove_norms(model)
    with torch.no_grad():
        for tensor in (*model.parameters(), *model.buffers()):
            if tensor.is_floating_point():
                tensor.abs_()
    inputs = (_ones(net.batch.images[:1]), *(each[:1] if each.ndim else each for each in net.batch.inputs[1:]))
    output = logits(model(*inputs)).sum()
    weights = net.weights()
    gradients = net.gradients(output, weights)
    return [float((w.detach() * g).abs().sum()) for w, g in zip(weights, gradients, strict=True)], float(
        output.detach()
    )


def _ones(images: Tensor) -> Tensor:
    return torch.ones_like(images, dtype=torch.float64) if images.is_floating_point() else images


def _remove_norms(model: nn.Module) -> None:
    for parent in list(model.modules()):
        for name, child in list(parent.named_children()):
            if isinstance(child, NORMS):
                setattr(parent, name, nn.Identity())
