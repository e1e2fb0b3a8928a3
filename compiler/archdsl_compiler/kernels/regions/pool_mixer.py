"""What the neighbours have more than the place itself: a mean of windows less its input, by constants, and the sum that
it goes into."""

from collections.abc import Sequence
from dataclasses import dataclass

from archdsl_compiler.graph import Module, OpCall, Scalar
from archdsl_compiler.kernels.flat import Reading
from archdsl_compiler.passes.rewriting import is_open

KIND = "pool_mixer"


@dataclass(frozen=True, slots=True)
class PoolMixer:
    """`pool` reads `source`, which is taken off its result; that is multiplied by `scale`, a value,
    or by `number`, and added to `other`, if there is one."""

    positions: tuple[int, ...]
    pool: OpCall
    source: int
    scale: int | None
    number: float
    other: int | None


def find(reading: Reading, anchor: int) -> Sequence[int]:
    found = _at(reading, anchor)
    return () if found is None else found.positions


def facts(piece: Module) -> PoolMixer:
    reading = Reading(piece)
    return next(found for position in range(len(piece.calls)) if (found := _at(reading, position)) is not None)


def _at(reading: Reading, position: int) -> PoolMixer | None:
    pool = reading.op(position, "avg_pool")
    if pool is None:
        return None
    (source,) = pool.inputs
    taken_off = reading.only_reader(pool.first_output, "subtract")
    if taken_off is None or not isinstance(source, int) or reading.types[source] != pool.outputs[0]:
        return None
    if taken_off[1].inputs != (pool.first_output, source):
        return None
    positions, value = [position, taken_off[0]], taken_off[1].first_output
    scale: int | None = None
    number = 1.0
    scaled = reading.only_reader(value, "multiply")
    if scaled is not None and scaled[1].outputs[0] == pool.outputs[0]:
        by = next((each for each in scaled[1].inputs if each != value), None)
        if isinstance(by, Scalar) and not is_open(by):
            number = float(by.value)
        elif isinstance(by, int) and reading.types[by].dtype == pool.outputs[0].dtype:
            scale = by
        if scale is not None or (isinstance(by, Scalar) and not is_open(by)):
            positions.append(scaled[0])
            value = scaled[1].first_output
    other: int | None = None
    added = reading.only_reader(value, "add")
    if added is not None and added[1].outputs[0] == pool.outputs[0]:
        term = next((each for each in added[1].inputs if each != value), None)
        if isinstance(term, int) and reading.types[term] == pool.outputs[0]:
            other = term
            positions.append(added[0])
    return PoolMixer(tuple(positions), pool, source, scale, number, other)
