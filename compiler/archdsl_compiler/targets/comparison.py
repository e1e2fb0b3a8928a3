"""Inputs to try a model with, and whether two of it give the same."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TypeAlias, cast

import torch
from torch import Tensor, nn

from archdsl_compiler.graph import Module

Run: TypeAlias = Callable[[Sequence[Tensor]], Sequence[Tensor]]
"""Flat inputs to flat results."""
TRIED_BATCHES = (2, 3)
"""The first is the one that a model is traced with: PyTorch takes a size of one for a constant."""


class ExportFailed(Exception):
    """A model has no such form, or the form gives something else."""


@dataclass(frozen=True, slots=True)
class Agreement:
    """How far the results of a form are from the model's, as a share of the largest number."""

    difference: float
    tolerance: float
    batches: tuple[int, ...]

    def __str__(self) -> str:
        batches = " and ".join(map(str, self.batches))
        return f"agrees with the model at batch {batches}: {self.difference:.1e}, allowed {self.tolerance:.0e}"


def input_names(graph: Module) -> list[str]:
    return [name for name, _ in graph.inputs]


def has_batch(graph: Module) -> list[bool]:
    """For each input, whether its first axis is the batch."""
    return [bool(kind.shape) and not isinstance(kind.shape[0], int) for kind in graph.input_types]


def example_inputs(graph: Module, batch: int) -> tuple[Tensor, ...]:
    """The same numbers each time, like those of pictures; whole ones are zeros."""
    random = torch.Generator().manual_seed(batch)
    found: list[Tensor] = []
    for kind in graph.input_types:
        sizes = [size if isinstance(size, int) else batch for size in kind.shape]
        if kind.dtype in ("int64", "bool"):
            found.append(torch.zeros(sizes, dtype=torch.int64 if kind.dtype == "int64" else torch.bool))
        else:
            found.append(torch.randn(sizes, generator=random))
    return tuple(found)


def flat(results: object) -> list[Tensor]:
    """The tensors of a result that is one, or made of lists."""
    if isinstance(results, Tensor):
        return [results]
    return [tensor for part in cast("Sequence[object]", results) for tensor in flat(part)]


def agreement(model: nn.Module, graph: Module, other: Run, tolerance: float, form: str) -> Agreement:
    """Run both at several batches; raises ExportFailed where they differ by more than the tolerance."""
    worst = 0.0
    for batch in TRIED_BATCHES:
        inputs = example_inputs(graph, batch)
        with torch.inference_mode():
            expected = flat(model(*inputs))
        found = list(other(inputs))
        if [tuple(tensor.shape) for tensor in expected] != [tuple(tensor.shape) for tensor in found]:
            raise ExportFailed(
                f"{form} gives {[list(t.shape) for t in found]} at batch {batch},"
                f" the model {[list(t.shape) for t in expected]}"
            )
        for left, right in zip(expected, found, strict=True):
            worst = max(worst, difference(left.double(), right.double()))
    if not worst <= tolerance:
        raise ExportFailed(
            f"{form} differs from the model by {worst:.1e} of the largest number, and {tolerance:.0e} is allowed"
        )
    return Agreement(worst, tolerance, TRIED_BATCHES)


def difference(expected: Tensor, found: Tensor) -> float:
    """As a share of the largest number; where one has no number, the other must not either."""
    if not expected.numel():
        return 0.0
    if not torch.equal(expected.isfinite(), found.isfinite()):
        return float("inf")
    apart = (expected - found).nan_to_num(0.0).abs().max().item()
    return apart / max(expected.nan_to_num(0.0, 0.0, 0.0).abs().max().item(), 1e-12)
