"""A piece at work whose constant part is computed when it is made."""

from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor

from archdsl_compiler.digest import digest
from archdsl_compiler.graph import Module, OpCall, leaves
from archdsl_compiler.kernels.contract import Run
from archdsl_compiler.kernels.flat import Reading
from archdsl_compiler.kernels.plain import piece_module
from archdsl_compiler.kernels.regions.contract import piece_of
from archdsl_compiler.passes.rewriting import is_static


def prepared(piece: Module, constants: Mapping[int, Tensor]) -> Run:
    """The piece, which has no parameters, as a function of all its inputs, in their order."""
    reading = Reading(piece)
    known = set(constants)
    early: list[OpCall] = []
    for call in piece.calls:
        if isinstance(call, OpCall) and is_static(call) and known.issuperset(leaves(call.inputs)):
            early.append(call)
            known.update(range(call.first_output, call.first_output + len(call.outputs)))
    own = {call.first_output for call in early}
    later, read, _, _ = piece_of(reading, [call for call in piece.calls if call.first_output not in own])
    run: Run = piece_module(later, digest(later), {}).forward
    held = dict(constants)
    if early:
        first, taken, given, _ = piece_of(reading, early)
        with torch.no_grad():
            made: Any = piece_module(first, digest(first), {})(*(constants[value] for value in taken))
        held.update(zip(given, (made,) if isinstance(made, Tensor) else made, strict=True))
    fixed = {place: held[value].contiguous() for place, value in enumerate(read) if value in held}
    if not fixed and read == tuple(range(len(piece.input_types))):
        return run
    if len(read) == 2 and read[0] == 0 and set(fixed) == {1}:  # the usual case, without a list of arguments
        only = fixed[1]
        return lambda *inputs: run(inputs[0], only)
    slots = [(fixed.get(place), value) for place, value in enumerate(read)]
    return lambda *inputs: run(*[inputs[value] if made is None else made for made, value in slots])
