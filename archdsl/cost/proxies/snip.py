"""How much the loss feels that single weights are left out, to first order (arXiv 1810.02340)."""

from archdsl.cost.proxies.net import Net


def score(net: Net) -> dict[str, float]:
    weights = net.weights()
    gradients = net.gradients(net.loss(), weights)
    return {"snip": sum(float((w.detach() * g).abs().sum()) for w, g in zip(weights, gradients, strict=True))}
