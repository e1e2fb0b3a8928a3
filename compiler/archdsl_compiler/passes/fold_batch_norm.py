"""Folds a batch norm, as it is after training, into the product before it or behind it.

Then the norm is `x * scale + shift` for each channel. Behind a convolution, a transposed one or a linear of which
nothing else reads the result, that is a product with other weights, always exactly. Before a linear, or a convolution
that pads nothing, it is one too; where zeros are padded it is not, for the norm would have changed them. What is made
is for inference only: training would miss the statistics of the batch."""

from dataclasses import dataclass
from typing import ClassVar, cast

from archdsl_compiler.graph import Module, OpCall, leaves
from archdsl_compiler.ops.contract import Parameter
from archdsl_compiler.passes.rewriting import (
    op_call_like,
    own_parameters,
    rebuilt,
    rewrite_with_weights,
    setting_of,
    uses,
    value_types,
)
from archdsl_compiler.passes.weight_map import Change, FoldedNorm, WeightMap
from archdsl_compiler.types import TensorType

PRODUCTS = ("conv", "conv_transpose", "linear")


@dataclass(frozen=True)
class FoldBatchNorm:
    """Without `before`, norms are folded only into the product that they follow."""

    before: bool = True
    name: ClassVar[str] = "fold-batch-norm"

    def apply(self, root: Module) -> Module:
        return self.transform(root)[0]

    def transform(self, root: Module) -> tuple[Module, WeightMap]:
        return rewrite_with_weights(root, self.folded)

    def folded(self, module: Module) -> tuple[Module, tuple[Change, ...]]:
        """One module, and what became of its parameters."""
        changes: list[Change] = []
        # A norm between two products goes into the first, which is exact whatever the second one pads.
        for side in ("behind", "before") if self.before else ("behind",):
            while (pair := _pair(module, side)) is not None:
                module, change = _fold(module, *pair, side)
                changes.append(change)
        return module, tuple(changes)


def _pair(module: Module, side: str) -> tuple[OpCall, OpCall] | None:
    """A product and a norm that can be folded into it; the norm is `behind` or `before` it."""
    own = own_parameters(module)
    if not any(call.op.name == "batch_norm" for call in own):
        return None
    counts, types = uses(module), value_types(module)
    made = {call.first_output: call for call in own if not call.wrappers}
    for second in own:
        first = made.get(second.inputs[0]) if second.inputs and isinstance(second.inputs[0], int) else None
        if first is None or second.wrappers or counts[first.first_output] != 1:
            continue
        product, norm = (first, second) if side == "behind" else (second, first)
        if product.op.name not in PRODUCTS or norm.op.name != "batch_norm":
            continue
        x = types[next(leaves(second.inputs))]
        if _channels(product, x) == norm.resolved["axis"] and (side == "behind" or pads_nothing(product)):
            return product, norm
    return None


def _channels(product: OpCall, x: TensorType) -> int:
    return len(x.shape) - 1 if product.op.name == "linear" else 1


def pads_nothing(product: OpCall) -> bool:
    """Whether every place of the result sees the whole kernel."""
    if product.op.name == "conv":
        return all(number == 0 for number in cast("tuple[object, ...]", product.resolved["padding"]))
    return product.op.name == "linear"


def _fold(module: Module, product: OpCall, norm: OpCall, side: str) -> tuple[Module, Change]:
    types = value_types(module)
    source = product.inputs[0] if side == "behind" else norm.inputs[0]
    assert isinstance(source, int)
    changed = op_call_like(product, product.op, {**product.settings, "bias": True}, [types[source]])
    change = FoldedNorm(
        "behind" if side == "behind" else "before",
        product.op.name,
        product.label,
        norm.label,
        float(cast(float, setting_of(norm, "eps"))),
        cast(int, setting_of(product, "groups")) if product.op.name != "linear" else 1,
        _has(product.parameters, "bias"),
        _has(norm.parameters, "weight"),
    )
    calls = [changed if call is product else call for call in module.calls if call is not norm]
    passed = product.first_output if side == "behind" else source
    return rebuilt(module, calls, {norm.first_output: passed}), change


def _has(parameters: tuple[Parameter, ...], name: str) -> bool:
    return any(parameter.name == name for parameter in parameters)
