"""A linear or a convolution with the activation behind it, and the sum that its result goes into."""

from collections.abc import Sequence
from dataclasses import dataclass

from archdsl_compiler.graph import Module, OpCall, leaves
from archdsl_compiler.kernels.flat import Reading
from archdsl_compiler.passes.rewriting import setting_of

KIND = "product"
ACTIVATIONS = ("relu", "relu6", "gelu", "silu", "hard_swish", "hard_sigmoid", "sigmoid", "tanh", "leaky_relu")


@dataclass(frozen=True, slots=True)
class Product:
    """`call` is the linear or convolution, `activation` the op behind it. Of a sum, `other` is the input that is added
    and `source` the one that the product reads; `shares_source` says that they are one."""

    call: OpCall
    activation: OpCall | None
    source: int
    other: int | None


def find(reading: Reading, anchor: int) -> Sequence[int]:
    call = reading.op(anchor, "linear", "conv")
    if call is None:
        return ()
    found, value = [anchor], call.first_output
    following = reading.only_reader(value, *ACTIVATIONS)
    if following is not None and not following[1].parameters:
        found.append(following[0])
        value = following[1].first_output
    added = reading.only_reader(value, "add")
    if added is not None:
        other = [each for each in leaves(added[1].inputs) if each != value]
        alike = len(other) == 1 and reading.types[other[0]] == reading.types[value]
        if alike:
            found.append(added[0])
    return found


def facts(piece: Module) -> Product:
    call, *rest = (each for each in piece.calls if isinstance(each, OpCall))
    activation = next((each for each in rest if each.op.name in ACTIVATIONS), None)
    added = next((each for each in rest if each.op.name == "add"), None)
    (source,) = leaves(call.inputs)
    other = None
    if added is not None:
        before = (activation or call).first_output
        other = next(value for value in leaves(added.inputs) if value != before)
    return Product(call, activation, source, other)


def is_linear(product: Product) -> bool:
    return product.call.op.name == "linear"


def is_depthwise(product: Product) -> bool:
    """Whether each channel of a convolution is its own."""
    if is_linear(product):
        return False
    weight = product.call.parameters[0].shape
    return weight[1] == 1 and setting_of(product.call, "groups") == weight[0]
