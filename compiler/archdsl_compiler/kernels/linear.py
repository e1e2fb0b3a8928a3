"""Linears, and point-wise convolutions of maps whose channels lie last, which are linears over the places of the map
without a copy. They differ in how the weight is held, and in what is done with the result in its own memory.

Measured beside the plain piece in its best layout (one thread, AVX2, caches as in a model; times faster, median and
best of the linears of eight models): in place 1.13 and 1.46, transposed 1.12 and 1.89, MKL's packed form 1.15 and 1.71,
the last two most for a single vector; oneDNN's linear 0.94 and 1.61; its convolution 1.02 and 1.5, which wins for few
vectors of many channels (49 of 768: 1.25 to 1.5, where oneDNN's linear has 1.1 to 1.2). With AVX-512 the linear is the
better one, most with its GELU, which loses with AVX2. The residual as the first addend of `addmm`, with the bias behind
it, was 0.9 to 1.04 and is left out."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from math import prod
from typing import Any

import torch
from torch import Tensor
from torch.nn import functional

from archdsl_compiler.graph import Module
from archdsl_compiler.kernels.contract import Case, Run
from archdsl_compiler.kernels.convolution import Prepared, adder_packed, convolver_packed
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
from archdsl_compiler.kernels.onednn import fusion, packs
from archdsl_compiler.kernels.regions.product import Sliding


@dataclass(frozen=True, slots=True)
class Held:
    """A linear's weight [out, c] and bias, and over how many vectors it goes in the case."""

    weight: Tensor
    bias: Tensor | None
    rows: int


def is_linear(case: Case) -> bool:
    """Whether it is one in this layout."""
    product = product_of(case)
    if product.call.op.name == "linear":
        return True
    return product.is_pointwise and case.mode.layout == "last" and len(source_of(case).shape) in (4, 5)


def rows_of(case: Case) -> int:
    shape = source_of(case).shape
    return prod(shape[:-1]) if product_of(case).sliding is None else shape[0] * prod(shape[2:])


def held(case: Case, weights: Mapping[str, Tensor]) -> Held:
    return Held(weights["p0.weight"].flatten(1), weights.get("p0.bias"), rows_of(case))


def over_places(case: Case, multiply: Multiply) -> Multiply:
    """The product as the region wants it: of a map, over its channels."""
    if product_of(case).sliding is None:
        return multiply
    rank = len(source_of(case).shape)
    there, back = (0, *range(2, rank), 1), (0, rank - 1, *range(1, rank - 1))
    return lambda x: multiply(x.permute(there)).permute(back)


def _plain(held: Held) -> Multiply:
    weight, bias = held.weight.contiguous(), held.bias
    return lambda x: functional.linear(x, weight, bias)


def _transposed(held: Held) -> Multiply:
    weight, bias, out = held.weight.t().contiguous(), held.bias, held.weight.shape[0]
    if bias is None:
        return lambda x: torch.matmul(x, weight)
    return lambda x: torch.addmm(bias, x.reshape(-1, x.shape[-1]), weight).view(*x.shape[:-1], out)


def _by_mkl(held: Held) -> Multiply:
    ops: Any = torch.ops.mkl
    weight, bias, rows = held.weight.contiguous(), held.bias, held.rows
    packed: Tensor = ops._mkl_reorder_linear_weight(weight, rows)
    multiply: Any = ops._mkl_linear.default
    return lambda x: multiply(x, packed, weight, bias, rows)


def _always(case: Case) -> bool:
    return True


def _has_epilogue(case: Case) -> bool:
    return has_epilogue(product_of(case))


def _has_mkl(case: Case) -> bool:
    ops: Any = torch.ops.mkl
    return (
        case.place.device == "cpu"
        and case.mode.dtype == "float32"
        and torch.backends.mkl.is_available()
        and hasattr(ops, "_mkl_linear")
    )


@dataclass(frozen=True, slots=True)
class Linear:
    """A linear by one way to multiply, with the rest in the memory of its result."""

    name: str
    way: Callable[[Held], Multiply]
    usable: Callable[[Case], bool]
    thumb: Callable[[Case], float]
    kinds: tuple[str, ...] = ("product",)
    version: int = 2

    def applies(self, case: Case) -> bool:
        return is_linear(case) and self.usable(case)

    def factor(self, case: Case) -> float:
        return self.thumb(case)

    def make(self, case: Case, weights: Mapping[str, Tensor], constants: Mapping[int, Tensor]) -> Run:
        return finished(product_of(case), over_places(case, self.way(held(case, weights))))

    def written(self, case: Case) -> Module | None:
        return case.region.piece if self.name == "linear_in_place" else None


@dataclass(frozen=True, slots=True)
class Packed:
    """oneDNN's product, which writes its result once: with the activation or the sum in it. Point-wise convolutions
    have their own packed form, which is as fast."""

    name: str = "linear_packed"
    kinds: tuple[str, ...] = ("product",)
    version: int = 2

    def applies(self, case: Case) -> bool:
        return product_of(case).sliding is None and packs(case)

    def factor(self, case: Case) -> float:
        activation = product_of(case).activation
        costly = activation is not None and activation.op.name == "gelu" and "avx512f" not in case.place.features
        return _packed_thumb(case) * (1.15 if costly else 0.97)

    def make(self, case: Case, weights: Mapping[str, Tensor], constants: Mapping[int, Tensor]) -> Run:
        ops: Any = torch.ops.mkldnn
        product, here = product_of(case), held(case, weights)
        packed: Tensor = ops._reorder_linear_weight(here.weight.contiguous(), here.rows)
        multiply, adding, bias = ops._linear_pointwise.default, ops._linear_pointwise.binary, here.bias
        if adds_first(product):
            return summed(product, lambda x, other: adding(x, other, packed, bias, "add"))
        name, numbers, kind = fusion(product.activation)
        return finished(product, lambda x: multiply(x, packed, bias, name, numbers, kind), activated=True)

    def written(self, case: Case) -> Module | None:
        return None


@dataclass(frozen=True, slots=True)
class AsConvolution:
    """A linear as oneDNN's point-wise convolution of a map with one row, whose code differs from that of its linear:
    with AVX2 it is the faster one, and its GELU too."""

    name: str = "linear_as_convolution"
    kinds: tuple[str, ...] = ("product",)
    version: int = 2

    def applies(self, case: Case) -> bool:
        return product_of(case).sliding is None and rows_of(case) > 16 and packs(case)

    def factor(self, case: Case) -> float:
        wide = "avx512f" in case.place.features
        return _packed_thumb(case) * (1.1 if wide else 0.96)

    def make(self, case: Case, weights: Mapping[str, Tensor], constants: Mapping[int, Tensor]) -> Run:
        product, here, once = product_of(case), held(case, weights), (1, 1)
        weight, out = here.weight[..., None, None], here.weight.shape[0]
        alone = Prepared(weight, here.bias, Sliding(once, once, once, (0, 0), (0, 0), 1))
        shape = (1, weight.shape[1], 1, here.rows)
        if adds_first(product):
            add = adder_packed(alone, shape)
            return summed(product, lambda x, other: _from_row(add(_as_row(x), _as_row(other)), x, out))
        multiply = convolver_packed(alone, shape, fusion(product.activation))
        return finished(product, lambda x: _from_row(multiply(_as_row(x)), x, out), activated=True)

    def written(self, case: Case) -> Module | None:
        return None


def _as_row(x: Tensor) -> Tensor:
    return x.reshape(1, 1, -1, x.shape[-1]).permute(0, 3, 1, 2)


def _from_row(made: Tensor, x: Tensor, out: int) -> Tensor:
    return made.permute(0, 2, 3, 1).reshape(*x.shape[:-1], out)


def _in_place_thumb(case: Case) -> float:
    return 0.93 - _saved(case)


def _transposed_thumb(case: Case) -> float:
    if rows_of(case) == 1:
        return 0.75
    return (0.94 if _has_epilogue(case) else 0.98) - _saved(case)


def _saved(case: Case) -> float:
    """What a convolution spends on being one, which counts where there is little to compute."""
    return 0.0 if product_of(case).sliding is None else min(0.25, 5e5 / work_of(case))


def _by_mkl_thumb(case: Case) -> float:
    return _transposed_thumb(case) - 0.02


def _packed_thumb(case: Case) -> float:
    """By how many vectors there are: the fewer, the more it counts that the weight lies as it is read. A single one is
    read once in any case, and the call of oneDNN costs more than that of BLAS, most where there is little to
    compute."""
    rows, wide = rows_of(case), "avx512f" in case.place.features
    if rows <= 4:
        return 1.5
    few, some, many = (0.78, 0.89, 1.0) if wide else (0.84, 1.06, 1.06)
    behind = 0.92 if _has_epilogue(case) else 1.0
    return behind * (few if rows <= 64 else some if rows <= 256 else many) + min(0.5, 5e5 / work_of(case))


KERNELS = (
    Linear("linear_in_place", _plain, _has_epilogue, _in_place_thumb),
    Linear("linear_transposed", _transposed, _always, _transposed_thumb),
    Linear("linear_by_mkl", _by_mkl, _has_mkl, _by_mkl_thumb),
    Packed(),
    AsConvolution(),
)
