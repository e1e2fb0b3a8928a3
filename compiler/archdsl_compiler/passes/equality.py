"""Whether a deployed model computes what the model did that it was made of.

Both are run in float32 on a random input, with parameters that hide nothing: running statistics are random, and what
begins as a constant (a norm's weight of 0, a layer scale of 1e-5) is moved away from it."""

from collections.abc import Callable, Iterable, Mapping
from typing import cast

import torch
from torch import Tensor, nn

from archdsl_compiler.graph import Module
from archdsl_compiler.passes.contract import pipeline
from archdsl_compiler.passes.deploy import Deployed
from archdsl_compiler.passes.weights import transform_state
from archdsl_compiler.sizes import Symbolic
from archdsl_compiler.types import TensorType

Run = Callable[..., object]
"""A model, or what runs one."""
TOLERANCE = 1e-5
"""The largest difference that is taken for rounding, as a share of the largest number in the result. Where the model
itself is further than a third of this from its results in float64, three times that."""


class UnequalDeployment(Exception):
    """The deployed model gives other results; `difference` says by how much, `limit` what would be rounding."""

    def __init__(self, difference: float, limit: float) -> None:
        super().__init__(
            f"the deployed model differs by {difference:.1e} of the model's largest result, more than {limit:.0e}"
        )
        self.difference = difference
        self.limit = limit


def check_equal(
    root: Module, deployed: Deployed, build: Callable[[Module], nn.Module], limit: float = TOLERANCE, seed: int = 0
) -> float:
    """The relative difference of the two models, which `build` makes of their graphs; UnequalDeployment if that is more
    than rounding."""
    before, after = build(pipeline().apply(root)).eval(), build(deployed.root).eval()
    generator = torch.Generator().manual_seed(seed)
    state = telling_state(before.state_dict(), generator)
    before.load_state_dict(state)
    after.load_state_dict(transform_state(state, deployed.changes))
    inputs = [random_input(type_, generator) for type_ in root.input_types]
    found = difference(before, after, inputs)
    if not found <= limit:
        limit = limit_beside(limit, rounding(before, inputs))
    if not found <= limit:
        raise UnequalDeployment(found, limit)
    return found


def limit_beside(limit: float, own: float) -> float:
    """The largest difference that is taken for rounding, where what is compared with rounds by so much itself."""
    return max(limit, 3 * own)


def difference(before: Run, after: Run, inputs: Iterable[Tensor]) -> float:
    """The largest difference of the results, as a share of the largest number among those of the first model."""
    given = list(inputs)
    with torch.inference_mode():
        return _apart(_tensors(before(*given)), _tensors(after(*given)))


def rounding(model: nn.Module, inputs: Iterable[Tensor]) -> float:
    """How far the results of a model in float32 are from those in float64, likewise; it stays in float64."""
    given = list(inputs)
    with torch.inference_mode():
        found = _tensors(model(*given))
        exact = _tensors(model.double()(*(x.double() if x.is_floating_point() else x for x in given)))
    return _apart(exact, found)


def _apart(expected: list[Tensor], found: list[Tensor]) -> float:
    largest = max(float(first.abs().max()) for first in expected)
    apart = max(float((first - second).abs().max()) for first, second in zip(expected, found, strict=True))
    return apart / largest if largest else apart


def telling_state(state: Mapping[str, Tensor], generator: torch.Generator) -> dict[str, Tensor]:
    """A state dict in which no parameter is without effect."""
    found: dict[str, Tensor] = {}
    for name, value in state.items():
        uniform = torch.rand(value.shape, generator=generator).to(value.device)
        if not value.is_floating_point():
            found[name] = value.clone()
        elif name.endswith("running_var"):
            found[name] = (0.5 + uniform).to(value.dtype)
        elif name.endswith("running_mean"):
            found[name] = (uniform - 0.5).to(value.dtype)
        elif value.numel() and bool((value == value.flatten()[0]).all()):
            constant = float(value.flatten()[0])
            found[name] = (constant * (0.5 + uniform) if abs(constant) >= 0.1 else 0.2 * uniform - 0.1).to(value.dtype)
        else:
            found[name] = value.clone()
    return found


def random_input(type_: TensorType, generator: torch.Generator, batch: int = 2) -> Tensor:
    """An input of this type; whole numbers are 0, which every table has a place for."""
    shape = [batch if isinstance(size, Symbolic) else size for size in type_.shape]
    if type_.dtype in ("int64", "bool"):
        return torch.zeros(shape, dtype=getattr(torch, type_.dtype))
    dtype = torch.float32 if type_.dtype == "real" else cast(torch.dtype, getattr(torch, type_.dtype))
    return torch.randn(shape, generator=generator).to(dtype)


def _tensors(result: object) -> list[Tensor]:
    if isinstance(result, Tensor):
        return [result]
    if isinstance(result, tuple | list):
        return [tensor for inner in cast("Iterable[object]", result) for tensor in _tensors(inner)]
    return []
