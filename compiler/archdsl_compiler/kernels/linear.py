"""Linears, and point-wise convolutions of maps whose channels lie last, which are linears over the places of the map
without a copy. They differ in how the weight is held, and in what is done with the result in its own memory.

Against the plain piece, one thread, AVX2 (Zen 3), caches as in a model: see `_thumb`."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from math import prod
from typing import Any

import torch
from torch import Tensor
from torch.nn import functional

from archdsl_compiler.graph import Module
from archdsl_compiler.kernels.contract import Case, Run
from archdsl_compiler.kernels.epilogue import Multiply, finished, has_epilogue, product_of, summed
from archdsl_compiler.kernels.onednn import COSTLY, NOTHING, fusion, packs
from archdsl_compiler.kernels.regions.product import Product


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
    return product.is_pointwise and case.mode.layout == "last" and len(case.inputs[0].shape) in (4, 5)


def rows_of(case: Case) -> int:
    shape = case.inputs[0].shape
    return prod(shape[:-1]) if product_of(case).sliding is None else shape[0] * prod(shape[2:])


def held(case: Case, weights: Mapping[str, Tensor]) -> Held:
    return Held(weights["p0.weight"].flatten(1), weights.get("p0.bias"), rows_of(case))


def over_places(case: Case, multiply: Multiply) -> Multiply:
    """The product as the region wants it: of a map, over its channels."""
    if product_of(case).sliding is None:
        return multiply
    there, back = _orders(case)
    return lambda x: multiply(x.permute(there)).permute(back)


def _orders(case: Case) -> tuple[tuple[int, ...], tuple[int, ...]]:
    rank = len(case.inputs[0].shape)
    return (0, *range(2, rank), 1), (0, rank - 1, *range(1, rank - 1))


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


def _packed(held: Held) -> Multiply:
    packed, multiply = _reordered(held)
    bias, (name, numbers, kind) = held.bias, NOTHING
    return lambda x: multiply(x, packed, bias, name, numbers, kind)


def _reordered(held: Held) -> tuple[Tensor, Any]:
    ops: Any = torch.ops.mkldnn
    return ops._reorder_linear_weight(held.weight.contiguous(), held.rows), ops._linear_pointwise.default


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


def _fuses_otherwise(case: Case) -> bool:
    """Whether the activation may be faster behind oneDNN's product than inside it."""
    activation = product_of(case).activation
    return packs(case) and activation is not None and activation.op.name in COSTLY


@dataclass(frozen=True, slots=True)
class Linear:
    """A linear by one way to multiply, with the rest in the memory of its result."""

    name: str
    way: Callable[[Held], Multiply]
    usable: Callable[[Case], bool]
    thumb: Callable[[Case], float]
    kinds: tuple[str, ...] = ("product",)
    version: int = 1

    def applies(self, case: Case) -> bool:
        return is_linear(case) and self.usable(case)

    def factor(self, case: Case) -> float:
        return self.thumb(case)

    def make(self, case: Case, weights: Mapping[str, Tensor], constants: Mapping[int, Tensor]) -> Run:
        return finished(product_of(case), over_places(case, self.way(held(case, weights))))

    def written(self, case: Case) -> Module | None:
        return case.region.piece if self.name == "linear_in_place" else None


@dataclass(frozen=True, slots=True)
class Fused:
    """oneDNN's product that writes its result once: with the activation or the sum in it."""

    name: str = "linear_packed"
    kinds: tuple[str, ...] = ("product",)
    version: int = 1

    def applies(self, case: Case) -> bool:
        return is_linear(case) and packs(case)

    def factor(self, case: Case) -> float:
        activation = product_of(case).activation
        costly = activation is not None and activation.op.name == "gelu" and "avx512f" not in case.place.features
        return _packed_thumb(case) * (1.15 if costly else 0.97)

    def make(self, case: Case, weights: Mapping[str, Tensor], constants: Mapping[int, Tensor]) -> Run:
        return _fused(case, product_of(case), held(case, weights))

    def written(self, case: Case) -> Module | None:
        return None


def _fused(case: Case, product: Product, held: Held) -> Run:
    packed, multiply = _reordered(held)
    bias = held.bias
    if product.other is None or product.activation is not None or product.moved is not None:
        name, numbers, kind = fusion(product.activation)
        made = over_places(case, lambda x: multiply(x, packed, bias, name, numbers, kind))
        return finished(product, made, activated=True)
    ops: Any = torch.ops.mkldnn
    adding: Any = ops._linear_pointwise.binary
    if product.sliding is None:
        return summed(product, lambda x, other: adding(x, other, packed, bias, "add"))
    there, back = _orders(case)
    return summed(
        product,
        lambda x, other: adding(x.permute(there), other.permute(there), packed, bias, "add").permute(back),
    )


def _in_place_thumb(case: Case) -> float:
    return 0.95


def _transposed_thumb(case: Case) -> float:
    return (0.8 if rows_of(case) == 1 else 1.01) * (0.95 if _has_epilogue(case) else 1.0)


def _packed_thumb(case: Case) -> float:
    """By how many vectors there are: the fewer, the more it counts that the weight lies as it is read. A single one is
    read once in any case, and the call of oneDNN costs more than that of BLAS."""
    rows, wide = rows_of(case), "avx512f" in case.place.features
    if rows <= 4:
        return 1.5
    least = 0.78 if wide else 0.88
    behind = 0.9 if _has_epilogue(case) else 1.0
    return behind * (least if rows <= 64 else (least + 1) / 2 if rows <= 256 else 0.99)


KERNELS = (
    Linear("linear_in_place", _plain, _has_epilogue, _in_place_thumb),
    Linear("linear_transposed", _transposed, _always, _transposed_thumb),
    Linear("linear_by_mkl", _by_mkl, _has_mkl, _transposed_thumb),
    Linear("linear_packed_apart", _packed, _fuses_otherwise, _packed_thumb),
    Fused(),
)
