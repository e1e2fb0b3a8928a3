"""The pooling mixer in fewer passes over the map."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import cast

import torch
from torch import Tensor

from archdsl_compiler.digest import digest
from archdsl_compiler.graph import Module
from archdsl_compiler.kernels.contract import Case, Run
from archdsl_compiler.kernels.flat import Reading
from archdsl_compiler.kernels.plain import piece_module
from archdsl_compiler.kernels.regions.contract import piece_of
from archdsl_compiler.kernels.regions.pool_mixer import PoolMixer


@dataclass(frozen=True, slots=True)
class PoolInPlace:
    """All that follows on the means is written into them. Where the sum is with what was pooled, it is a step from that
    towards the means, `x + scale * (pool(x) - x)`, which is one pass."""

    name: str = "pool_in_place"
    kinds: tuple[str, ...] = ("pool_mixer",)
    version: int = 1

    def applies(self, case: Case) -> bool:
        return len({operand.dtype for operand in case.inputs}) == 1

    def factor(self, case: Case) -> float:
        mixer = cast(PoolMixer, case.region.facts)
        return 0.65 if mixer.other == mixer.source else 0.85

    def make(self, case: Case, weights: Mapping[str, Tensor], constants: Mapping[int, Tensor]) -> Run:
        mixer = cast(PoolMixer, case.region.facts)
        pool = pool_of(case.region.piece, mixer)
        place, number = mixer.scale, mixer.number
        if place is None and number == 1.0:
            return _unscaled(pool, mixer.source, mixer.other)
        known = constants.get(place) if place is not None else _number(number, case)
        if known is None:
            return _scaled(pool, mixer.source, mixer.other, lambda inputs: inputs[place or 0])
        return _scaled(pool, mixer.source, mixer.other, lambda _: known)

    def written(self, case: Case) -> Module | None:
        return None


KERNELS = (PoolInPlace(),)


def pool_of(piece: Module, mixer: PoolMixer) -> Run:
    """The pool alone."""
    alone, _, _, _ = piece_of(Reading(piece), [mixer.pool])
    return piece_module(alone, digest(alone), {}).forward


def _number(number: float, case: Case) -> Tensor:
    """As a tensor: of a plain number PyTorch takes 32 bits here."""
    dtype: torch.dtype = getattr(torch, case.inputs[0].dtype)
    return torch.tensor(number, dtype=dtype, device=case.place.device)


def _unscaled(pool: Run, source: int, other: int | None) -> Run:
    if other == source:
        return lambda *inputs: pool(inputs[source])
    if other is None:
        return lambda *inputs: pool(inputs[source]).sub_(inputs[source])
    return lambda *inputs: pool(inputs[source]).sub_(inputs[source]).add_(inputs[other])


def _scaled(pool: Run, source: int, other: int | None, scale: Callable[[tuple[Tensor, ...]], Tensor]) -> Run:
    if other is None:
        return lambda *inputs: pool(inputs[source]).sub_(inputs[source]).mul_(scale(inputs))
    if other == source:

        def towards(*inputs: Tensor) -> Tensor:
            x = inputs[source]
            means = pool(x)
            return torch.lerp(x, means, scale(inputs), out=means)

        return towards

    def added(*inputs: Tensor) -> Tensor:
        difference = pool(inputs[source]).sub_(inputs[source])
        return torch.addcmul(inputs[other], difference, scale(inputs), out=difference)

    return added
