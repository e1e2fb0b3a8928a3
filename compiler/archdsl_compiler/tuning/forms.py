"""How every value of a model lies in a mode, without running the model.

What the plain piece of a region makes of its inputs is seen once, by running this piece alone, and kept in the record:
another model that has the region needs no run, and neither does a machine on which the region cannot be run."""

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from functools import cache
from typing import Final

import torch

from archdsl_compiler.kernels.contract import Mode, Operand
from archdsl_compiler.kernels.flat import Reading
from archdsl_compiler.kernels.regions.contract import Cut, Region
from archdsl_compiler.sizes import at_batch
from archdsl_compiler.tuning.conditions import Conditions
from archdsl_compiler.tuning.formats import dense_strides, form_text, maps_of, operand_of, sample_of, wanted
from archdsl_compiler.tuning.program import Seen, Weights, plainly
from archdsl_compiler.tuning.record import Record
from archdsl_compiler.tuning.rows import Kept, Key
from archdsl_compiler.types import TensorType

KERNEL: Final = "forms"
VERSION: Final = 1
"""Raised when plain pieces lay their results in another way."""

Operands = tuple[Operand, ...]


@dataclass(slots=True)
class Forms:
    """The forms of results, as they are known under some conditions. With `keeps` new ones go to the record."""

    record: Record
    conditions: Conditions
    batch: int
    keeps: bool
    _known: dict[Key, Operands] = field(default_factory=dict[Key, Operands])
    _asked: set[str] = field(default_factory=set[str])

    def seen(self, cut: Cut, weights: Weights, mode: Mode) -> Seen:
        """How every value lies when all regions run plainly in this mode."""
        self._ask(cut)
        maps = maps_of(Reading(cut.flat)) if mode.layout == "last" else frozenset[int]()
        seen: dict[int, Operand] = {}
        fresh: dict[Key, Operands] = {}

        def keep(region: Region, given: Operands, look: Callable[[], Operands]) -> None:
            key = Key(region.digest, KERNEL, VERSION, mode.dtype, "".join(map(form_text, given)), self.batch)
            found = self._known.get(key)
            if found is None:
                found = self._known[key] = fresh[key] = look()
            for value, operand in zip(region.outputs, found, strict=True):
                seen[value] = _wanted(operand, mode) if value in maps else operand

        for value, type_ in enumerate(cut.flat.input_types):
            operand = operand_at(type_, self.batch, mode)
            seen[value] = _wanted(operand, mode) if value in maps else operand
        if (fixed := cut.fixed) is not None:
            keep(fixed, (), lambda: tuple(operand_of(weights.fixed(value, mode)) for value in fixed.outputs))
        for region in cut.running:
            given = tuple(seen[value] for value in region.inputs)
            keep(region, given, lambda region=region, given=given: _looked_at(region, given, weights, mode))
        if self.keeps:
            self.record.keep(self.conditions, {key: Kept(None, name=_written(found)) for key, found in fresh.items()})
        return seen

    def _ask(self, cut: Cut) -> None:
        """Read what the record knows of regions that were not asked for before."""
        regions = (*cut.running, *(() if cut.fixed is None else (cut.fixed,)))
        wanted = {region.digest for region in regions} - self._asked
        self._asked |= wanted
        for key, kept in self.record.kept(self.conditions, wanted).items() if wanted else ():
            if key.kernel == KERNEL and (found := _read(kept.name)) is not None:
                self._known[key] = found


def operand_at(type_: TensorType, batch: int, mode: Mode) -> Operand:
    """An input of the model as a mode has it."""
    shape = tuple(size for axis in type_.shape if isinstance(size := at_batch(axis, batch), int))
    dtype = mode.dtype if type_.dtype == "real" or type_.dtype.startswith(("float", "bfloat")) else type_.dtype
    return Operand(shape, dense_strides(shape, [0] * len(shape)), dtype)


def _looked_at(region: Region, given: Operands, weights: Weights, mode: Mode) -> Operands:
    """What the plain piece makes of noise that lies so."""
    generator = torch.Generator().manual_seed(0)
    constants = weights.constants(region, mode)
    inputs = [
        constants[place] if place in constants else sample_of(each, generator, weights.device)
        for place, each in enumerate(given)
    ]
    with torch.inference_mode():
        return tuple(map(operand_of, plainly(region, weights, mode, inputs)))


@cache
def _wanted(operand: Operand, mode: Mode) -> Operand:
    """A map as a mode wants it."""
    empty = torch.empty_strided(operand.shape, operand.strides, device="meta")
    return replace(operand, strides=wanted(empty, mode, True).stride())


def _written(operands: Sequence[Operand]) -> str:
    return json.dumps([(each.shape, each.strides, each.dtype) for each in operands])


def _read(text: str) -> Operands | None:
    """None for what was not written by `_written`: the record may come from elsewhere."""
    try:
        return tuple(Operand(tuple(shape), tuple(strides), str(dtype)) for shape, strides, dtype in json.loads(text))
    except (ValueError, TypeError):
        return None
