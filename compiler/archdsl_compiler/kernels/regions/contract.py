"""What is computed together: kinds of regions, and cutting a flat graph into them.

A kind finds its regions around an anchor. What no kind takes is a region of one op. A region becomes a piece, a graph
of its own whose labels are `p0`, `p1`, ... in order, so that equal regions are equal wherever they stand; its digest is
their name in the record. A kind also says what its kernels need to know of a piece (`facts`)."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cache, cached_property
from importlib import import_module
from typing import Protocol, cast

from archdsl_compiler.digest import digest
from archdsl_compiler.graph import Call, Module, OpCall, join, leaves
from archdsl_compiler.kernels.flat import Reading
from archdsl_compiler.ops.contract import Parameter
from archdsl_compiler.passes.rewriting import is_open, mapped, totals
from archdsl_compiler.sizes import Symbolic


class RegionKind(Protocol):
    """A module of this package: `KIND` is its name."""

    KIND: str

    def find(self, reading: Reading, anchor: int) -> Sequence[int]:
        """Positions of the calls of the region that this call anchors, in order; none if it anchors none. Values that
        are made inside are read inside, but for those of the last call."""
        ...

    def facts(self, piece: Module) -> object:
        """What kernels need to know of a piece of this kind."""
        ...


# Kinds in the order in which they look for regions: a call belongs to the first that takes it.
KINDS = ("attention", "neighborhood", "pool_mixer", "norm", "spectral", "product", "chain")
ONE_OP = "op"


@cache
def region_kind(name: str) -> RegionKind:
    return cast(RegionKind, import_module(f"archdsl_compiler.kernels.regions.{name}"))


@dataclass(frozen=True, slots=True, eq=False)
class Region:
    """Calls of a flat graph as a piece. `state` are the places of its parameters in the flat graph, by those in the
    piece; `inputs` and `outputs` are values of the flat graph. `constants` are the positions among the inputs that are
    the same in every pass, `unread` of those that came along for their batch alone."""

    kind: str
    piece: Module
    digest: str
    facts: object
    state: Mapping[str, str]
    inputs: tuple[int, ...]
    outputs: tuple[int, ...]
    constants: tuple[int, ...]
    unread: tuple[int, ...]
    label: str
    place: int
    positions: tuple[int, ...]


@dataclass(frozen=True)
class Cut:
    """A flat graph in regions, in an order in which they can run. `fixed` is all that follows from parameters alone
    and is computed once."""

    flat: Module
    fixed: Region | None
    running: tuple[Region, ...]

    @cached_property
    def model(self) -> str:
        """The digest of the whole graph."""
        return digest(self.flat)


def cut(flat: Module) -> Cut:
    """The regions of a flat graph."""
    reading = Reading(flat)
    taken: dict[int, tuple[str, tuple[int, ...]]] = {}
    for name in KINDS:
        kind = region_kind(name)
        for anchor in range(len(flat.calls)):
            if anchor in taken or flat.calls[anchor].first_output in reading.constants:
                continue
            found = tuple(kind.find(reading, anchor))
            if found and not any(position in taken for position in found):
                taken.update((position, (name, found)) for position in found)
                reading.taken.update(found)
    running: list[Region] = []
    fixed: list[int] = []
    for position, call in enumerate(flat.calls):
        name, positions = taken.get(position, (ONE_OP, (position,)))
        if call.outputs and call.first_output in reading.constants:
            fixed.append(position)
        elif position == positions[-1]:  # a region stands where its last call does: all that it reads is there
            running.append(_region(reading, name, positions))
    return Cut(flat, _region(reading, ONE_OP, tuple(fixed)) if fixed else None, tuple(running))


def _region(reading: Reading, name: str, positions: tuple[int, ...]) -> Region:
    calls = [reading.flat.calls[position] for position in positions]
    piece, inputs, outputs, state = piece_of(reading, calls)
    return Region(
        name,
        piece,
        digest(piece),
        None if name == ONE_OP else region_kind(name).facts(piece),
        state,
        inputs,
        outputs,
        tuple(place for place, value in enumerate(inputs) if value in reading.constants),
        tuple(sorted(set(range(len(inputs))) - {value for call in piece.calls for value in leaves(call.inputs)})),
        next((call.label for call in calls if call.label), ""),
        positions[-1],
        positions,
    )


def piece_of(
    reading: Reading, calls: Sequence[Call]
) -> tuple[Module, tuple[int, ...], tuple[int, ...], dict[str, str]]:
    """Some calls as a module, the values that it reads and gives, and where its parameters are."""
    made = [value for call in calls for value in range(call.first_output, call.first_output + len(call.outputs))]
    inside = set(made)
    read = tuple(dict.fromkeys(value for call in calls for value in leaves(call.inputs) if value not in inside))
    read = _batch_first(reading, read, calls)
    own = {id(call) for call in calls}
    given = tuple(value for value in made if value in reading.results or _read_outside(reading, value, own))
    given = given or tuple(made[-1:])
    numbers = {value: number for number, value in enumerate([*read, *made])}
    state: dict[str, str] = {}
    moved: list[Call] = []
    for number, call in enumerate(calls):
        call = replace(
            call,
            inputs=tuple(mapped(structure, numbers.__getitem__) for structure in call.inputs),
            first_output=numbers[call.first_output] if call.outputs else len(numbers),
            hints={},
        )
        if isinstance(call, OpCall):
            parameters = call.parameters or reading.first_parameters.get(call.label, ())
            place = f"p{number}" if parameters else ""
            state.update((join(place, each.name), join(call.label, each.name)) for each in parameters)
            call = replace(call, label=place, settings=_without_values(call), parameters=_plain(parameters))
        moved.append(call)
    counts = totals(moved)
    return (
        Module(
            name="piece",
            kind="block",
            settings=(),
            inputs=tuple((f"x{number}", number) for number in range(len(read))),
            input_types=tuple(reading.types[value] for value in read),
            calls=tuple(moved),
            outputs=numbers[given[0]] if len(given) == 1 else tuple(numbers[value] for value in given),
            output_types=tuple(reading.types[value] for value in given),
            bindings={},
            decisions=(),
            exposed={},
            place=reading.flat.place,
            doc="",
            params=counts["params"],
            macs=counts["macs"],
            instances=counts["instances"],
            nodes=counts["nodes"],
        ),
        read,
        given,
        state,
    )


def _batch_first(reading: Reading, read: tuple[int, ...], calls: Sequence[Call]) -> tuple[int, ...]:
    """The values that calls read, so that the first has the batch as its first axis: a piece finds the batch there. If
    none has, an input of the model comes along, where the batch matters."""
    sizes = [reading.types[value].shape[:1] for value in range(len(reading.flat.input_types))]
    known = next((value for value, size in enumerate(sizes) if size and isinstance(size[0], Symbolic)), None)
    if known is None or not any(isinstance(call, OpCall) and _computes_with_sizes(call) for call in calls):
        return read
    first = next((value for value in read if reading.types[value].shape[:1] == sizes[known]), known)
    return (first, *(value for value in read if value != first))


def _computes_with_sizes(call: OpCall) -> bool:
    """Whether the code of a call names sizes that follow from the batch."""
    return any(is_open(part) for part in (call.inputs, *call.settings.values(), *call.resolved.values()))


def _read_outside(reading: Reading, value: int, own: set[int]) -> bool:
    return any(id(reading.flat.calls[reader]) not in own for reader in reading.readers.get(value, ()))


def _without_values(call: OpCall) -> dict[str, object]:
    """Settings without those that say how parameters begin: a piece is the same for all."""
    kept = {name: value for name, value in call.settings.items() if name not in ("init", "init_bias", "resize")}
    if call.op.name == "param":
        kept["init"] = 1.0
    return kept


def _plain(parameters: Sequence[Parameter]) -> tuple[Parameter, ...]:
    return tuple(replace(each, init=None if each.name else 1.0, resize="", prefix=0) for each in parameters)
