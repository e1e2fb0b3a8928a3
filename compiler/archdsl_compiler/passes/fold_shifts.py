"""Folds what is added to channels into the bias of the products behind.

    linear(s * relu(x) ** 2 + b)                linear'(s * relu(x) ** 2), with W b in its bias

It is done where nothing but products reads the sum, and where they pad nothing: zeros around a map would not have been
shifted. What is left of such an activation is a factor, which `fold-scales` takes. Always exact; what is made is for
inference only."""

from collections.abc import Iterator, Mapping
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
    while found := _found(module):
        changes += [change for each in found for change in each.changes]
        products = {id(product) for each in found for product in each.products}
        calls = [_with_bias(call, module) if id(call) in products else call for call in module.calls]
        module = without(rebuilt(module, calls), [each.shift for each in found])
    return module, tuple(changes)


@dataclass(frozen=True, slots=True)
class _Fold:
    """A shift, the products that read it, and what becomes of their biases."""

    shift: Factor
    products: tuple[OpCall, ...]
    changes: tuple[Shifted, ...]


def _found(module: Module) -> list[_Fold]:
    """What can be folded as the module stands; of shifts with one parameter or one product the first."""
    own = {call.first_output: call for call in own_parameters(module)}
    if not any(call.op.name == "param" for call in own.values()):
        return []
    readers: dict[int, list[Call]] = {}
    for call in module.calls:
        for value in leaves(call.inputs):
            readers.setdefault(value, []).append(call)
    leaving = {*leaves(module.outputs), *results_by_path(module)}
    found: list[_Fold] = []
    taken: set[str] = set()
    for shift in _shifts(module, own):
        behind = [own.get(reader.first_output) for reader in readers.get(shift.call.first_output, ())]
        products = tuple(product for product in behind if product is not None)
        changes = [change for product in products if (change := _shifted(product, shift)) is not None]
        labels = {change.shift for change in changes} | {change.label for change in changes}
        if not changes or len(changes) < len(behind) or shift.call.first_output in leaving or labels & taken:
            continue
        taken |= labels
        assert shift.parameter is not None
        last = replace(changes[-1], kept=read_elsewhere(module, shift.parameter, shift.call))
        found.append(_Fold(shift, products, (*changes[:-1], last)))
    return found


def _shifts(module: Module, own: Mapping[int, OpCall]) -> Iterator[Factor]:
    """The sums of a value and a parameter, with the places of the parameter."""
    parameters = {value: call for value, call in own.items() if call.op.name == "param"}
    made = {call.first_output + k: call for call in module.calls for k in range(len(call.outputs))}
    types = value_types(module)
    for call in module.calls:
        if not isinstance(call, OpCall) or call.op.name != "add" or call.wrappers:
            continue
        left, right = call.inputs
        if not isinstance(left, int) or not isinstance(right, int):
            continue
        for value, other in ((left, right), (right, left)):
            found = learned(other, made, parameters, types)
            if found is not None and types[value] == call.outputs[0]:
                if learned(value, made, parameters, types) is None:
                    yield Factor(call, value, 1.0, *found)


def _with_bias(call: Call, module: Module) -> OpCall:
    assert isinstance(call, OpCall)
    x = value_types(module)[cast(int, call.inputs[0])]
    return op_call_like(call, call.op, {**call.settings, "bias": True}, [x])


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
