"""Depth-wise convolutions by other mathematics: of large kernels as a product of spectra, over small maps as a product
of matrices. Against the plain piece with channels last (AVX2, one thread): spectra at 56x56 places 1.8 times faster
for 21x21 and 4.2 times for 31x31, at 28x28 1.6, at 14x14 1.0; matrices 2 to 3 times for 16 channels at 4x4 or 7x7."""

from collections.abc import Mapping
from dataclasses import dataclass
from math import prod
from typing import Any

import torch
from torch import Tensor

from archdsl_compiler.graph import Module
from archdsl_compiler.kernels.contract import Case, Run
from archdsl_compiler.kernels.convolution import Prepared, convolver, prepared
from archdsl_compiler.kernels.epilogue import Multiply, finished, product_of, source_of
from archdsl_compiler.kernels.regions.product import Sliding

_TRANSFORMS: Any = torch.fft
WORTH_A_TRY = 1.6
"""What the rule of thumb may say of a kernel that is still measured."""


@dataclass(frozen=True, slots=True)
class Spectrum:
    """The spectrum of the kernel is made once; a pass transforms the map there and back."""

    name: str = "depthwise_by_spectrum"
    kinds: tuple[str, ...] = ("product",)
    version: int = 1

    def applies(self, case: Case) -> bool:
        product = product_of(case)
        sliding = product.sliding
        return (
            sliding is not None
            and product.is_depthwise
            and len(sliding.kernel) == 2
            and {*sliding.stride, *sliding.dilation} == {1}
            and sliding.before == sliding.after
            and all(pad < kernel for pad, kernel in zip(sliding.before, sliding.kernel, strict=True))
            and case.mode.dtype in ("float32", "float64")
            and self.factor(case) < WORTH_A_TRY
        )

    def factor(self, case: Case) -> float:
        """A place of the spectrum takes about as long as 11 nanoseconds, a product of the kernel one 13th of one, with
        AVX-512 one 40th."""
        sliding = product_of(case).sliding
        assert sliding is not None
        sizes = source_of(case).shape[2:]
        of_spectrum = 11.0 * prod(_lengths(sizes, sliding))
        rate = 40.0 if "avx512f" in case.place.features else 13.0
        return of_spectrum / (prod(sizes) * prod(sliding.kernel) / rate)

    def make(self, case: Case, weights: Mapping[str, Tensor], constants: Mapping[int, Tensor]) -> Run:
        used, sizes = prepared(case, weights), source_of(case).shape[2:]
        return finished(product_of(case), _by_spectrum(used, _lengths(sizes, used.sliding), sizes))

    def written(self, case: Case) -> Module | None:
        return None


def _lengths(sizes: tuple[int, ...], sliding: Sliding) -> tuple[int, ...]:
    """Sizes to transform: the map and, once for both ends, the padding; and such that have small divisors alone."""
    return tuple(_smooth(size + pad) for size, pad in zip(sizes, sliding.before, strict=True))


def _smooth(least: int) -> int:
    rest = least
    for divisor in (2, 3, 5, 7):
        while rest % divisor == 0:
            rest //= divisor
    return least if rest == 1 else _smooth(least + 1)


def _by_spectrum(used: Prepared, lengths: tuple[int, ...], sizes: tuple[int, ...]) -> Multiply:
    sliding, bias = used.sliding, used.bias
    places = [
        (torch.arange(kernel) - pad) % length
        for kernel, pad, length in zip(sliding.kernel, sliding.before, lengths, strict=True)
    ]
    spread = used.weight.new_zeros((used.weight.shape[0], *lengths))
    spread[:, places[0][:, None], places[1][None, :]] = used.weight[:, 0]
    spectrum: Tensor = _TRANSFORMS.rfft2(spread).conj().resolve_conj()
    height, width = (
        size + 2 * pad - kernel + 1 for size, pad, kernel in zip(sizes, sliding.before, sliding.kernel, strict=True)
    )
    column = None if bias is None else bias.view(-1, 1, 1)

    def run(x: Tensor) -> Tensor:
        whole: Tensor = _TRANSFORMS.irfft2(_TRANSFORMS.rfft2(x, lengths).mul_(spectrum), lengths)
        made = whole[..., :height, :width]
        return made if column is None else made + column

    return run


@dataclass(frozen=True, slots=True)
class Matrices:
    """For each channel the matrix from the places of the map to those of the result. A call of oneDNN costs as much as
    many of these products."""

    name: str = "depthwise_by_matrices"
    kinds: tuple[str, ...] = ("product",)
    version: int = 1

    def applies(self, case: Case) -> bool:
        product = product_of(case)
        if product.sliding is None or not product.is_depthwise or len(product.sliding.kernel) != 2:
            return False
        return prod(source_of(case).shape[2:]) <= 64 and self.factor(case) < WORTH_A_TRY

    def factor(self, case: Case) -> float:
        """In microseconds: 30, and for each channel 0.25 and 0.28 thousandths for each number of its matrix; against
        100 and the products at 10 a nanosecond."""
        product = product_of(case)
        assert product.sliding is not None
        batch, channels, *sizes = source_of(case).shape
        places = batch * channels * prod(_places(sizes, product.sliding))
        ours = 30 + channels * (0.25 + 0.28e-3 * prod(sizes) * prod(_places(sizes, product.sliding)))
        return ours / (100 + places * prod(product.sliding.kernel) / 1e4)

    def make(self, case: Case, weights: Mapping[str, Tensor], constants: Mapping[int, Tensor]) -> Run:
        used, sizes = prepared(case, weights), source_of(case).shape[2:]
        count, channels = prod(sizes), used.weight.shape[0]
        alone = Prepared(used.weight, None, used.sliding, used.pads)
        each_place = torch.eye(count, dtype=used.weight.dtype, device=used.weight.device).view(count, 1, *sizes)
        answers = convolver(alone)(each_place.expand(-1, channels, *sizes).contiguous())
        matrices, goal = answers.flatten(2).transpose(0, 1).contiguous(), answers.shape[1:]
        bias = used.bias
        if bias is None:
            return finished(
                product_of(case),
                lambda x: torch.bmm(x.flatten(2).transpose(0, 1), matrices).transpose(0, 1).view(-1, *goal),
            )
        column = bias.view(-1, 1, 1)
        return finished(
            product_of(case),
            lambda x: torch.baddbmm(column, x.flatten(2).transpose(0, 1), matrices).transpose(0, 1).view(-1, *goal),
        )

    def written(self, case: Case) -> Module | None:
        return None


def _places(sizes: list[int], sliding: Sliding) -> list[int]:
    return [
        (size + before + after - step * (kernel - 1) - 1) // stride + 1
        for size, before, after, step, kernel, stride in zip(
            sizes, sliding.before, sliding.after, sliding.dilation, sliding.kernel, sliding.stride, strict=True
        )
    ]


KERNELS = (Spectrum(), Matrices())
