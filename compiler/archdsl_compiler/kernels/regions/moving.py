"""Ops that only move numbers about: what stands before and behind a region without computing anything."""

from collections.abc import Collection
from typing import Final

from archdsl_compiler.graph import OpCall, leaves
from archdsl_compiler.kernels.flat import Reading

VIEWS: Final = ("rearrange", "reshape", "transpose", "split", "index", "expand")
"""Most of their results are views of what they read."""


def view_at(reading: Reading, position: int | None) -> OpCall | None:
    """The call at a position if it only moves numbers, by one input."""
    call = reading.op(position, *VIEWS)
    if call is None or len(list(leaves(call.inputs))) != 1:  # an index with a tensor of places is a gather
        return None
    return call


def moved_before(reading: Reading, own: Collection[int], values: Collection[int]) -> list[int]:
    """The views, as far back as they go, that make these values, which the calls of `own` read, and that nothing else
    reads."""
    found: set[int] = set(own)
    waiting = list(values)
    added: list[int] = []
    while waiting:
        position = reading.makers.get(waiting.pop())
        if position is None or position in found or view_at(reading, position) is None:
            continue
        if read_only_by(reading, position, found):
            found.add(position)
            added.append(position)
            waiting = [*values, *(value for each in added for value in leaves(reading.flat.calls[each].inputs))]
    return sorted(added)


def moved_behind(reading: Reading, value: int) -> list[int]:
    """The views that a value goes through, one after the other, before anything else reads it."""
    found: list[int] = []
    while len(readers := reading.readers.get(value, [])) == 1 and value not in reading.results:
        call = view_at(reading, readers[0])
        if call is None or len(call.outputs) != 1:
            break
        found.append(readers[0])
        value = call.first_output
    return found


def read_only_by(reading: Reading, position: int, own: Collection[int]) -> bool:
    """Whether nothing but the calls of `own` reads what a call makes."""
    call = reading.flat.calls[position]
    made = range(call.first_output, call.first_output + len(call.outputs))
    return all(
        value not in reading.results and all(reader in own for reader in reading.readers.get(value, ()))
        for value in made
    )
