"""The number of parameters: what every score is to be compared with."""

from archdsl.cost.proxies.net import Net


def score(net: Net) -> dict[str, float]:
    return {"params": net.graph.params}
