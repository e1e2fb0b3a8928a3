"""The graph of a program: immutable modules that hold op and module calls, in the order in which they run.

A `Module` is one component with concrete settings, input types and inner decisions; equal ones are one object, and it
knows nothing of who calls it. `Module.digraph()` is the networkx view for passes and pictures. Who called whom, under
which label, is the instance tree, walked on demand by `instances`."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal, TypeAlias

from archdsl_compiler.ops.contract import Op, Parameter
from archdsl_compiler.types import TensorType

if TYPE_CHECKING:
    import networkx

Wrapper: TypeAlias = Literal["float32", "float16", "bfloat16", "in_training"]


@dataclass(frozen=True, slots=True)
class Scalar:
    """A number where a tensor may stand: `2 * x`."""

    value: int | float


Structure: TypeAlias = "int | Scalar | tuple[Structure, ...]"
"""How inputs and results are made of a module's values: one, or (nested) lists of them; -1 is a tensor that was left
out."""


@dataclass(frozen=True, slots=True)
class Place:
    """Characters of a source, as far as the compiler cares: a file name and offsets."""

    file: str
    start: int
    end: int


@dataclass(frozen=True, slots=True)
class OpCall:
    """One op at work. `settings` are those given, `resolved` what the rule added; `hints` the text that an argument was
    written as. Values are numbered through the module: its inputs first, then what each call gives."""

    op: Op
    label: str
    inputs: tuple[Structure, ...]
    settings: Mapping[str, object]
    resolved: Mapping[str, object]
    hints: Mapping[str, str]
    parameters: tuple[Parameter, ...]
    first_output: int
    outputs: tuple[TensorType, ...]
    macs: int
    wrappers: tuple[Wrapper, ...]
    place: Place


@dataclass(frozen=True, slots=True)
class ModuleCall:
    """A module at work under a label; `_` gives its parts to the caller. `again` is true of a placed module's later
    calls, which bring no parameters of their own."""

    module: "Module"
    label: str
    inputs: tuple[Structure, ...]
    hints: Mapping[str, str]
    first_output: int
    outputs: tuple[TensorType, ...]
    again: bool
    wrappers: tuple[Wrapper, ...]
    place: Place


Call: TypeAlias = OpCall | ModuleCall


@dataclass(frozen=True, slots=True, eq=False)
class Module:
    """One component, elaborated. `bindings` are the names that its text bound to numbers, settings and axes; `names`
    those that it bound to values. `stages` are the results of stages that a pass wrote into it. `extern` refers to what
    makes a module that is Python's, `package.module:Name`: it has no calls, and its results are numbered after its
    inputs."""

    name: str
    kind: str
    settings: tuple[tuple[str, object], ...]
    inputs: tuple[tuple[str, Structure], ...]
    input_types: tuple[TensorType, ...]
    calls: tuple[Call, ...]
    outputs: Structure
    output_types: tuple[TensorType, ...]
    bindings: Mapping[str, object]
    decisions: tuple[tuple[str, object], ...]
    exposed: Mapping[str, int]
    place: Place
    doc: str
    params: int
    macs: int
    instances: int
    nodes: int
    names: tuple[tuple[int, str], ...] = ()
    stages: tuple[int, ...] = ()
    extern: str = ""
    _digraph: list["networkx.DiGraph[int]"] = field(default_factory=list["networkx.DiGraph[int]"], repr=False)

    def labels(self) -> Iterator[str]:
        """The places taken in this module."""
        for call in self.calls:
            if isinstance(call, ModuleCall) and call.label == "_":
                yield from call.module.labels()
            elif call.label and not (isinstance(call, ModuleCall) and call.again):
                yield call.label

    def digraph(self) -> "networkx.DiGraph[int]":
        """A node for each call (`call`) by its position, and one for each input below zero; an edge for each value that
        flows."""
        if not self._digraph:
            import networkx

            graph: networkx.DiGraph[int] = networkx.DiGraph()
            made: dict[int, int] = {}
            for value in range(len(self.input_types)):
                made[value] = -1 - value
                graph.add_node(-1 - value, call=None, type=self.input_types[value])
            for position, call in enumerate(self.calls):
                graph.add_node(position, call=call)
                for value in leaves(call.inputs):
                    graph.add_edge(made[value], position, value=value)
                made.update((call.first_output + k, position) for k in range(len(call.outputs)))
            self._digraph.append(graph)
        return self._digraph[0]


def stage_values(module: Module) -> list[int]:
    """The feature maps of a module: the first result of each stage that it calls or that was written into it."""
    called = (call for call in module.calls if isinstance(call, ModuleCall) and call.module.kind == "stage")
    return sorted({*module.stages, *(call.first_output for call in called)})


@dataclass(frozen=True, slots=True)
class Instance:
    """One module at one place: `path` is its prefix in the state dict, "" for the root."""

    path: str
    module: Module
    depth: int


def leaves(structure: Structure) -> Iterator[int]:
    """The values in a structure, in order."""
    if isinstance(structure, int):
        if structure >= 0:
            yield structure
    elif isinstance(structure, tuple):
        for inner in structure:
            yield from leaves(inner)


def join(path: str, label: str) -> str:
    """The place `label` below `path`; `_` is the path itself."""
    if label in ("", "_"):
        return path
    return f"{path}.{label}" if path else label


def instances(module: Module, path: str = "", depth: int = 0) -> Iterator[Instance]:
    """A module and all below it, each at its place; a placed module once."""
    yield Instance(path, module, depth)
    for call in module.calls:
        if isinstance(call, ModuleCall) and not call.again:
            yield from instances(call.module, join(path, call.label), depth + 1)


def state_entries(module: Module, path: str = "") -> Iterator[tuple[str, Parameter]]:
    """Names of the state dict with what each holds, in the order of the program."""
    for call in module.calls:
        if isinstance(call, ModuleCall):
            if not call.again:
                yield from state_entries(call.module, join(path, call.label))
        else:
            for parameter in call.parameters:
                yield join(join(path, call.label), parameter.name), parameter
