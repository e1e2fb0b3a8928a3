"""Norms in fewer passes over memory."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, cast

import torch
from torch import Tensor

from archdsl_compiler.graph import Module
from archdsl_compiler.kernels.contract import Case, Run
from archdsl_compiler.kernels.regions.norm import RootMeanSquare


@dataclass(frozen=True, slots=True)
class NormByDot:
    """Root mean squares by products of vectors with themselves, which write nothing but one number for each; two passes
    more, of which the second is in place."""

    name: str = "norm_by_dot"
    kinds: tuple[str, ...] = ("norm",)
    version: int = 1

    def applies(self, case: Case) -> bool:
        return case.inputs[0].dtype in ("float32", "float64")

    def factor(self, case: Case) -> float:
        return 0.75

    def make(self, case: Case, weights: Mapping[str, Tensor], constants: Mapping[int, Tensor]) -> Run:
        norm = cast(RootMeanSquare, case.region.facts)
        axis, eps, rank = norm.axis, norm.eps, len(case.inputs[0].shape)
        share = 1.0 / case.inputs[0].shape[axis]
        learned = [value.view(-1, *[1] * (rank - 1 - axis)) for value in weights.values()]
        weight = learned[0] if learned else None
        dot: Run = cast(Any, torch.linalg).vecdot

        def normed(*inputs: Tensor) -> Tensor:
            x = inputs[0]
            squares: Tensor = dot(x, x, dim=axis)
            scale = squares.mul_(share).add_(eps).rsqrt_().unsqueeze(axis)
            return x * scale if weight is None else (x * weight).mul_(scale)

        return normed

    def written(self, case: Case) -> Module | None:
        return None


KERNELS = (NormByDot(),)
