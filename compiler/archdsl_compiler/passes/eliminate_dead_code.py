"""Takes out calls whose results nobody uses.

What a state dict holds is a promise to checkpoints, so a call that brings parameters stays although nobody reads its
result, with all that it reads itself: a graph has no place for a parameter without a call. `running_calls` says which
calls have to run at all, so that the emitted code makes the rest and leaves it standing. With `drop_state` such calls
go too, and the names with them.

A call of a module stays also if something is exposed below it, or if a stage is below it: their values are read from
outside, by path."""

from dataclasses import dataclass
from typing import ClassVar

from archdsl_compiler.graph import Call, Module, ModuleCall, OpCall, instances, leaves, state_entries
from archdsl_compiler.passes.rewriting import rebuilt, results_by_path, rewrite_each


@dataclass(frozen=True)
class EliminateDeadCode:
    """With `drop_state`, parameters that nobody uses leave the state dict."""

    drop_state: bool = False
    name: ClassVar[str] = "eliminate-dead-code"

    def apply(self, root: Module) -> Module:
        return rewrite_each(root, self._living)

    def _living(self, module: Module) -> Module:
        stays = _needed(module, keep_state=not self.drop_state)
        return rebuilt(module, [call for position, call in enumerate(module.calls) if position in stays])


def running_calls(module: Module) -> frozenset[int]:
    """The positions of the calls that must run for the module's results and for what is exposed. The others are only
    there for their parameters."""
    return _needed(module, keep_state=False)


def _needed(module: Module, *, keep_state: bool) -> frozenset[int]:
    read = {*leaves(module.outputs), *results_by_path(module)}
    needed: set[int] = set()
    shared: set[str] = set()
    for position in reversed(range(len(module.calls))):
        call = module.calls[position]
        results = range(call.first_output, call.first_output + len(call.outputs))
        if (
            any(value in read for value in results)
            or (isinstance(call, ModuleCall) and _is_read_by_path(call.module))
            or (_brings_state(call) and (keep_state or call.label in shared))
        ):
            needed.add(position)
            read.update(leaves(call.inputs))
            if not _brings_state(call):
                # Perhaps a later call of something placed, whose first call brings the parameters.
                shared.add(call.label)
    return frozenset(needed)


def _brings_state(call: Call) -> bool:
    if isinstance(call, OpCall):
        return bool(call.parameters)
    return not call.again and _holds_state(call.module)


def _holds_state(module: Module) -> bool:
    """Whether its place is a promise; what Python's own modules hold is not known."""
    return module.params > 0 or any(inner.module.extern for inner in instances(module)) or any(state_entries(module))


def _is_read_by_path(module: Module) -> bool:
    return any(results_by_path(inner.module) or inner.module.kind == "stage" for inner in instances(module))
