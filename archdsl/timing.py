"""How long each module of a built model takes: the median of several passes of one picture, by hooks on the modules."""

from collections import defaultdict
from collections.abc import Callable
from statistics import median
from time import perf_counter
from typing import TYPE_CHECKING, Any

from archdsl.targets import Target
from archdsl_compiler.sizes import at_batch_one
from archdsl_compiler.types import TensorType

if TYPE_CHECKING:
    import torch

WARM_UP = 3
PASSES = 15
"""Odd, so that the median is one of them."""


def module_times(target: Target) -> dict[str, float]:
    """Seconds of one pass by path in the state dict; a module that runs several times gets their sum. The model is in
    evaluation mode, its weights are those that it begins with."""
    import torch

    from archdsl.assembly import build

    model: Any = build(target).eval()
    inputs = [_input(type_) for type_ in target.graph().input_types]
    passes: dict[str, list[float]] = defaultdict(list)
    current: dict[str, float] = {}
    handles: list[Any] = [
        handle
        for path, module in model.named_modules()
        for handle in (
            module.register_forward_pre_hook(_before(current, path)),
            module.register_forward_hook(_after(current, path)),
        )
    ]
    try:
        with torch.no_grad():
            for number in range(WARM_UP + PASSES):
                current.clear()
                model(*inputs)
                if number >= WARM_UP:
                    for path, seconds in current.items():
                        passes[path].append(seconds)
    finally:
        for handle in handles:
            handle.remove()
    return {path: median(seconds) for path, seconds in passes.items()}


def _before(current: dict[str, float], path: str) -> Callable[..., None]:
    def hook(*_: Any) -> None:
        current[path] = current.get(path, 0.0) - perf_counter()

    return hook


def _after(current: dict[str, float], path: str) -> Callable[..., None]:
    def hook(*_: Any) -> None:
        current[path] += perf_counter()

    return hook


def _input(type_: TensorType) -> "torch.Tensor":
    """A picture of noise; where numbers of something are wanted, the first."""
    import torch

    shape = [size for axis in type_.shape if isinstance(size := at_batch_one(axis), int)]
    if type_.dtype in ("int64", "bool"):
        return torch.zeros(shape, dtype=getattr(torch, type_.dtype))
    return torch.randn(shape)
