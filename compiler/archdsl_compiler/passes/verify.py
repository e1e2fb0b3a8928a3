"""Whether a graph holds together: run between passes, so that a mistake is found where it was made.

Every value is defined before it is used and numbered in order; every op says of its inputs' types what the call
records; modules get what they take; labels are unique; totals are the sums of their parts."""

from collections.abc import Iterator

from archdsl_compiler.graph import Module, ModuleCall, OpCall, join, leaves
from archdsl_compiler.ops.contract import Inferred, OpFault, Undetermined
from archdsl_compiler.passes.printing import graph_text
from archdsl_compiler.passes.rewriting import argument_types, result_types, results_by_path, totals
from archdsl_compiler.types import TensorType


class BrokenGraph(Exception):
    """A pass made a graph that does not hold together: our mistake, whatever the program was."""


class Verifier:
    """Verifies graph after graph; modules that were verified, and what rules said, are remembered."""

    def __init__(self) -> None:
        # Everything that stands in a key by its identity is kept, so that no other object can take it over.
        self._verified: dict[int, Module] = {}
        self._inferred: dict[tuple[int, int, tuple[object, ...]], tuple[object, Inferred]] = {}

    def verify(self, root: Module, ran: str = "") -> None:
        """Raise BrokenGraph, with the module as text, if something is wrong; `ran` is the pass that made the graph."""
        if id(root) in self._verified:
            return
        for call in root.calls:
            if isinstance(call, ModuleCall):
                self.verify(call.module, ran)
        faults = list(self._faults(root))
        if faults:
            made = f"the pass `{ran}` made a broken graph" if ran else "the graph is broken"
            raise BrokenGraph("\n".join([f"{made}: in `{root.name}`", *faults, graph_text(root)]))
        self._verified[id(root)] = root

    def _faults(self, module: Module) -> Iterator[str]:
        types = list(module.input_types)
        listed = list(leaves(tuple(structure for _, structure in module.inputs)))
        if listed != list(range(len(types))):
            yield f"the inputs are the values {listed}, and {len(types)} have types"
        if module.extern:
            return
        for call in module.calls:
            if call.first_output != len(types):
                yield f"%{call.first_output} should be numbered %{len(types)}"
                return
            late = [value for value in leaves(call.inputs) if value >= len(types)]
            if late:
                yield f"%{call.first_output} uses %{late[0]} before that is defined"
                return
            yield from self._op_faults(call, types) if isinstance(call, OpCall) else _module_faults(call, types)
            types += call.outputs
        for value in (*leaves(module.outputs), *results_by_path(module), *(value for value, _ in module.names)):
            if value >= len(types):
                yield f"%{value} is a result, and nothing defines it"
                return
        results = tuple(types[value] for value in leaves(module.outputs))
        if results != module.output_types:
            yield f"the results are {_listed(results)}, recorded are {_listed(module.output_types)}"
        yield from _label_faults(module)
        for name, count in totals(module.calls).items():
            if count != getattr(module, name):
                yield f"`{name}` is {getattr(module, name)}, the calls make {count}"

    def _op_faults(self, call: OpCall, types: list[TensorType]) -> Iterator[str]:
        given = argument_types(call.inputs, types.__getitem__)
        key = (id(call.op), id(call.settings), given)
        found = self._inferred.get(key)
        if found is None:
            try:
                found = ((call.op, call.settings), call.op.rule(*given, **call.settings))
            except (OpFault, Undetermined) as fault:
                yield f"%{call.first_output}: `{call.op.name}` refuses its arguments: {fault}"
                return
            self._inferred[key] = found
        inferred = found[1]
        if result_types(inferred) != call.outputs:
            yield f"%{call.first_output} is {_listed(call.outputs)}, the op gives {_listed(result_types(inferred))}"
        if call.parameters not in ((), inferred.parameters):
            yield f"%{call.first_output} has other parameters than `{call.op.name}` makes for it"
        if call.resolved != inferred.resolved:
            yield f"%{call.first_output} has other resolved settings than `{call.op.name}` finds"


def _module_faults(call: ModuleCall, types: list[TensorType]) -> Iterator[str]:
    given = tuple(types[value] for value in leaves(call.inputs))
    if given != call.module.input_types:
        takes = _listed(call.module.input_types)
        yield f"%{call.first_output}: `{call.module.name}` takes {takes} and is given {_listed(given)}"
    if call.outputs != call.module.output_types:
        gives = _listed(call.module.output_types)
        yield f"%{call.first_output} is {_listed(call.outputs)}, `{call.module.name}` gives {gives}"


def _label_faults(module: Module) -> Iterator[str]:
    taken: set[str] = set()
    for place in _places(module):
        if place in taken:
            yield f"two things are labelled `{place}`"
        taken.add(place)


def _places(module: Module) -> Iterator[str]:
    """What a module's own calls take in the state dict; modules by their label, ops by their parameters."""
    for call in module.calls:
        if isinstance(call, OpCall):
            yield from (join(call.label, parameter.name) for parameter in call.parameters)
        elif not call.again:
            yield from _places(call.module) if call.label == "_" else (call.label,)


def _listed(types: tuple[TensorType, ...]) -> str:
    return ", ".join(map(str, types)) or "nothing"


def verify(root: Module, ran: str = "") -> None:
    """Verify one graph; `Verifier` does it for several that have modules in common."""
    Verifier().verify(root, ran)
