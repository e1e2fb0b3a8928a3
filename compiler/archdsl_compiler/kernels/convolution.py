"""Convolutions of any groups, with the weight held as it is read. All cut off what of a kernel never meets the map, as
the border of a 21x21 kernel over 7x7 places; that is exact.

Measured beside the plain piece in its best layout (one thread, AVX2, caches as in a model; times faster, median and
best of the convolutions of eight models): in place 1.08 and 1.47, channels last 1.03 and 1.82, oneDNN's packed form
0.98 in both layouts and 1.93: it wins nearly all dense ones of more than one place, depth-wise ones with channels last
and an activation, and large point-wise ones; a product of matrices for natural point-wise ones 1.01 and 1.44.

Left out, for they never won: patches as a reshape and a linear (0.36 to 0.95 of the packed convolution), oneDNN's calls
without packed weights (0.6 to 1.0), and kernels of 9 to 13 places padded to 15: that helps AVX-512 with channels last
(1.1 ms for 2.5 at 56x56), where the natural layout helps more (0.8 ms); with AVX2 it loses. An activation behind
oneDNN's convolution instead of in it is never faster, not even GELU."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from math import prod
from typing import Any

import torch
from torch import Tensor
from torch.nn import functional

from archdsl_compiler.graph import Module
from archdsl_compiler.kernels.contract import Case, Run
from archdsl_compiler.kernels.epilogue import (
    Multiply,
    adds_first,
    finished,
    has_epilogue,
    product_of,
    source_of,
    summed,
    work_of,
)
from archdsl_compiler.kernels.onednn import NOTHING, Fusion, fusion, packs
from archdsl_compiler.kernels.regions.product import Sliding
from archdsl_compiler.tuning.formats import LAST


@dataclass(frozen=True, slots=True)
class Prepared:
    """A convolution at work: `sliding` goes with the weight, `pads` are put around the map first, where its ends are
    padded apart."""

    weight: Tensor
    bias: Tensor | None
    sliding: Sliding
    pads: tuple[int, ...] = ()


def prepared(case: Case, weights: Mapping[str, Tensor]) -> Prepared:
    sliding, weight = product_of(case).sliding, weights["p0.weight"]
    assert sliding is not None
    sliding, weight = cropped(sliding, weight, source_of(case).shape[2:])
    pads: tuple[int, ...] = ()
    if sliding.before != sliding.after:
        ends = zip(reversed(sliding.before), reversed(sliding.after), strict=True)
        pads = tuple(number for pair in ends for number in pair)
        sliding = replace(sliding, before=(0,) * len(sliding.kernel), after=(0,) * len(sliding.kernel))
    return Prepared(weight, weights.get("p0.bias"), sliding, pads)


def cropped(sliding: Sliding, weight: Tensor, sizes: tuple[int, ...]) -> tuple[Sliding, Tensor]:
    """The kernel without the places that only ever meet padding."""
    for axis, size in enumerate(sizes):
        kernel, stride, dilation = sliding.kernel[axis], sliding.stride[axis], sliding.dilation[axis]
        before, after = sliding.before[axis], sliding.after[axis]
        starts = range(-before, size + after - dilation * (kernel - 1), stride)
        meeting = [tap for tap in range(kernel) if any(0 <= start + tap * dilation < size for start in starts)]
        if not meeting or len(meeting) == kernel:
            continue
        first, last = meeting[0], meeting[-1]
        weight = weight.narrow(axis + 2, first, last - first + 1)
        sliding = replace(
            sliding,
            kernel=_with(sliding.kernel, axis, last - first + 1),
            before=_with(sliding.before, axis, before - first * dilation),
            after=_with(sliding.after, axis, after - (kernel - 1 - last) * dilation),
        )
    if any(pad < 0 for pad in (*sliding.before, *sliding.after)):
        raise AssertionError("a place of the kernel that meets the map was cut off")
    return sliding, weight


def _with(numbers: tuple[int, ...], axis: int, number: int) -> tuple[int, ...]:
    return (*numbers[:axis], number, *numbers[axis + 1 :])


def padded(used: Prepared, multiply: Multiply) -> Multiply:
    if not used.pads:
        return multiply
    pads = list(used.pads)
    return lambda x: multiply(functional.pad(x, pads))


def convolver(used: Prepared) -> Multiply:
    """PyTorch's own convolution."""
    weight, bias, sliding = used.weight.contiguous(), used.bias, used.sliding
    convolve: Any = (torch.conv1d, torch.conv2d, torch.conv3d)[len(sliding.kernel) - 1]
    stride, before, dilation, groups = (
        list(sliding.stride),
        list(sliding.before),
        list(sliding.dilation),
        sliding.groups,
    )
    return padded(used, lambda x: convolve(x, weight, bias, stride, before, dilation, groups))


def convolver_last(used: Prepared) -> Multiply:
    """The same over channels that lie last; maps that do not lie so are brought into it."""
    sliding, bias, form = used.sliding, used.bias, LAST[used.weight.dim()]
    weight = used.weight.contiguous(memory_format=form)
    convolve: Any = (torch.conv2d, torch.conv3d)[len(sliding.kernel) - 2]
    stride, before, dilation, groups = (
        list(sliding.stride),
        list(sliding.before),
        list(sliding.dilation),
        sliding.groups,
    )
    return padded(
        used,
        lambda x: convolve(x.contiguous(memory_format=form), weight, bias, stride, before, dilation, groups),
    )


def convolver_packed(used: Prepared, shape: tuple[int, ...], fused: Fusion = NOTHING) -> Multiply:
    """oneDNN's, with the weight as it likes it for maps of this shape; its results have their channels last."""
    weight, convolve, rest = _reordered(used, shape)
    bias, (name, numbers, kind) = used.bias, fused
    return padded(used, lambda x: convolve(x, weight, bias, *rest, name, numbers, kind))


def adder_packed(
    used: Prepared, shape: tuple[int, ...], after: str | None = None
) -> Callable[[Tensor, Tensor], Tensor]:
    """The same with the sum in it, and the activation behind that."""
    weight, _, rest = _reordered(used, shape)
    ops: Any = torch.ops.mkldnn
    adding: Any = ops._convolution_pointwise.binary
    bias, pads = used.bias, list(used.pads)
    if pads:
        return lambda x, other: adding(functional.pad(x, pads), other, weight, bias, *rest, "add", 1.0, after, [], None)
    return lambda x, other: adding(x, other, weight, bias, *rest, "add", 1.0, after, [], None)


def _reordered(used: Prepared, shape: tuple[int, ...]) -> tuple[Tensor, Any, tuple[Any, ...]]:
    ops: Any = torch.ops.mkldnn
    sliding = used.sliding
    before, stride, dilation = list(sliding.before), list(sliding.stride), list(sliding.dilation)
    weight = used.weight.contiguous(memory_format=LAST[used.weight.dim()])
    sizes = [size + sum(used.pads[2 * k : 2 * k + 2]) for k, size in enumerate(reversed(shape[2:]))]
    packed: Tensor = ops._reorder_convolution_weight(
        weight, before, stride, dilation, sliding.groups, [*shape[:2], *reversed(sizes)]
    )
    return packed, ops._convolution_pointwise.default, (before, stride, dilation, sliding.groups)


@dataclass(frozen=True, slots=True)
class InPlace:
    """The convolution as it is, with the rest in the memory of its result."""

    name: str = "convolution_in_place"
    kinds: tuple[str, ...] = ("product",)
    version: int = 2

    def applies(self, case: Case) -> bool:
        product = product_of(case)
        if product.sliding is None or not has_epilogue(product):
            return False
        # With channels last the weight has to be brought into the form of the map, unless it is of a single place.
        if case.mode.layout == "natural" or len(product.sliding.kernel) == 1:
            return True
        return prod(product.sliding.kernel) == 1 and not product.is_pointwise

    def factor(self, case: Case) -> float:
        return 0.95 * product_of(case).plain_factor(case)

    def make(self, case: Case, weights: Mapping[str, Tensor], constants: Mapping[int, Tensor]) -> Run:
        return finished(product_of(case), convolver(prepared(case, weights)))

    def written(self, case: Case) -> Module | None:
        return case.region.piece


@dataclass(frozen=True, slots=True)
class Last:
    """The convolution with channels last, in any mode: large kernels deserve it even between two conversions."""

    name: str = "convolution_last"
    kinds: tuple[str, ...] = ("product",)
    version: int = 2

    def applies(self, case: Case) -> bool:
        sliding = product_of(case).sliding
        return sliding is not None and len(sliding.kernel) == 2 and prod(sliding.kernel) > 1

    def factor(self, case: Case) -> float:
        product = product_of(case)
        return (0.92 if has_epilogue(product) else 0.96) + _converting(case)

    def make(self, case: Case, weights: Mapping[str, Tensor], constants: Mapping[int, Tensor]) -> Run:
        return finished(product_of(case), convolver_last(prepared(case, weights)))

    def written(self, case: Case) -> Module | None:
        return case.region.piece if case.mode.layout == "last" else None


def _converting(case: Case) -> float:
    """What it costs to bring a natural map into the other layout and back, in times of the convolution."""
    product = product_of(case)
    assert product.sliding is not None
    work = prod(product.sliding.kernel) * product.call.parameters[0].shape[1] if case.mode.layout == "natural" else 0
    return min(12.0 / work, 2.0) if isinstance(work, int) and work else 0.0


@dataclass(frozen=True, slots=True)
class Packed:
    """oneDNN's convolution with its own weights. It fuses the activation, or the sum and the activation behind it."""

    name: str = "convolution_packed"
    kinds: tuple[str, ...] = ("product",)
    version: int = 2

    def applies(self, case: Case) -> bool:
        sliding = product_of(case).sliding
        return sliding is not None and len(sliding.kernel) == 2 and packs(case)

    def factor(self, case: Case) -> float:
        product = product_of(case)
        behind = 0.9 if has_epilogue(product) else 1.0
        small = min(0.5, 1.2e6 / work_of(case)) if product.is_pointwise else 0.0
        return (0.88 if prod(source_of(case).shape[2:]) <= 256 else 0.95) * behind + small + _converting(case)

    def make(self, case: Case, weights: Mapping[str, Tensor], constants: Mapping[int, Tensor]) -> Run:
        product, used, shape = product_of(case), prepared(case, weights), source_of(case).shape
        if not adds_first(product):
            return finished(product, convolver_packed(used, shape, fusion(product.activation)), activated=True)
        if product.after is not None and product.after.op.name == "relu":
            return summed(replace(product, after=None), adder_packed(used, shape, "relu"))
        return summed(product, adder_packed(used, shape))

    def written(self, case: Case) -> Module | None:
        return None


@dataclass(frozen=True, slots=True)
class Pointwise:
    """A point-wise convolution of natural maps as one product of matrices for each picture."""

    name: str = "pointwise_natural"
    kinds: tuple[str, ...] = ("product",)
    version: int = 2

    def applies(self, case: Case) -> bool:
        return product_of(case).is_pointwise and case.mode.layout == "natural"

    def factor(self, case: Case) -> float:
        return 1.0 if has_epilogue(product_of(case)) else 1.05

    def make(self, case: Case, weights: Mapping[str, Tensor], constants: Mapping[int, Tensor]) -> Run:
        weight, bias = weights["p0.weight"].flatten(1), weights.get("p0.bias")
        out = weight.shape[0]
        if bias is None:
            return finished(
                product_of(case), lambda x: torch.matmul(weight, x.flatten(2)).view(x.shape[0], out, *x.shape[2:])
            )
        whole, column = weight[None], bias.view(1, out, 1)
        return finished(
            product_of(case),
            lambda x: torch.baddbmm(column, whole.expand(x.shape[0], -1, -1), x.flatten(2)).view(
                x.shape[0], out, *x.shape[2:]
            ),
        )

    def written(self, case: Case) -> Module | None:
        return None


KERNELS = (
    InPlace(),
    Last(),
    Pointwise(),
    Packed(),
)
