"""Activation memory: the bytes of what the ops of a graph compute, for one picture, reals as float32.

What is kept for the way back when a model trains is mostly this; what is in memory at one time when it only answers is
less. Not counted are constants, which depend on no input and no parameter and are computed once, and ops that give
their input in another arrangement or unchanged."""

from collections.abc import MutableMapping
from math import prod

from archdsl_compiler.graph import Module, ModuleCall, OpCall, leaves
from archdsl_compiler.sizes import at_batch_one
from archdsl_compiler.types import TensorType

BYTES = {"real": 4, "float32": 4, "float16": 2, "bfloat16": 2, "int64": 8, "bool": 1, "complex": 8}
UNCOUNTED = frozenset(
    {"rearrange", "reshape", "expand", "split", "transpose", "dropout", "drop_path", "param", "buffer"}
)
"""Ops whose result is their input in another arrangement, or is no result of computing."""


def activation_bytes(module: Module, known: MutableMapping[Module, int]) -> int:
    """Of a module with everything in it. `known` remembers the modules that were counted."""
    found = known.get(module)
    if found is not None:
        return found
    computed = set(range(len(module.input_types)))
    total = 0
    for call in module.calls:
        if isinstance(call, ModuleCall):
            total += activation_bytes(call.module, known)
        elif call.parameters or not computed.isdisjoint(leaves(call.inputs)):
            total += op_bytes(call)
        elif call.op.name != "param":  # a parameter that is used again brings none
            continue
        computed.update(range(call.first_output, call.first_output + len(call.outputs)))
    known[module] = total
    return total


def op_bytes(call: OpCall) -> int:
    """Of one op that depends on an input or a parameter."""
    return 0 if call.op.name in UNCOUNTED else sum(map(tensor_bytes, call.outputs))


def tensor_bytes(type_: TensorType) -> int:
    """Of a tensor for one picture."""
    return BYTES[type_.dtype] * prod(size for axis in type_.shape if isinstance(size := at_batch_one(axis), int))
