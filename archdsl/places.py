"""What sits at each place of a graph: the modules of the built model, as paths of the state dict name them."""

from math import prod

from archdsl_compiler.graph import Call, Module, ModuleCall, OpCall
from archdsl_compiler.sizes import at_batch_one
from archdsl_compiler.types import TensorType

Shape = tuple[int, ...]


def calls_by_label(module: Module) -> dict[str, list[Call]]:
    """The calls at each place inside a module; those of one label are one module at work several times. Parts under
    `_` are the caller's own."""
    found: dict[str, list[Call]] = {}
    for call in module.calls:
        if isinstance(call, ModuleCall) and call.label == "_":
            for label, inner in calls_by_label(call.module).items():
                found.setdefault(label, []).extend(inner)
        elif call.label and call.label != "_":
            found.setdefault(call.label, []).append(call)
    return found


def shape_of(type_: TensorType) -> Shape:
    """A shape for one picture."""
    return tuple(size for axis in type_.shape if isinstance(size := at_batch_one(axis), int))


def parameters_of(call: Call) -> int:
    """The parameters that a call brings."""
    if isinstance(call, ModuleCall):
        return call.module.params
    return sum(prod(_sizes(parameter.shape)) for parameter in call.parameters if parameter.trainable)


def macs_of(call: Call) -> int:
    """The multiply-accumulates of a call."""
    return call.macs if isinstance(call, OpCall) else call.module.macs


def _sizes(shape: tuple[object, ...]) -> list[int]:
    return [size for size in shape if isinstance(size, int)]
