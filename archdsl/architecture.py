"""The resolved architecture as a tree: what sits at each place, with its settings and the shapes of its results."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import cast

from archdsl.meaning.values import Value, show
from archdsl.places import Shape, calls_by_label, macs_of, parameters_of, shape_of
from archdsl_compiler.graph import Call, Module, ModuleCall, join


@dataclass(frozen=True, slots=True)
class Node:
    """A component or op at its place. `settings` are as the language writes them, `calls` how often it runs; params are
    those of its parts, too."""

    label: str
    path: str
    name: str
    kind: str
    settings: tuple[tuple[str, object], ...]
    outputs: tuple[Shape, ...]
    params: int
    macs: int
    calls: int
    children: tuple["Node", ...]

    def as_object(self) -> dict[str, object]:
        """For JSON."""
        return {
            "label": self.label,
            "path": self.path,
            "name": self.name,
            "kind": self.kind,
            "settings": {name: written(value) for name, value in self.settings},
            "outputs": [list(shape) for shape in self.outputs],
            "params": self.params,
            "macs": self.macs,
            "calls": self.calls,
            "children": [child.as_object() for child in self.children],
        }


def architecture(module: Module, label: str = "") -> Node:
    """The tree of a graph."""
    return Node(
        label,
        "",
        module.name,
        module.kind,
        module.settings,
        tuple(map(shape_of, module.output_types)),
        module.params,
        module.macs,
        1,
        tuple(_children(module, "")),
    )


def written(value: object) -> str:
    """A setting as the language writes it."""
    return show(cast(Value, value))


def _children(module: Module, path: str) -> Iterator[Node]:
    for label, calls in calls_by_label(module).items():
        yield _node(label, join(path, label), calls)


def _node(label: str, path: str, calls: list[Call]) -> Node:
    first = calls[0]
    children: tuple[Node, ...] = ()
    if isinstance(first, ModuleCall):
        name, kind, settings = first.module.name, first.module.kind, first.module.settings
        children = tuple(_children(first.module, path))
    else:
        name, kind, settings = first.op.name, "op", tuple(first.settings.items())
    outputs = tuple(map(shape_of, first.outputs))
    macs = sum(map(macs_of, calls))
    return Node(label, path, name, kind, settings, outputs, parameters_of(first), macs, len(calls), children)
