"""A norm by root mean squares. The other norms stay single ops: PyTorch's own kernels for them are the fastest that
were found."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import cast

from archdsl_compiler.graph import Module, OpCall
from archdsl_compiler.kernels.flat import Reading
from archdsl_compiler.passes.rewriting import setting_of

KIND = "norm"


@dataclass(frozen=True, slots=True)
class RootMeanSquare:
    """Over `axis` of the input; `eps` is added to the mean."""

    axis: int
    eps: float


def find(reading: Reading, anchor: int) -> Sequence[int]:
    return () if reading.op(anchor, "rms_norm") is None else (anchor,)


def facts(piece: Module) -> RootMeanSquare:
    (call,) = (call for call in piece.calls if isinstance(call, OpCall))
    eps = cast(float, setting_of(call, "eps"))
    return RootMeanSquare(cast(int, call.resolved["axis"]), float(eps))
