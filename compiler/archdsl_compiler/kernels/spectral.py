"""Filters in the frequency domain of small planes as matrix products: the transform of a plane is one row of places
times a table of waves."""

from collections.abc import Mapping
from dataclasses import dataclass
from math import prod
from typing import Any, Final, cast

import torch
from torch import Tensor

from archdsl_compiler.graph import Module
from archdsl_compiler.kernels.contract import Case, Run
from archdsl_compiler.kernels.regions.spectral import Spectral

LARGEST: Final = 196
"""Places of a plane. The products grow with their square; from 12 by 12 on the fast transform is as fast or faster."""


@dataclass(frozen=True, slots=True)
class SpectralProducts:
    """Two products by constant tables, and the weights between them."""

    name: str = "spectral_products"
    kinds: tuple[str, ...] = ("spectral",)
    version: int = 1

    def applies(self, case: Case) -> bool:
        spectral = cast(Spectral, case.region.facts)
        dtypes = case.inputs[spectral.source].dtype, case.inputs[spectral.weight].dtype
        real, weights = {"float32", "float64"}, {"complex64", "complex128"}
        return prod(spectral.size) <= LARGEST and dtypes[0] in real and dtypes[1] in weights

    def factor(self, case: Case) -> float:
        return max(0.3, prod(cast(Spectral, case.region.facts).size) / 130)

    def make(self, case: Case, weights: Mapping[str, Tensor], constants: Mapping[int, Tensor]) -> Run:
        spectral = cast(Spectral, case.region.facts)
        source = case.inputs[spectral.source]
        rank, axes = len(source.shape), spectral.axes
        dtype: torch.dtype = getattr(torch, source.dtype)
        forth, back = (table.to(case.place.device, dtype) for table in waves(*spectral.size))
        known = constants.get(spectral.weight)
        held = None if known is None else _by_frequency(known, axes, rank)
        frequencies = forth.shape[1] // 2

        def filtered(*inputs: Tensor) -> Tensor:
            planes = inputs[spectral.source].movedim(axes, (-2, -1))
            weight = _by_frequency(inputs[spectral.weight], axes, rank) if held is None else held
            spectrum = torch.view_as_complex(
                torch.matmul(planes.flatten(-2), forth).view(*planes.shape[:-2], frequencies, 2)
            )
            weighed = torch.view_as_real(spectrum * weight).flatten(-2)
            return (weighed @ back).view(planes.shape).movedim((-2, -1), axes)

        return filtered

    def written(self, case: Case) -> Module | None:
        return None


KERNELS = (SpectralProducts(),)


def _by_frequency(weight: Tensor, axes: tuple[int, int], rank: int) -> Tensor:
    """The weights with all frequencies along one axis, the last."""
    places = tuple(axis - rank for axis in axes)
    return weight.movedim(places, (-2, -1)).flatten(-2).resolve_conj()


def waves(height: int, width: int) -> tuple[Tensor, Tensor]:
    """The tables that take planes to their spectra, real and imaginary parts in turn, and those back again: what the
    transforms make of each single place and part."""
    fft: Any = torch.fft
    places = torch.eye(height * width, dtype=torch.float64).view(-1, height, width)
    forth = torch.view_as_real(fft.rfft2(places, norm="ortho")).flatten(1)
    parts = torch.eye(forth.shape[1], dtype=torch.float64).view(-1, height, width // 2 + 1, 2)
    back: Tensor = fft.irfft2(torch.view_as_complex(parts), s=(height, width), norm="ortho").flatten(1)
    return forth, back
