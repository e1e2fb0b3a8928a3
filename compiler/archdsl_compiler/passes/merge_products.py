"""Makes one product of two with nothing between them, where that multiplies less.

Two linears are one, whose weight is the product of theirs; so are a convolution and one of a single place before or
behind it. Where the first has fewer channels than what it stands between, the two are cheaper apart and stay. Zeros
around a map hide the bias of a product before them, so one before a padded convolution must have none. Always exact;
what is made is for inference only, as two would be trained otherwise."""

from dataclasses import dataclass, replace
from math import prod
from typing import ClassVar, cast

from archdsl_compiler.graph import Module, OpCall
from archdsl_compiler.passes.fold_batch_norm import pads_nothing
from archdsl_compiler.passes.rewriting import (
    op_call_like,
    own_parameters,
    rebuilt,
    rewrite_with_weights,
    setting_of,
    uses,
    value_types,
)
from archdsl_compiler.passes.weight_map import Change, MergedProducts, WeightMap


@dataclass(frozen=True)
class MergeProducts:
    """Has no options."""

    name: ClassVar[str] = "merge-products"

    def apply(self, root: Module) -> Module:
        return self.transform(root)[0]

    def transform(self, root: Module) -> tuple[Module, WeightMap]:
        return rewrite_with_weights(root, merged)


def merged(module: Module) -> tuple[Module, tuple[Change, ...]]:
    """One module, and what became of its parameters."""
    changes: list[Change] = []
    while (found := _first(module)) is not None:
        module, change = found
        changes.append(change)
    return module, tuple(changes)


def _first(module: Module) -> tuple[Module, Change] | None:
    products = {call.first_output: call for call in own_parameters(module) if _is_product(call)}
    if len(products) < 2:
        return None
    counts, types = uses(module), value_types(module)
    for second in products.values():
        first = products.get(cast(int, second.inputs[0]))
        if first is None or first.op is not second.op or counts[first.first_output] != 1:
            continue
        bias = _has_bias(first) or _has_bias(second)
        if _is_point(second) and pads_nothing(second):
            settings = {**first.settings, "out": setting_of(second, "out"), "bias": bias}
        elif _is_point(first) and pads_nothing(first) and (pads_nothing(second) or not _has_bias(first)):
            settings = {**second.settings, "bias": bias}
        else:
            continue
        one = op_call_like(second, second.op, settings, [types[cast(int, first.inputs[0])]])
        if one.outputs != second.outputs or one.macs >= first.macs + second.macs:
            continue
        one = replace(one, inputs=first.inputs, hints={})
        change = MergedProducts(first.label, second.label, _has_bias(first), _has_bias(second))
        calls = [one if call is second else call for call in module.calls if call is not first]
        return rebuilt(module, calls), change
    return None


def _is_product(call: OpCall) -> bool:
    """A linear, or a convolution in which every channel sees every other."""
    if call.wrappers or call.op.name not in ("linear", "conv"):
        return False
    return call.op.name == "linear" or setting_of(call, "groups") == 1


def _is_point(call: OpCall) -> bool:
    """Whether the product is one of channels alone, at every place."""
    if call.op.name == "linear":
        return True
    numbers = (*cast("tuple[int, ...]", call.resolved["kernel"]), *cast("tuple[int, ...]", call.resolved["stride"]))
    return prod(numbers) == 1


def _has_bias(call: OpCall) -> bool:
    return any(parameter.name == "bias" for parameter in call.parameters)
