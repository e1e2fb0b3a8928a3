"""Attention of each place of a map to those around it."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import cast

from archdsl_compiler.graph import Module, OpCall, leaves
from archdsl_compiler.kernels.flat import Reading
from archdsl_compiler.passes.rewriting import setting_of, value_types

KIND = "neighborhood"


@dataclass(frozen=True, slots=True)
class Neighborhood:
    """`query`, `key`, `value` and `bias` are inputs of the piece; several may be one."""

    size: tuple[int, int]
    kernel: tuple[int, int]
    dilation: tuple[int, int]
    scale: float | None
    query: int
    key: int
    value: int
    bias: int | None


def find(reading: Reading, anchor: int) -> Sequence[int]:
    return () if reading.op(anchor, "neighborhood_attention") is None else (anchor,)


def facts(piece: Module) -> Neighborhood:
    (call,) = (each for each in piece.calls if isinstance(each, OpCall))
    query, key, value, *bias = leaves(call.inputs)
    size = value_types(piece)[query].shape[1:3]
    return Neighborhood(
        cast("tuple[int, int]", size),
        cast("tuple[int, int]", call.resolved["kernel"]),
        cast("tuple[int, int]", call.resolved["dilation"]),
        cast("float | None", setting_of(call, "scale")),
        query,
        key,
        value,
        bias[0] if bias else None,
    )
