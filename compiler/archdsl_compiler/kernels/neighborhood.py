"""Neighborhood attention by tiles of several sizes, with its mask and a bias that is constant laid out once.

In a tile, each place is multiplied with all that any of its places asks, and most of that is hidden again: small tiles
compute less for nothing, large ones gather each place less often. Measured on AVX2 and AVX-512 at 7x7 places: 4 or 8
from maps of 28x28 on, where the product with the whole map takes 2 to 10 times as long; the whole map at 14x14."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from math import prod
from typing import Final, cast

import torch
from torch import Tensor
from torch.nn import functional

from archdsl_compiler.emit.prelude import NeighborhoodAttention
from archdsl_compiler.graph import Module
from archdsl_compiler.kernels.contract import Case, Run
from archdsl_compiler.kernels.regions.neighborhood import Neighborhood

GATHERED: Final = 50
"""A place that is gathered for a tile takes as long as so many pairs of places."""
MOST_PAIRS: Final = 1 << 24
"""That a mask is made for: 64 MiB of float32."""


@dataclass(frozen=True, slots=True)
class Tiles:
    """Tiles of at most `tile` by `tile` places; none is one tile for all."""

    tile: int | None
    name: str
    kinds: tuple[str, ...] = ("neighborhood",)
    version: int = 1

    def applies(self, case: Case) -> bool:
        facts = _facts(case)
        pairs, _ = _counts(facts, self._side(facts))
        alike = {operand.dtype for operand in case.inputs} == {case.mode.dtype}
        fewer = self.tile is None or pairs < _counts(facts, max(facts.size))[0]
        return alike and fewer and pairs <= MOST_PAIRS

    def factor(self, case: Case) -> float:
        facts = _facts(case)
        known = 0.95 if facts.bias is None else 0.85
        return known * _expected(facts, self._side(facts)) / _expected(facts, _usual(facts))

    def make(self, case: Case, weights: Mapping[str, Tensor], constants: Mapping[int, Tensor]) -> Run:
        facts = _facts(case)
        layer = _layer(facts, self._side(facts)).to(case.place.device, getattr(torch, case.mode.dtype))
        if facts.bias is not None and facts.bias not in constants:
            bias = facts.bias
            return lambda *inputs: layer(inputs[facts.query], inputs[facts.key], inputs[facts.value], inputs[bias])
        if facts.bias is not None:
            layer.mask = layer.biases(constants[facts.bias])
        each = layer if layer.tiles == 1 or case.place.device != "cpu" else picture_by_picture(layer)
        return lambda *inputs: each(inputs[facts.query], inputs[facts.key], inputs[facts.value])

    def written(self, case: Case) -> Module | None:
        facts = _facts(case)
        same = _counts(facts, self._side(facts)) == _counts(facts, _usual(facts))
        return case.region.piece if same else None

    def _side(self, facts: Neighborhood) -> int:
        return max(facts.size) if self.tile is None else self.tile


def picture_by_picture(layer: NeighborhoodAttention) -> Run:
    """What a layer of several tiles gives, with the mask of one picture, which all of them share. What is gathered of a
    picture is still in the cache when it is used."""
    mask = layer.mask.index_select(1, layer.kinds).transpose(0, 1)

    def attended(picture: tuple[Tensor, Tensor, Tensor]) -> Tensor:
        q, k, v = picture
        q, k, v = layer.cut(q, layer.places), layer.cut(k, layer.asked), layer.cut(v, layer.asked)
        found = functional.scaled_dot_product_attention(q, k, v, mask, scale=layer.scale)
        return found.transpose(1, 2).flatten(0, 1).index_select(0, layer.back)

    def each(q: Tensor, k: Tensor, v: Tensor) -> Tensor:
        if q.shape[0] == 1:
            found = attended((q, k, v)).unsqueeze(0)
        else:
            pictures = ((q[n : n + 1], k[n : n + 1], v[n : n + 1]) for n in range(q.shape[0]))
            found = torch.stack(list(map(attended, pictures)))
        return cast(Tensor, found.unflatten(1, layer.size))  # pyright: ignore[reportUnknownMemberType]

    return each


KERNELS = (
    Tiles(None, "neighborhood_as_one"),
    Tiles(16, "neighborhood_by_16"),
    Tiles(8, "neighborhood_by_8"),
    Tiles(4, "neighborhood_by_4"),
)


def _facts(case: Case) -> Neighborhood:
    return cast(Neighborhood, case.region.facts)


def _usual(facts: Neighborhood) -> int:
    """The side of a tile that the portable layer takes."""
    return 8 if prod(facts.size) > 14 * 14 else max(facts.size)


def _expected(facts: Neighborhood, tile: int) -> float:
    """How long it takes, in pairs of places."""
    pairs, places = _counts(facts, tile)
    return pairs + (GATHERED * places if places > prod(facts.size) else 0)


@cache
def _counts(facts: Neighborhood, tile: int) -> tuple[int, int]:
    """How many pairs of places are computed in tiles of this side, and how many places are gathered for them."""
    pairs, places = 1, 1
    for size, kernel, dilation in zip(facts.size, facts.kernel, facts.dilation, strict=True):
        longest = -(-size // dilation)
        side = -(-longest // -(-longest // tile))
        reach = min(side + kernel - 1, longest)
        tiles = sum(-(-len(range(first, size, dilation)) // side) for first in range(dilation))
        pairs *= tiles * side * reach
        places *= tiles * reach
    return pairs, places


def _layer(facts: Neighborhood, tile: int) -> NeighborhoodAttention:
    biased = facts.bias is not None
    return NeighborhoodAttention(facts.size, facts.kernel, facts.dilation, facts.scale, biased, tile)
