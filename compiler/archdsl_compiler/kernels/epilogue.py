"""What stands behind a product in its region, done in the memory of the product's own result: activations, the change
of axes, the sum."""

from collections.abc import Callable
from functools import partial
from math import prod
from typing import Any, TypeAlias

import torch
from torch import Tensor

from archdsl_compiler.graph import OpCall
from archdsl_compiler.kernels.contract import Case, Operand, Run
from archdsl_compiler.kernels.regions.product import Product
from archdsl_compiler.passes.rewriting import setting_of

Multiply: TypeAlias = Callable[[Tensor], Tensor]
"""The product itself: of the first input of a region; its result is nobody else's."""

_INTERNALS: Any = torch._C  # pyright: ignore[reportPrivateUsage]
_FUNCTIONS: Any = _INTERNALS._nn
_IN_PLACE: dict[str, Callable[..., Tensor]] = {
    "relu": torch.relu_,
    "relu6": partial(_FUNCTIONS.hardtanh_, min_val=0.0, max_val=6.0),
    "silu": _FUNCTIONS.silu_,
    "hard_swish": _FUNCTIONS.hardswish_,
    "hard_sigmoid": _FUNCTIONS.hardsigmoid_,
    "sigmoid": torch.sigmoid_,
    "tanh": torch.tanh_,
    "leaky_relu": _FUNCTIONS.leaky_relu_,
}


def product_of(case: Case) -> Product:
    assert isinstance(case.region.facts, Product)
    return case.region.facts


def source_of(case: Case) -> Operand:
    """What the product reads."""
    return case.inputs[product_of(case).source]


def work_of(case: Case) -> int:
    """Multiply-accumulates."""
    product = product_of(case)
    sizes = [size for size in product.call.parameters[0].shape if isinstance(size, int)]
    return prod(sizes) * prod(case.outputs[0].shape) // sizes[0]


def has_epilogue(product: Product) -> bool:
    return product.activation is not None or product.other is not None


def adds_first(product: Product) -> bool:
    """Whether the sum follows upon the product: libraries fuse that."""
    return product.other is not None and product.activation is None and product.moved is None


def in_place(activation: OpCall) -> Multiply:
    """The activation as a function that changes what it is given."""
    if activation.op.name == "gelu":
        return _gelu(str(setting_of(activation, "approximate")))
    function = _IN_PLACE[activation.op.name]
    if activation.op.name == "leaky_relu":
        slope: Any = setting_of(activation, "slope")
        return lambda x: function(x, slope)
    return function


def _gelu(approximate: str) -> Multiply:
    """PyTorch's GELU takes 1.3 to 1.6 times as long on a map with its channels last as on the same numbers in order."""
    gelu: Any = _FUNCTIONS.gelu_

    def run(x: Tensor) -> Tensor:
        if x.dim() == 4 and not x.is_contiguous():
            gelu(x.permute(0, 2, 3, 1), approximate=approximate)
            return x
        return gelu(x, approximate=approximate)

    return run


def finished(product: Product, multiply: Multiply, *, activated: bool = False) -> Run:
    """A product with what stands behind it; `activated` if it brings its activation itself."""
    made = multiply
    if product.activation is not None and not activated:
        made = _then(made, in_place(product.activation))
    if product.squared:
        made = _then(made, _square)
    if product.moved is not None:
        made = _then(made, _permuted(product.moved))
    if product.other is None:
        return made if product.count == 1 else _of(made, product.source)
    return summed(product, lambda x, other: made(x).add_(other))


def summed(product: Product, run: Callable[[Tensor, Tensor], Tensor]) -> Run:
    """What computes a product and its sum, with the activation behind that, taking the inputs of the region."""
    full = run if product.after is None else _behind(run, in_place(product.after))
    source, other = product.source, product.other
    if (product.count, source, other) == (2, 0, 1):
        return full

    def picked(*inputs: Tensor) -> Tensor:
        assert other is not None
        return full(inputs[source], inputs[other])

    return picked


def _behind(run: Callable[[Tensor, Tensor], Tensor], after: Multiply) -> Callable[[Tensor, Tensor], Tensor]:
    return lambda x, other: after(run(x, other))


def _of(multiply: Multiply, source: int) -> Run:
    return lambda *inputs: multiply(inputs[source])


def _then(first: Multiply, second: Multiply) -> Multiply:
    return lambda x: second(first(x))


def _square(x: Tensor) -> Tensor:
    return x.mul_(x)


def _permuted(order: tuple[int, ...]) -> Multiply:
    return lambda x: x.permute(order)
