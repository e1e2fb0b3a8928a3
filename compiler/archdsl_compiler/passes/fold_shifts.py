"""Folds what is added to channels into the bias of the products behind.

    linear(s * relu(x) ** 2 + b)                linear'(s * relu(x) ** 2), with W b in its bias

It is done where nothing but products reads the sum, and where they pad nothing: zeros around a map would not have been
shifted. What is left of such an activation is a factor, which `fold-scales` takes. Always exact; what is made is for
inference only."""

from dataclasses import dataclass, replace
from typing import ClassVar, cast

from archdsl_compiler.graph import Call, Module, OpCall, leaves
from archdsl_compiler.passes.fold_batch_norm import pads_nothing
from archdsl_compiler.passes.fold_scales import PRODUCTS, Factor, learned, read_elsewhere, without
from archdsl_compiler.passes.rewriting import (
    op_call_like,
    own_parameters,
    rebuilt,
    results_by_path,
    rewrite_with_weights,
    setting_of,
    value_types,
)
from archdsl_compiler.passes.weight_map import Change, Shifted, Strided, WeightMap


@dataclass(frozen=True)
class FoldShifts:
    """Has no options."""

    name: ClassVar[str] = "fold-shifts"

    def apply(self, root: Module) -> Module:
        return self.transform(root)[0]

    def transform(self, root: Module) -> tuple[Module, WeightMap]:
        return rewrite_with_weights(root, folded)


def folded(module: Module) -> tuple[Module, tuple[Change, ...]]:
    """One module, and what became of its parameters."""
    changes: list[Change] = []
    while (found := _first(module)) is not None:
        module, more = found
        changes += more
    return module, tuple(changes)


def _first(module: Module) -> tuple[Module, list[Change]] | None:
    own = {call.first_output: call for call in own_parameters(module)}
    parameters = {value: call for value, call in own.items() if call.op.name == "param"}
    if not parameters:
        return None
    made = {
        value: call
        for call in module.calls
        for value in range(call.first_output, call.first_output + len(call.outputs))
    }
    types = value_types(module)
    readers: dict[int, list[Call]] = {}
    for call in module.calls:
        for value in leaves(call.inputs):
            readers.setdefault(value, []).append(call)
    leaving = {*leaves(module.outputs), *results_by_path(module)}
    for call in module.calls:
        if not isinstance(call, OpCall) or call.op.name != "add" or call.wrappers or call.first_output in leaving:
            continue
        left, right = call.inputs
        if not isinstance(left, int) or not isinstance(right, int):
            continue
        for value, other in ((left, right), (right, left)):
            found = learned(other, made, parameters, module)
            if found is None or types[value] != call.outputs[0] or learned(value, made, parameters, module) is not None:
                continue
            shift = Factor(call, value, 1.0, *found)
            behind = [own.get(reader.first_output) for reader in readers.get(call.first_output, ())]
            changes = [change for product in behind if product and (change := _shifted(product, shift)) is not None]
            if changes and len(changes) == len(behind):
                return _with(module, shift, [product for product in behind if product], changes)
    return None


def _with(module: Module, shift: Factor, products: list[OpCall], changes: list[Shifted]) -> tuple[Module, list[Change]]:
    """The module with these products in the place of the shift before them."""
    types = value_types(module)
    calls: list[Call] = []
    for call in module.calls:
        if any(call is product for product in products):
            assert isinstance(call, OpCall)
            call = op_call_like(call, call.op, {**call.settings, "bias": True}, [types[shift.value]])
        calls.append(call)
    assert shift.parameter is not None
    kept = read_elsewhere(module, shift.parameter, shift.call)
    last = replace(changes[-1], kept=kept)
    return without(rebuilt(module, calls), shift), [*changes[:-1], last]


def _shifted(product: OpCall, shift: Factor) -> Shifted | None:
    """What becomes of the bias of a product that reads the sum."""
    if product.op.name not in PRODUCTS or product.wrappers or not pads_nothing(product):
        return None
    if any(not isinstance(size, int) for parameter in product.parameters for size in parameter.shape):
        return None
    shape = shift.call.outputs[0].shape
    spread = shift.spread
    assert spread is not None
    assert shift.parameter is not None
    axes = ((),) * (len(shape) - len(spread.axes)) + spread.axes
    place = len(shape) - 1 if product.op.name == "linear" else 1
    columns = shape[place]
    if any(steps for axis, steps in enumerate(axes) if axis != place) or not isinstance(columns, int):
        return None
    entries = Strided(spread.offset, axes[place]) if axes[place] else Strided(spread.offset, ((columns, 0),))
    return Shifted(
        product.op.name,
        product.label,
        cast(int, setting_of(product, "groups")) if product.op.name == "conv" else 1,
        any(parameter.name == "bias" for parameter in product.parameters),
        shift.parameter.label,
        entries,
        True,
    )
