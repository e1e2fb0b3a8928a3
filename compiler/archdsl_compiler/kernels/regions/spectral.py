"""A filter in the frequency domain: the spectrum of real planes, times a weight for each frequency, and back."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import cast

from archdsl_compiler.graph import Module, OpCall, leaves
from archdsl_compiler.kernels.flat import Reading

KIND = "spectral"


@dataclass(frozen=True, slots=True)
class Spectral:
    """`axes` are those of the planes in the input `source`, `size` their lengths; `weight` is an input that has all
    frequencies."""

    positions: tuple[int, ...]
    source: int
    weight: int
    axes: tuple[int, int]
    size: tuple[int, int]


def find(reading: Reading, anchor: int) -> Sequence[int]:
    found = _at(reading, anchor)
    return () if found is None else found.positions


def facts(piece: Module) -> Spectral:
    reading = Reading(piece)
    return next(found for position in range(len(piece.calls)) if (found := _at(reading, position)) is not None)


def _at(reading: Reading, position: int) -> Spectral | None:
    spectrum = reading.op(position, "rfft2")
    if spectrum is None:
        return None
    made = spectrum.outputs[0]
    weighed = reading.only_reader(spectrum.first_output, "multiply")
    if weighed is None or weighed[1].outputs[0] != made:
        return None
    weight = next((each for each in weighed[1].inputs if each != spectrum.first_output), None)
    back = reading.only_reader(weighed[1].first_output, "irfft2")
    (source,) = spectrum.inputs
    if back is None or not isinstance(weight, int) or not isinstance(source, int):
        return None
    axes, size = _planes(spectrum, reading)
    same = back[1].outputs[0] == reading.types[source] and _planes(back[1], reading)[0] == axes
    if not same or len(size) != 2 or reading.types[weight].dtype != "complex":
        return None
    missing = len(made.shape) - len(reading.types[weight].shape)
    if min(axes) < missing or any(reading.types[weight].shape[axis - missing] != made.shape[axis] for axis in axes):
        return None
    return Spectral((position, weighed[0], back[0]), source, weight, axes, size)


def _planes(call: OpCall, reading: Reading) -> tuple[tuple[int, int], tuple[int, ...]]:
    """The axes of a transform, and how long they are where that is known."""
    (value,) = leaves(call.inputs)
    axes = cast("tuple[int, int]", call.resolved["axes"])
    shape = reading.types[value].shape
    return axes, tuple(size for size in (shape[axis] for axis in axes) if isinstance(size, int))
