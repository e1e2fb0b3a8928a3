"""Tensors of a forward pass that no module of the model gives: what activation functions are asked, and the last map
before everything is pooled."""

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor
from torch.nn import functional
from torch.overrides import TorchFunctionMode

ACTIVATIONS: frozenset[Callable[..., Any]] = frozenset(
    {
        *(functional.relu, functional.relu6, functional.gelu, functional.silu, functional.leaky_relu),
        *(functional.hardswish, functional.elu, functional.softplus, functional.mish, functional.hardtanh),
        *(torch.relu, torch.relu_, torch.Tensor.relu, torch.Tensor.relu_, torch.celu, torch.selu),
    }
)


class Watching(TorchFunctionMode):
    """Calls `seen` with every tensor that an activation function is asked, and remembers the last map."""

    def __init__(self, seen: Callable[[Tensor], None] | None = None) -> None:
        super().__init__()
        self.seen = seen
        self.last: Tensor | None = None

    def __torch_function__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        if self.seen is not None and func in ACTIVATIONS and args and isinstance(args[0], Tensor):
            self.seen(args[0])
        found = func(*args, **(kwargs or {}))
        if isinstance(found, Tensor) and is_map(found):
            self.last = found
        return found


def is_map(tensor: Tensor) -> bool:
    """Whether a tensor has places: a map of channels, or tokens."""
    if tensor.ndim < 3 or not tensor.is_floating_point():
        return False
    return tensor[0, 0].numel() > 1 if tensor.ndim > 3 else tensor.shape[1] > 1
