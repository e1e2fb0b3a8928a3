"""Writes modules into those that call them where that brings a factor or a norm beside the product it folds into.

A block norms its input and calls a mixer, whose first product could take the norm; the mixer's last product could take
the block's layer scale. Passes that fold see one module at a time. A module is opened only where a fold follows that
was not there before, so that all others keep their class in the emitted code. Names in the state dict stay."""

from collections.abc import Collection
from dataclasses import dataclass
from typing import ClassVar

from archdsl_compiler.graph import Call, Module, ModuleCall, OpCall, instances, leaves
from archdsl_compiler.passes.channels import source_of
from archdsl_compiler.passes.fold_batch_norm import FoldBatchNorm
from archdsl_compiler.passes.fold_scales import PRODUCTS, factors, folded
from archdsl_compiler.passes.inline_transparent import placed_labels, written_in
from archdsl_compiler.passes.rewriting import results_by_path, rewrite_each

FOLDED = ("batch_norm", "multiply", "divide")


@dataclass(frozen=True)
class OpenModules:
    """Has no options."""

    name: ClassVar[str] = "open-modules"

    def apply(self, root: Module) -> Module:
        return rewrite_each(root, _opened)


def _opened(module: Module) -> Module:
    scales = [call.label for call in _closed(module) if _only_scales(call.module)]
    opened = set(scales)
    tried: set[str] = set()
    trial = _with(module, opened)
    while (call := next((c for c in _closed(trial) if c.label not in tried and _touches(trial, c)), None)) is not None:
        tried.add(call.label)
        if (further := _brought_together(trial, call)) is not None:
            opened |= further
            trial = _with(trial, further)
    # What is left of a scale that was opened in vain is its parameter.
    left = {call.label for call in folded(FoldBatchNorm().folded(trial)[0])[0].calls if isinstance(call, OpCall)}
    opened -= {label for label in scales if any(other.startswith(f"{label}.") for other in left)}
    return module if not opened else _with(module, opened)


def _brought_together(module: Module, call: ModuleCall) -> set[str] | None:
    """The labels under which a module has to be opened for a fold, its own first and then perhaps some inside."""
    least = _folds(module) + _folds(call.module)
    opened, labels = module, {call.label}
    while True:
        opened = _with(opened, labels)
        inside = {
            each.label
            for each in _closed(opened)
            if each.label not in labels and each.label.startswith(f"{call.label}.") and _touches(opened, each)
        }
        if _folds(opened) > least:
            return labels
        if not inside:
            return None
        least += sum(_folds(each.module) for each in _closed(opened) if each.label in inside)
        labels |= inside


def _closed(module: Module) -> list[ModuleCall]:
    """The calls that may be written in."""
    placed = placed_labels(module)
    return [
        call
        for call in module.calls
        if isinstance(call, ModuleCall) and call.label not in placed and not call.wrappers and not _is_kept(call.module)
    ]


def _is_kept(module: Module) -> bool:
    if any(isinstance(call, ModuleCall) and call.label == "_" for call in module.calls):
        return True
    found = [inner.module for inner in instances(module)]
    return any(each.extern or each.kind == "stage" or results_by_path(each) for each in found)


def _with(module: Module, opened: Collection[str]) -> Module:
    """The module with these opened; those inside of others have labels of several parts."""
    while (after := written_in(module, lambda call: call.label in opened)) is not module:
        module = after
    return module


def _only_scales(module: Module) -> bool:
    """Whether the last thing that a module does is to multiply by a parameter, and it holds nothing to fold into."""
    small = all(isinstance(call, OpCall) and call.op.name not in PRODUCTS for call in module.calls)
    return small and any(factor.call.first_output == module.outputs for factor in factors(module) if factor.parameter)


def _touches(module: Module, call: ModuleCall) -> bool:
    """Whether a norm or a factor stands beside a module, with nothing between them but what moves numbers."""
    made = {
        value: each
        for each in module.calls
        for value in range(each.first_output, each.first_output + len(each.outputs))
    }
    results = set(range(call.first_output, call.first_output + len(call.outputs)))
    for each in module.calls:
        if (
            isinstance(each, OpCall)
            and each.op.name in FOLDED
            and any(_moved_from(value, made) in results for value in leaves(each.inputs))
        ):
            return True
    sources = (made.get(_moved_from(value, made)) for value in leaves(call.inputs))
    return any(isinstance(each, OpCall) and each.op.name in FOLDED for each in sources)


def _moved_from(value: int, made: dict[int, Call]) -> int:
    while value in made and (source := source_of(made[value])) is not None:
        value = source
    return value


def _folds(module: Module) -> int:
    """How many norms and factors would be folded."""
    after, norms = FoldBatchNorm().folded(module)
    return len(norms) + len(folded(after)[1])
