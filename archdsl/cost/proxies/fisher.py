"""How much the loss feels that channels of activations are left out, to second order (arXiv 1801.05787)."""

from typing import Any

from torch import Tensor, nn

from archdsl.cost.proxies.net import Net, hooked


def score(net: Net) -> dict[str, float]:
    seen: list[tuple[Tensor, int]] = []

    def keep(module: nn.Module, _inputs: Any, output: Tensor) -> None:
        seen.append((output, -1 if isinstance(module, nn.Linear) else 1))

    with hooked(net.layers(), keep):
        loss = net.loss()
    gradients = net.gradients(loss, [activation for activation, _ in seen])
    return {"fisher": sum(_of_layer(a, g, axis) for (a, axis), g in zip(seen, gradients, strict=True))}


def _of_layer(activation: Tensor, gradient: Tensor, axis: int) -> float:
    """The sum over channels; places are summed before they are squared, pictures after."""
    product = (activation * gradient).detach().movedim(axis, -1)
    by_picture = product.reshape(product.shape[0], -1, product.shape[-1]).sum(1)
    return float(0.5 * by_picture.square().mean(0).sum())
