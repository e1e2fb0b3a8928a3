"""What stands behind a product in its region, done in the memory of the product's own result: activations, the change
of axes, the sum."""

from collections.abc import Callable
from functools import partial
from typing import Any, TypeAlias

import torch
from torch import Tensor

from archdsl_compiler.graph import OpCall
from archdsl_compiler.kernels.contract import Case, Run
from archdsl_compiler.kernels.regions.product import Product
from archdsl_compiler.passes.rewriting import setting_of

Multiply: TypeAlias = Callable[[Tensor], Tensor]
"""The product itself: of the first input of a region; its result is nobody else's."""

_INTERNALS: Any = torch._C  # pyright: ignore[reportPrivateUsage]
_FUNCTIONS: Any = _INTERNALS._nn
_IN_PLACE: dict[str, Callable[..., Tensor]] = {
    "relu": torch.relu_,
    "relu6": partial(_FUNCTIONS.hardtanh_, min_val=0.0, max_val=6.0),
    "gelu": _FUNCTIONS.gelu_,
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


def has_epilogue(product: Product) -> bool:
    return product.activation is not None or product.other is not None


def in_place(activation: OpCall) -> Multiply:
    """The activation as a function that changes what it is given."""
    function = _IN_PLACE[activation.op.name]
    if activation.op.name == "leaky_relu":
        slope: Any = setting_of(activation, "slope")
        return lambda x: function(x, slope)
    if activation.op.name == "gelu" and setting_of(activation, "approximate") == "tanh":
        return lambda x: function(x, approximate="tanh")
    return function


def finished(product: Product, multiply: Multiply, *, activated: bool = False) -> Run:
    """A product with what stands behind it; `activated` if it brings its activation itself."""
    first = None if activated or product.activation is None else in_place(product.activation)
    made = multiply if first is None else _then(multiply, first)
    if product.other is None:
        return made
    if product.moved is not None:
        made = _then(made, _permuted(product.moved))
    return summed(product, lambda x, other: made(x).add_(other))


def summed(product: Product, run: Callable[[Tensor, Tensor], Tensor]) -> Run:
    """What computes a product and its sum, with the activation behind that, taking the inputs of the region."""
    full = run if product.after is None else _behind(run, in_place(product.after))
    if product.other == 1:
        return full

    def with_its_source(x: Tensor) -> Tensor:
        return full(x, x)

    return with_its_source


def _behind(run: Callable[[Tensor, Tensor], Tensor], after: Multiply) -> Callable[[Tensor, Tensor], Tensor]:
    return lambda x, other: after(run(x, other))


def _then(first: Multiply, second: Multiply) -> Multiply:
    return lambda x: second(first(x))


def _permuted(order: tuple[int, ...]) -> Multiply:
    return lambda x: x.permute(order)
