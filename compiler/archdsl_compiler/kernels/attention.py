"""Attention in fewer passes over the scores: fused, so that they are never held, or with the bias put in by the product
that makes them."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Final, cast

import torch
from torch import Tensor

from archdsl_compiler.digest import digest
from archdsl_compiler.graph import Call, Module
from archdsl_compiler.kernels.contract import Case, Run
from archdsl_compiler.kernels.flat import Reading
from archdsl_compiler.kernels.fused_attention import fused
from archdsl_compiler.kernels.plain import piece_module
from archdsl_compiler.kernels.prepared import prepared
from archdsl_compiler.kernels.regions.attention import Attention
from archdsl_compiler.kernels.regions.contract import piece_of

FLOATING: Final = frozenset({"float32", "float16", "bfloat16", "float64"})
HALF: Final = ("bfloat16", "float16")


@dataclass(frozen=True, slots=True)
class FusedAttention:
    """PyTorch's fused attention. It keeps a block of queries in the cache, and reads strided queries, keys and values
    as they lie. On a processor it needs values as wide as the queries, else it is made of the same steps as before."""

    name: str = "fused_attention"
    kinds: tuple[str, ...] = ("attention",)
    version: int = 1

    def applies(self, case: Case) -> bool:
        width, out, _ = _sizes(case)
        return _one_dtype(case) and (width == out or case.place.device != "cpu") and self.written(case) is not None

    def factor(self, case: Case) -> float:
        """Channels that ask channels are few, and no block of them is left to be kept apart."""
        width, _, keys = _sizes(case)
        few = isinstance(keys, int) and isinstance(width, int) and keys < width
        if few and not _rows_lie_densely(case):
            return 1.4
        if case.mode.dtype in HALF and case.place.device == "cpu" and isinstance(keys, int) and keys <= 256:
            return 1.1
        return 0.85

    def make(self, case: Case, weights: Mapping[str, Tensor], constants: Mapping[int, Tensor]) -> Run:
        piece = self.written(case)
        assert piece is not None
        return prepared(piece, constants)

    def written(self, case: Case) -> Module | None:
        return fused(case.region.piece, _facts(case))


@dataclass(frozen=True, slots=True)
class BiasedScores:
    """The bias is where the product of queries and keys begins to sum: fewer calls, which is what small maps wait
    for."""

    name: str = "biased_scores"
    kinds: tuple[str, ...] = ("attention",)
    version: int = 2

    def applies(self, case: Case) -> bool:
        attention = _facts(case)
        types = Reading(case.region.piece).types
        if len(attention.scores.shape) != 3 or len(attention.biases) != 1 or attention.factors:
            return False
        if attention.biases[0] >= len(case.inputs):  # made of the queries, as it were
            return False
        lead = [types[value].shape[0] for value in (attention.query, attention.key, attention.value)]
        return _one_dtype(case) and lead == [attention.scores.shape[0]] * 3

    def factor(self, case: Case) -> float:
        return 0.8

    def make(self, case: Case, weights: Mapping[str, Tensor], constants: Mapping[int, Tensor]) -> Run:
        attention = _facts(case)
        before, behind, read, extra = _around(case.region.piece, attention)
        bias = attention.biases[0]
        known = constants.get(bias)
        own = tuple(value for value in read if value != bias)
        scale = attention.scale

        def biased(*inputs: Tensor) -> Tensor:
            query, key, value = before(*[inputs[place] for place in own])
            scores = torch.baddbmm(inputs[bias] if known is None else known, query, key, alpha=scale)
            return behind(*[inputs[place] for place in extra], torch.bmm(scores.softmax(-1), value))

        return biased

    def written(self, case: Case) -> Module | None:
        return None


KERNELS = (FusedAttention(), BiasedScores())


def _facts(case: Case) -> Attention:
    return cast(Attention, case.region.facts)


def _sizes(case: Case) -> tuple[object, object, object]:
    """How wide queries and values are, and how many keys there are."""
    attention = _facts(case)
    types = Reading(case.region.piece).types
    return types[attention.query].shape[-1], types[attention.value].shape[-1], attention.scores.shape[-1]


def _one_dtype(case: Case) -> bool:
    dtypes = {operand.dtype for operand in case.inputs}
    return len(dtypes) == 1 and dtypes <= FLOATING


def _rows_lie_densely(case: Case) -> bool:
    """Whether the last op before the queries is none that turns their matrices about."""
    reading = Reading(case.region.piece)
    return reading.maker(_facts(case).query, "transpose") is None


def _around(piece: Module, attention: Attention) -> tuple[Run, Run, tuple[int, ...], tuple[int, ...]]:
    """What makes queries, keys and values of inputs, and what follows on the weighed values, with the inputs that each
    reads; the second reads the weighed values last."""
    reading, last = Reading(piece), attention.positions[-1]
    early = [call for place, call in enumerate(piece.calls) if place < last and place not in attention.positions]
    late = piece.calls[last + 1 :]
    before, read = _giving(reading, early, (attention.query, attention.key, attention.value))
    if not late:
        return before, _as_it_is, read, ()
    behind, given, _, _ = piece_of(reading, late)
    run: Run = piece_module(behind, digest(behind), {}).forward
    extra = tuple(value for value in given if value != attention.result)
    if not extra:
        return before, run, read, ()
    order = [given.index(value) for value in (*extra, attention.result)]
    places = [order.index(place) for place in range(len(given))]
    return before, lambda *inputs: run(*[inputs[place] for place in places]), read, extra


def _giving(reading: Reading, calls: list[Call], values: tuple[int, ...]) -> tuple[Run, tuple[int, ...]]:
    """A function of the inputs that calls read, and of those among the values that they do not make, for the values."""
    if not calls:
        order = tuple(dict.fromkeys(values))
        places = [order.index(value) for value in values]
        return (lambda *inputs: tuple(inputs[place] for place in places)), order
    made, read, _, _ = piece_of(reading, calls)
    own = [value for call in calls for value in range(call.first_output, call.first_output + len(call.outputs))]
    missing = tuple(value for value in dict.fromkeys(values) if value not in own)
    numbers = {value: number for number, value in enumerate([*read, *own])}
    inner = tuple(value for value in values if value in numbers)
    types = tuple(reading.types[value] for value in inner)
    first, *others = [numbers[value] for value in inner]
    given = replace(made, outputs=(first, *others) if others else first, output_types=types)
    run = piece_module(given, digest(given), {}).forward
    if not missing or all(value in read for value in missing):
        return run, read
    count, slots = len(read), [(value in numbers, value) for value in values]

    def with_inputs(*inputs: Tensor) -> tuple[Tensor, ...]:
        found = run(*inputs[:count])
        results = iter((found,) if isinstance(found, Tensor) else found)
        others = dict(zip(missing, inputs[count:], strict=True))
        return tuple(next(results) if inside else others[value] for inside, value in slots)

    return with_inputs, (*read, *missing)


def _as_it_is(x: Tensor) -> Tensor:
    return x
