"""An untrained model with a batch, as scores see it: a copy of their own, and what they all ask of it."""

from collections.abc import Callable, Generator, Mapping
from contextlib import contextmanager
from copy import deepcopy
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from typing import Any, Protocol, cast

import torch
from torch import Tensor, nn
from torch.nn import functional

from archdsl_compiler.graph import Module
from archdsl_compiler.passes.equality import random_input

WEIGHTED = (
    *(nn.Linear, nn.Conv1d, nn.Conv2d, nn.Conv3d),
    *(nn.ConvTranspose1d, nn.ConvTranspose2d, nn.ConvTranspose3d),
)
LINALG: Any = torch.linalg
"""Its functions have no types."""
BATCH_NORMS = (nn.BatchNorm1d, nn.BatchNorm2d, nn.BatchNorm3d)
INSTANCE_NORMS = (nn.InstanceNorm1d, nn.InstanceNorm2d, nn.InstanceNorm3d)
NORMS = (*BATCH_NORMS, *INSTANCE_NORMS, nn.LayerNorm, nn.GroupNorm)


@dataclass(frozen=True, slots=True, eq=False)
class Batch:
    """What a model is given: pictures and, of some models, more; and the class of each picture."""

    inputs: tuple[Tensor, ...]
    labels: Tensor

    @property
    def images(self) -> Tensor:
        return self.inputs[0]

    def part(self, number: int, parts: int) -> "Batch":
        """One of several equal parts."""
        size = len(self.labels) // parts
        taken = slice(number * size, (number + 1) * size)
        return Batch(tuple(each[taken] if each.ndim else each for each in self.inputs), self.labels[taken])


@dataclass(frozen=True, slots=True, eq=False)
class Net:
    """A model that may be spoilt, and its batch. Norms take the statistics of the batch; what is random in training is
    off. `graph` is what it was built from."""

    model: nn.Module
    batch: Batch
    graph: Module

    def answer(self, batch: Batch | None = None) -> Tensor:
        """What the model says of each picture, [n, classes]; where it says something of every place, the mean."""
        return logits(self.model(*(batch or self.batch).inputs))

    def loss(self, batch: Batch | None = None) -> Tensor:
        """The cross-entropy of its answers."""
        answer = self.answer(batch)
        return functional.cross_entropy(answer, (batch or self.batch).labels % answer.shape[1])

    def layers(self) -> list[nn.Module]:
        """Convolutions and linear layers, in the order of the state dict."""
        return [module for module in self.model.modules() if isinstance(module, WEIGHTED)]

    def weights(self) -> list[Tensor]:
        """Their weights."""
        return [cast(Tensor, layer.weight) for layer in self.layers() if cast(Tensor, layer.weight).requires_grad]

    def gradients(self, value: Tensor, tensors: list[Tensor], create_graph: bool = False) -> list[Tensor]:
        """Of one value; zero for what it does not depend on."""
        found = torch.autograd.grad(value, tensors, create_graph=create_graph, allow_unused=True)
        gradients = cast("tuple[Tensor | None, ...]", found)
        return [torch.zeros_like(t) if g is None else g for g, t in zip(gradients, tensors, strict=True)]


class Proxy(Protocol):
    """The module of a score. `score` gives it under its own name, and further numbers under `name.part`."""

    def score(self, net: Net) -> Mapping[str, float]: ...


def proxy_names() -> tuple[str, ...]:
    """All scores that there are."""
    return tuple(sorted(path.stem for path in Path(__file__).parent.glob("*.py") if path.stem not in _NO_PROXIES))


_NO_PROXIES = ("__init__", "net", "watching")


def score(name: str, model: nn.Module, graph: Module, batch: Batch, seed: int = 0) -> dict[str, float]:
    """A score of a model, which is left as it is: weights, statistics, gradients and mode. Its random numbers come from
    the seed, and PyTorch's own go on as if nothing had been taken from them."""
    proxy = cast(Proxy, import_module(f"archdsl.cost.proxies.{name}"))
    with torch.random.fork_rng(devices=[]), torch.enable_grad():  # pyright: ignore[reportUnknownMemberType]
        torch.default_generator.manual_seed(seed)
        copy = deepcopy(model).eval()
        copy.zero_grad()
        for module in copy.modules():
            module.training = isinstance(module, NORMS)
        for parameter in copy.parameters():
            if parameter.is_floating_point():
                parameter.requires_grad_()
        return {key: float(value) for key, value in proxy.score(Net(copy, batch, graph)).items()}


def noise(graph: Module, size: int, seed: int = 0) -> Batch:
    """A batch of noise that fits a model."""
    generator = torch.Generator().manual_seed(seed)
    inputs = tuple(random_input(type_, generator, size) for type_ in graph.input_types)
    return Batch(inputs, torch.randint(1 << 30, (size,), generator=generator))


def logits(found: Any) -> Tensor:
    """The first tensor of a result, [n, classes]."""
    while not isinstance(found, Tensor):
        values = cast("Mapping[str, Any]", found).values() if isinstance(found, Mapping) else cast("list[Any]", found)
        found = next(iter(values))
    tensor = found
    if tensor.ndim == 1:
        return tensor[:, None]
    return tensor if tensor.ndim == 2 else tensor.flatten(2).mean(-1)


@contextmanager
def hooked(modules: list[nn.Module], hook: Callable[..., Any]) -> Generator[None]:
    """Forward hooks while the block runs."""
    handles = [module.register_forward_hook(hook) for module in modules]
    try:
        yield
    finally:
        for handle in handles:
            handle.remove()
