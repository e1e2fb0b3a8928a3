"""The norms of the gradients of all weights (in the form of arXiv 2101.08134)."""

from archdsl.cost.proxies.net import Net


def score(net: Net) -> dict[str, float]:
    gradients = net.gradients(net.loss(), net.weights())
    return {"grad_norm": sum(float(gradient.square().sum().sqrt()) for gradient in gradients)}
