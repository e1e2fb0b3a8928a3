"""Steps that compute each number from one number of what was before, or only move numbers, one after the other: what
other kinds leave."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from archdsl_compiler.graph import Module, OpCall
from archdsl_compiler.kernels.flat import Reading
from archdsl_compiler.kernels.regions.moving import VIEWS

KIND = "chain"
UNARY: Final = (
    *("relu", "relu6", "gelu", "silu", "sigmoid", "tanh", "hard_swish", "hard_sigmoid", "leaky_relu", "clip"),
    *("exp", "log", "sqrt", "abs", "negate"),
)
BINARY: Final = ("add", "subtract", "multiply", "divide", "power", "maximum", "minimum")
JOINING: Final = ("concat", "stack", "add_all", "mean_all")
MOVING: Final = (*VIEWS, "pad", "roll", "flip")
STEPS: Final = frozenset((*UNARY, *BINARY, *JOINING, *MOVING))


@dataclass(frozen=True, slots=True)
class Chain:
    """The steps in order: each but the first reads the result of the one before."""

    steps: tuple[OpCall, ...]


def find(reading: Reading, anchor: int) -> Sequence[int]:
    if reading.op(anchor, *STEPS) is None:
        return ()
    found = [anchor]
    while len(reading.flat.calls[found[-1]].outputs) == 1:
        following = reading.only_reader(reading.flat.calls[found[-1]].first_output, *STEPS)
        if following is None:
            break
        found.append(following[0])
    return found if len(found) > 1 else ()


def facts(piece: Module) -> Chain:
    return Chain(tuple(call for call in piece.calls if isinstance(call, OpCall)))
