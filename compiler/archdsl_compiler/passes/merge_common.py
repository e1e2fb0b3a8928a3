"""Computes once what is computed several times in a module: equal ops on equal inputs.

Ops with parameters stay apart, also where two calls share them (a batch norm counts its calls), and so do random ones.
Whole modules are left alone: equal ones at two labels have parameters of their own."""

from collections.abc import Collection
from dataclasses import dataclass
from typing import ClassVar

from archdsl_compiler.graph import Call, Module, OpCall
from archdsl_compiler.passes.rewriting import has_state, is_random, mapped, rebuilt, rewrite_each


@dataclass(frozen=True)
class MergeCommon:
    """Has no options."""

    name: ClassVar[str] = "merge-common"

    def apply(self, root: Module) -> Module:
        return rewrite_each(root, merged)


def merged(module: Module, among: Collection[int] | None = None) -> Module:
    """The module with the first of several equal calls in the place of the others; looks only at the values `among`."""
    first: dict[tuple[object, ...], OpCall] = {}
    calls: list[Call] = []
    replaced: dict[int, int] = {}
    for call in module.calls:
        if isinstance(call, OpCall) and may_be_merged(call) and (among is None or call.first_output in among):
            inputs = tuple(mapped(given, lambda value: replaced.get(value, value)) for given in call.inputs)
            # As text, 1 is neither 1.0 nor true.
            key = (call.op.name, repr(inputs), repr(sorted(call.settings.items())), call.wrappers, call.outputs)
            found = first.setdefault(key, call)
            if found is not call:
                for number in range(len(call.outputs)):
                    replaced[call.first_output + number] = found.first_output + number
                continue
        calls.append(call)
    return rebuilt(module, calls, replaced)


def may_be_merged(call: OpCall) -> bool:
    return not has_state(call) and not is_random(call) and not call.label
