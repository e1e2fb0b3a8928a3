"""Neighborhood attention as one kernel of a GPU: scores are never held, and only what a tile asks is read."""

from collections.abc import Mapping
from dataclasses import dataclass
from math import ceil, prod
from typing import Any, Final, cast

import torch
from torch import Tensor

from archdsl_compiler.graph import Module
from archdsl_compiler.kernels.contract import Case, Run
from archdsl_compiler.kernels.gpu.triton import runs
from archdsl_compiler.kernels.regions.neighborhood import Neighborhood

BLOCK: Final = 32
"""Places that are asked at once."""
WIDEST: Final = 128


@dataclass(frozen=True, slots=True)
class NeighborhoodByTriton:
    """Tiles of so many places by so many."""

    tile: tuple[int, int]
    name: str
    kinds: tuple[str, ...] = ("neighborhood",)
    version: int = 1

    def applies(self, case: Case) -> bool:
        return runs(case) and max(_widths(case)) <= WIDEST

    def factor(self, case: Case) -> float:
        return 0.4

    def make(self, case: Case, weights: Mapping[str, Tensor], constants: Mapping[int, Tensor]) -> Run:
        from archdsl_compiler.kernels.gpu import neighborhood_source

        facts, (width, out_width) = _facts(case), _widths(case)
        tall, wide = facts.kernel
        down, across = facts.dilation
        tile_y, tile_x = self.tile
        tiles = prod(
            ceil(ceil(size / apart) / side)
            for size, apart, side in zip(facts.size, facts.dilation, self.tile, strict=True)
        )
        scale = width**-0.5 if facts.scale is None else facts.scale
        fixed = (
            *(tile_y, tile_x, tall, wide, down, across, tile_y + tall - 1, tile_x + wide - 1),
            *(width, out_width, _padded(width), _padded(out_width), facts.bias is not None, BLOCK),
        )
        launch = cast(Any, neighborhood_source).attended

        def attended(*inputs: Tensor) -> Tensor:
            q, k, v = inputs[facts.query], inputs[facts.key], inputs[facts.value]
            bias = q if facts.bias is None else inputs[facts.bias].contiguous()
            batch, height, width, heads, _ = q.shape
            out = q.new_empty((batch, height, width, heads, out_width))
            with torch.cuda.device_of(q):
                launch[(tiles, down * across, batch * heads)](
                    *(q, k, v, bias, out, scale, heads, height, width),
                    *(stride for each in (q, k, v, out) for stride in each.stride()),
                    *fixed,
                )
            return out

        return attended

    def written(self, case: Case) -> Module | None:
        return None


KERNELS = (
    NeighborhoodByTriton((8, 8), "neighborhood_by_triton_8"),
    NeighborhoodByTriton((4, 4), "neighborhood_by_triton_4"),
)


def _facts(case: Case) -> Neighborhood:
    return cast(Neighborhood, case.region.facts)


def _widths(case: Case) -> tuple[int, int]:
    """Channels of a head, in what is asked and in what is found."""
    facts = _facts(case)
    return case.inputs[facts.query].shape[-1], case.inputs[facts.value].shape[-1]


def _padded(width: int) -> int:
    """A product of a GPU has at least 16 numbers to sum, and a power of 2."""
    return max(16, 1 << (width - 1).bit_length())
