"""Dilated convolutions as dense ones: a kernel that takes every third place is a dense kernel over each of the 3 x 3
maps that have every third place. Libraries are made for dense ones: depth-wise 7x7 with dilation 3 takes 4 to 14 times
as long as this (AVX2, 7x7 to 56x56 places), 2 to 10 times with AVX-512."""

from collections.abc import Mapping
from dataclasses import dataclass

from torch import Tensor
from torch.nn import functional

from archdsl_compiler.graph import Module
from archdsl_compiler.kernels.contract import Case, Run
from archdsl_compiler.kernels.convolution import Prepared, convolver_last, convolver_packed, cropped
from archdsl_compiler.kernels.epilogue import Multiply, finished, product_of, source_of
from archdsl_compiler.kernels.onednn import packs
from archdsl_compiler.kernels.regions.product import Sliding


@dataclass(frozen=True, slots=True)
class Phases:
    """For maps that keep their size: stride 1, and as much padding as the kernel reaches."""

    name: str = "dilation_in_phases"
    kinds: tuple[str, ...] = ("product",)
    version: int = 2

    def applies(self, case: Case) -> bool:
        sliding = product_of(case).sliding
        return (
            sliding is not None
            and len(sliding.kernel) == 2
            and max(sliding.dilation) > 1
            and max(sliding.stride) == 1
            and all(kernel % 2 == 1 for kernel in sliding.kernel)
            and sliding.before == sliding.after == _reach(sliding.kernel, sliding.dilation)
        )

    def factor(self, case: Case) -> float:
        product = product_of(case)
        assert product.sliding is not None
        if not product.is_depthwise:
            return 1.1
        large = max(product.sliding.kernel) >= 7 or max(product.sliding.dilation) > 2
        return 0.15 if large else 2.2

    def make(self, case: Case, weights: Mapping[str, Tensor], constants: Mapping[int, Tensor]) -> Run:
        product = product_of(case)
        assert product.sliding is not None
        (height, width), (down, across) = source_of(case).shape[2:], product.sliding.dilation
        rows, columns = -(-height // down), -(-width // across)
        once = (1,) * 2
        reach = _reach(product.sliding.kernel, once)
        dense = Sliding(product.sliding.kernel, once, once, reach, reach, product.sliding.groups)
        dense, weight = cropped(dense, weights["p0.weight"], (rows, columns))
        used = Prepared(weight, weights.get("p0.bias"), dense)
        if packs(case):
            channels = source_of(case).shape[1]
            convolve = convolver_packed(used, (source_of(case).shape[0] * down * across, channels, rows, columns))
        else:
            convolve = convolver_last(used)
        return finished(product, _in_phases(convolve, (height, width), (rows, columns), (down, across)))

    def written(self, case: Case) -> Module | None:
        return None


def _reach(kernel: tuple[int, ...], dilation: tuple[int, ...]) -> tuple[int, ...]:
    return tuple(step * (size - 1) // 2 for size, step in zip(kernel, dilation, strict=True))


def _in_phases(convolve: Multiply, size: tuple[int, int], places: tuple[int, int], steps: tuple[int, int]) -> Multiply:
    (height, width), (rows, columns), (down, across) = size, places, steps
    pads = [0, 0, 0, columns * across - width, 0, rows * down - height]
    fits = not any(pads)

    def run(x: Tensor) -> Tensor:
        batch, places = x.shape[0], x.permute(0, 2, 3, 1)
        if not fits:
            places = functional.pad(places, pads)
        phases = places.reshape(batch, rows, down, columns, across, -1).permute(0, 2, 4, 1, 3, 5)
        maps = phases.reshape(batch * down * across, rows, columns, -1).permute(0, 3, 1, 2)
        made = convolve(maps).permute(0, 2, 3, 1).reshape(batch, down, across, rows, columns, -1)
        whole = made.permute(0, 3, 1, 4, 2, 5).reshape(batch, rows * down, columns * across, -1)
        return (whole if fits else whole[:, :height, :width]).permute(0, 3, 1, 2)

    return run


KERNELS = (Phases(),)
