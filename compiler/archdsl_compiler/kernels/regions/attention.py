"""Softmax attention: the scores of queries and keys, times a factor, with biases added, and the values that they weigh;
with the views that make queries, keys and values, and those behind."""

from collections.abc import Sequence
from dataclasses import dataclass

from archdsl_compiler.graph import Module, OpCall, Scalar
from archdsl_compiler.kernels.flat import Reading
from archdsl_compiler.kernels.regions.moving import moved_before, moved_behind
from archdsl_compiler.passes.rewriting import is_open
from archdsl_compiler.types import TensorType

KIND = "attention"


@dataclass(frozen=True, slots=True)
class Attention:
    """`positions` are the calls from the scores to the weighed values. `key` has its last two axes changed already.
    `factors` are values with one number for each matrix of scores, `scale` is the number that they come with; all come
    before the biases."""

    positions: tuple[int, ...]
    query: int
    key: int
    value: int
    scale: float
    factors: tuple[int, ...]
    biases: tuple[int, ...]
    scores: TensorType
    result: int


def find(reading: Reading, anchor: int) -> Sequence[int]:
    found = _at(reading, anchor)
    if found is None:
        return ()
    before = moved_before(reading, found.positions, (found.query, found.key, found.value))
    return [*before, *found.positions, *moved_behind(reading, found.result)]


def facts(piece: Module) -> Attention:
    reading = Reading(piece)
    return next(found for position in range(len(piece.calls)) if (found := _at(reading, position)) is not None)


def _at(reading: Reading, position: int) -> Attention | None:
    """The attention whose softmax stands here."""
    softmax = reading.op(position, "softmax")
    if softmax is None or softmax.resolved["axis"] != len(softmax.outputs[0].shape) - 1:
        return None
    weighed = reading.only_reader(softmax.first_output, "matmul")
    if weighed is None or weighed[1].inputs[0] != softmax.first_output:
        return None
    positions, scale = [position, weighed[0]], 1.0
    factors: list[int] = []
    biases: list[int] = []
    (value,) = softmax.inputs
    while isinstance(value, int):
        maker = reading.maker(value, "add", "multiply", "divide", "matmul")
        if maker is None or len(reading.readers[value]) != 1 or value in reading.results:
            return None
        place, call = maker
        if not isinstance(value := _onward(reading, call, softmax.outputs[0]), int):
            return None
        positions.append(place)
        if call.op.name == "matmul":
            break
        other = next((each for each in call.inputs if each != value), None)
        if call.op.name == "add":
            if factors or scale != 1.0 or not isinstance(other, int):  # a bias inside of a factor
                return None
            biases.append(other)
        elif isinstance(other, Scalar) and not is_open(other) and other.value != 0:
            scale = scale * float(other.value) if call.op.name == "multiply" else scale / float(other.value)
        elif isinstance(other, int) and call.op.name == "multiply" and _one_each(reading.types[other]):
            factors.append(other)
        else:
            return None
    scores, last = reading.flat.calls[positions[-1]], weighed[1]
    query, key = scores.inputs
    values = last.inputs[1]
    if not (isinstance(query, int) and isinstance(key, int) and isinstance(values, int)):
        return None
    types = [reading.types[each] for each in (query, key, values)]
    if any(len(type_.shape) != len(softmax.outputs[0].shape) or type_.dtype != types[0].dtype for type_ in types):
        return None
    return Attention(
        tuple(sorted(positions)),
        query,
        key,
        values,
        scale,
        tuple(factors),
        tuple(biases),
        softmax.outputs[0],
        last.first_output,
    )


def _onward(reading: Reading, call: OpCall, scores: TensorType) -> int | None:
    """The input of a call that the scores come from; of a matrix product, its first. None where there is no telling."""
    if call.op.name == "matmul":
        return call.inputs[0] if isinstance(call.inputs[0], int) else None
    if call.outputs[0] != scores:
        return None
    inputs = call.inputs if call.op.name != "divide" else call.inputs[:1]
    before = [
        value
        for value in inputs
        if isinstance(value, int)
        and reading.types[value] == scores
        and reading.maker(value, "add", "multiply", "divide", "matmul") is not None
        and value not in reading.constants
    ]
    return before[0] if len(before) == 1 else None


def _one_each(type_: TensorType) -> bool:
    """Whether it has one number for each matrix of scores."""
    return type_.shape[-2:] in ((), (1,), (1, 1))
