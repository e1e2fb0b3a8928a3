"""Index tables, masks and whatever else depends on no input and no parameter: known when the model is built.

`constant_values` says which values of a module are constant; the emitted code computes those once and keeps what the
rest reads as buffers outside the state dict. The pass moves them to the front of their module, so that they stand
together there, in order, equal ones once."""

from dataclasses import dataclass
from typing import ClassVar

from archdsl_compiler.graph import Module, OpCall, leaves
from archdsl_compiler.passes.merge_common import merged
from archdsl_compiler.passes.rewriting import has_state, is_random, is_static, rebuilt, results_by_path, rewrite_each


@dataclass(frozen=True)
class FoldConstants:
    """Has no options."""

    name: ClassVar[str] = "fold-constants"

    def apply(self, root: Module) -> Module:
        return rewrite_each(root, constants_first)


def constants_first(module: Module) -> Module:
    """The module with its constants ahead of all else."""
    if not (constant := constant_values(module)):
        return module
    module = merged(module, constant)
    constant = constant_values(module)
    front = [call for call in module.calls if call.first_output in constant]
    return rebuilt(module, [*front, *(call for call in module.calls if call.first_output not in constant)])


def constant_values(module: Module) -> frozenset[int]:
    """The values of a module that are the same whatever its input, its parameters and the batch are. A buffer that is
    saved is none of them: its value can be loaded."""
    constant: set[int] = set()
    for call in module.calls:
        if (
            isinstance(call, OpCall)
            and not has_state(call)
            and not is_random(call)
            and "in_training" not in call.wrappers
            and is_static(call)
            and all(value in constant for value in leaves(call.inputs))
        ):
            constant.update(range(call.first_output, call.first_output + len(call.outputs)))
    return frozenset(constant)


def kept_constants(module: Module) -> tuple[int, ...]:
    """The constant values that something else reads, or that leave the module: the ones to keep, in order."""
    constant = constant_values(module)
    read = {
        value
        for call in module.calls
        if call.first_output not in constant
        for value in leaves(call.inputs)
        if value in constant
    }
    read.update(value for value in (*leaves(module.outputs), *results_by_path(module)) if value in constant)
    return tuple(sorted(read))
