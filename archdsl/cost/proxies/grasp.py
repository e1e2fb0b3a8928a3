"""How much leaving weights out changes the flow of gradients (arXiv 2002.07376), with the sign that goes with
accuracy. The product of the Hessian and the gradient is a second backward pass."""

import torch

from archdsl.cost.proxies.net import Net


def score(net: Net) -> dict[str, float]:
    weights = net.weights()
    gradients = net.gradients(net.loss(), weights, create_graph=True)
    flow = torch.stack([(g * g.detach()).sum() for g in gradients]).sum()
    products = net.gradients(flow, weights)
    return {"grasp": -sum(float((w.detach() * h).sum()) for w, h in zip(weights, products, strict=True))}
