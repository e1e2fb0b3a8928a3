"""A model as one module of op calls, in the order in which they run, and what region kinds ask about it.

Labels are full paths, so that names in the state dict stay. Modules of Python, and those whose call depends on
training, stay calls."""

from dataclasses import dataclass, field
from functools import cached_property

from archdsl_compiler.graph import Module, ModuleCall, OpCall, leaves
from archdsl_compiler.ops.contract import Parameter
from archdsl_compiler.passes.deploy import Deployed, flat_passes
from archdsl_compiler.passes.inline_transparent import written_in
from archdsl_compiler.passes.rewriting import is_random, value_types
from archdsl_compiler.types import TensorType


def flattened(root: Module) -> Module:
    """The graph with every module written into it."""
    flat = root
    while (after := written_in(flat, _goes)) is not flat:
        flat = after
    return flat


def as_program(deployed: Deployed) -> Deployed:
    """The deployed graph as one module, rewritten across the modules that it had. The changes lead there from the model
    that was deployed."""
    flat = flat_passes(flattened(deployed.root))
    return Deployed(flat.root, (*deployed.changes, *flat.changes))


def _goes(call: ModuleCall) -> bool:
    return not call.module.extern and "in_training" not in call.wrappers


@dataclass(frozen=True)
class Reading:
    """A flat graph with what its values are: who makes and who reads them. Calls that are `taken`, by another region,
    are not found by `op` and those that ask it."""

    flat: Module
    taken: set[int] = field(default_factory=set[int])

    @cached_property
    def types(self) -> list[TensorType]:
        return value_types(self.flat)

    @cached_property
    def makers(self) -> dict[int, int]:
        """The position of the call that makes a value; inputs have none."""
        return {
            value: position
            for position, call in enumerate(self.flat.calls)
            for value in range(call.first_output, call.first_output + len(call.outputs))
        }

    @cached_property
    def readers(self) -> dict[int, list[int]]:
        """The positions of the calls that read a value, each as often as it does."""
        found: dict[int, list[int]] = {}
        for position, call in enumerate(self.flat.calls):
            for value in leaves(call.inputs):
                found.setdefault(value, []).append(position)
        return found

    @cached_property
    def results(self) -> frozenset[int]:
        return frozenset(leaves(self.flat.outputs))

    @cached_property
    def constants(self) -> frozenset[int]:
        """Values that follow from parameters alone, the same in every pass."""
        found: set[int] = set()
        for call in self.flat.calls:
            if (
                isinstance(call, OpCall)
                and not is_random(call)
                and all(value in found for value in leaves(call.inputs))
            ):
                if call.op.name != "batch_norm" and not _reads_batch(call):
                    found.update(range(call.first_output, call.first_output + len(call.outputs)))
        return frozenset(found)

    @cached_property
    def first_parameters(self) -> dict[str, tuple[Parameter, ...]]:
        """The parameters at a label, which later calls of a placed module share."""
        calls = (call for call in self.flat.calls if isinstance(call, OpCall) and call.parameters)
        return {call.label: call.parameters for call in reversed(list(calls))}

    def op(self, position: int | None, *names: str) -> OpCall | None:
        """The call at a position if it is one of these ops and no wrapper changes the dtype that it runs in."""
        if position is None or position >= len(self.flat.calls) or position in self.taken:
            return None
        call = self.flat.calls[position]
        return call if isinstance(call, OpCall) and call.op.name in names and not call.wrappers else None

    def maker(self, value: int, *names: str) -> tuple[int, OpCall] | None:
        """The call of one of these ops that makes a value, with its position."""
        position = self.makers.get(value)
        call = self.op(position, *names)
        return None if call is None or position is None else (position, call)

    def only_reader(self, value: int, *names: str) -> tuple[int, OpCall] | None:
        """The call of one of these ops that alone reads a value, which is no result, with its position."""
        readers = self.readers.get(value, [])
        if len(readers) != 1 or value in self.results:
            return None
        call = self.op(readers[0], *names)
        return None if call is None else (readers[0], call)


def _reads_batch(call: OpCall) -> bool:
    """Whether what the call makes has a size of the batch."""
    return any(not isinstance(size, int) for type_ in call.outputs for size in type_.shape)
