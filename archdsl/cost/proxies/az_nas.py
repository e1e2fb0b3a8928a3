"""Four views of an untrained model on noise (arXiv 2403.19232), put together by ranks: how evenly features fill their
channels (`expressivity`), how that grows with depth (`progressivity`, of maps alone), how well gradients pass through
each block (`trainability`), and the multiply-accumulates (`complexity`). All components are metrics `az_nas.NAME`."""

import math
from collections.abc import Mapping, Sequence
from itertools import pairwise
from typing import Any, cast

import torch
from torch import Tensor, nn
from torch.nn import functional

from archdsl.cost.proxies.net import LINALG, WEIGHTED, Net, hooked
from archdsl.cost.proxies.watching import is_map

COMPONENTS = ("expressivity", "progressivity", "trainability", "complexity")
SMALL = 1e-6


def score(net: Net) -> dict[str, float]:
    """The components; how good they are together is known only beside those of others."""
    passes: list[tuple[Tensor, Tensor]] = []

    def keep(_module: nn.Module, inputs: Any, output: Any) -> None:
        if inputs and isinstance(inputs[0], Tensor) and isinstance(output, Tensor) and is_map(output):
            passes.append((inputs[0], output))

    images = torch.randn_like(net.batch.images).requires_grad_()
    with hooked(blocks_of(net.model), keep):
        net.model(images, *net.batch.inputs[1:])
    entropies = [entropy(_by_channel(output.detach())) for _, output in passes]
    found = {"expressivity": sum(entropies), "complexity": float(net.graph.macs)}
    if len(entropies) > 1 and all(output.ndim > 3 for _, output in passes):
        found["progressivity"] = min(b - a for a, b in pairwise(entropies))
    trained = [value for given, output in passes if (value := trainability(given, output)) is not None]
    if trained:
        found["trainability"] = sum(trained) / len(trained)
    return {f"az_nas.{name}": value for name, value in found.items()}


def blocks_of(module: nn.Module) -> list[nn.Module]:
    """The largest modules with weights that hold no list of modules, in order."""
    found: list[nn.Module] = []
    for child in module.children():
        if isinstance(child, nn.ModuleList | nn.ModuleDict | nn.Sequential):
            found += blocks_of(child)
        elif any(isinstance(inner, nn.ModuleList | nn.Sequential) for inner in child.modules()):
            found += blocks_of(child)
        elif any(isinstance(inner, WEIGHTED) for inner in child.modules()):
            found.append(child)
    return found


def entropy(features: Tensor) -> float:
    """Of the shares of the principal components, [samples, channels]: 0 where one has all, log(channels) where all are
    equal."""
    centred = (features - features.mean(0)).double()
    values = LINALG.eigvalsh(centred.T @ centred).clamp(min=0.0)
    if float(values.sum()) <= 0.0:
        return 0.0
    shares = values / values.sum()
    return float(-(shares * (shares + 1e-12).log()).sum())


def trainability(given: Tensor, output: Tensor) -> float | None:
    """2 - s - 1/s for the largest singular value s of how a block maps random signs back: at most 0, where s is 1. None
    where the block's input and output have no places in common."""
    signs = torch.randint(0, 2, output.shape).to(output.dtype) * 2 - 1
    found = torch.autograd.grad(output, given, signs, retain_graph=True, allow_unused=True)
    back = cast("tuple[Tensor | None, ...]", found)[0]
    if back is None:
        return None
    there, here = _by_channel(signs), _by_channel(_fitted(back, output))
    if len(there) != len(here):
        return None
    return of_singular_value(float(LINALG.matrix_norm(here.T @ there / len(there), ord=2)))


def of_singular_value(value: float) -> float:
    return 2.0 - value - 1.0 / (value + SMALL)


def _fitted(tensor: Tensor, like: Tensor) -> Tensor:
    """A map of more places with those that one place of the other covers as channels."""
    if tensor.ndim != 4 or like.ndim != 4 or tensor.shape[2:] == like.shape[2:]:
        return tensor
    stride = tensor.shape[2] // like.shape[2]
    if stride > 1 and all(a == stride * b for a, b in zip(tensor.shape[2:], like.shape[2:], strict=True)):
        return functional.pixel_unshuffle(tensor, stride)
    return tensor


def _by_channel(tensor: Tensor) -> Tensor:
    """[pictures and places, channels]; tokens have their channels last."""
    last = tensor.movedim(1, -1) if tensor.ndim > 3 else tensor
    return last.reshape(-1, last.shape[-1])


def by_ranks(nets: Sequence[Mapping[str, float]]) -> list[float]:
    """The aggregate of each net over all that were seen: the sum over components of log(rank / nets), with rank 1 for
    the lowest; equal ones share the higher rank. A component that a net lacks counts as the lowest."""
    if not nets:
        return []
    total = [0.0] * len(nets)
    for component in COMPONENTS:
        values = [net.get(f"az_nas.{component}", -math.inf) for net in nets]
        if all(value == -math.inf for value in values):
            continue
        for position, value in enumerate(values):
            total[position] += math.log(sum(other <= value for other in values) / len(nets))
    return total


def beside(net: Mapping[str, float], others: Sequence[Mapping[str, float]]) -> float:
    """The aggregate of one net whose rank is told by some others alone, whatever else is seen: shares of the normal
    distribution that the others have take the place of rank / nets, so that better is better beyond the best of them,
    too."""
    total = 0.0
    for component in COMPONENTS:
        known = [other[key] for other in others if (key := f"az_nas.{component}") in other]
        if not known:
            continue
        mean = sum(known) / len(known)
        spread = math.sqrt(sum((value - mean) ** 2 for value in known) / len(known)) or 1.0
        distance = (net.get(f"az_nas.{component}", -math.inf) - mean) / spread
        total += log_share(max(distance, -30.0))
    return total


def log_share(distance: float) -> float:
    """The log of the share of a normal distribution that lies below."""
    if distance > 5:
        return -0.5 * math.erfc(distance / math.sqrt(2))
    if distance > -10:
        return math.log(0.5 * math.erfc(-distance / math.sqrt(2)))
    return -0.5 * distance**2 - math.log(-distance * math.sqrt(2 * math.pi))
