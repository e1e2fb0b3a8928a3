"""Computes only the places that are read: of the last block of a transformer, those of the class token.

    y = x + mlp(layer_norm(x))                  t = x[:, 0:1]
    z = layer_norm(y)[:, 0]                     z = layer_norm(t + mlp(layer_norm(t)))[:, 0]

Where every reader of a value takes the same places along one axis, and what makes the value treats these places apart
from the others, only they are computed. Queries of attention are such places; keys and values are not, for each query
reads all of them. Always exact."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import ClassVar, NamedTuple, TypeAlias, cast

from archdsl_compiler.graph import Call, Module, OpCall, Structure, leaves
from archdsl_compiler.ops.contract import Inferred, OpFault, Undetermined
from archdsl_compiler.ops.indexing import index
from archdsl_compiler.passes.arrangements import arrangement_of
from archdsl_compiler.passes.rewriting import (
    argument_types,
    mapped,
    op_call_like,
    rebuilt,
    result_types,
    results_by_path,
    rewrite_each,
    value_types,
)
from archdsl_compiler.sizes import at_batch_one
from archdsl_compiler.types import TensorType


class Part(NamedTuple):
    """Places of an axis, `stop` not among them."""

    axis: int
    start: int
    stop: int


@dataclass(frozen=True)
class ComputeNeeded:
    """Has no options."""

    name: ClassVar[str] = "compute-needed"

    def apply(self, root: Module) -> Module:
        return rewrite_each(root, computed)


def computed(module: Module) -> Module:
    """One module with no more computed than is read."""
    types = value_types(module)
    if not any(taken(call, types) for call in module.calls):
        return module
    parts = _parts(module)
    return _Narrowing(module, parts).module_of_parts() if parts else module


def taken(call: Call, types: Sequence[TensorType]) -> Part | None:
    """The places that an index takes of its tensor, if it takes some of a single axis."""
    if not isinstance(call, OpCall) or call.op is not index or call.wrappers or len(call.inputs) != 1:
        return None
    places = cast("tuple[object, ...]", call.resolved["places"])
    sizes = types[next(leaves(call.inputs))].shape
    found = [(axis, place) for axis, place in enumerate(places) if place not in ("all", (0, sizes[axis], 1))]
    if len(found) != 1 or sizes[found[0][0]] == 1:
        return None
    axis, place = found[0]
    if isinstance(place, int):
        return Part(axis, place, place + 1)
    if isinstance(place, tuple):
        start, stop, step = cast("tuple[object, object, object]", place)
        if isinstance(start, int) and isinstance(stop, int) and step == 1:
            return Part(axis, start, stop)
    return None


def inputs_for(call: OpCall, part: Part, types: Sequence[TensorType]) -> list[Part | None] | None:
    """What a call needs of each of its inputs to make a part of its result, none for all of it; no list if it cannot
    make a part alone."""
    rule = APART.get(call.op.name)
    if rule is None or call.wrappers:
        return None
    given = [types[value] for value in leaves(call.inputs)]
    found = rule(call, part, given)
    if found is None or not any(found):
        return None
    narrow = iter([narrowed(type_, own) for type_, own in zip(given, found, strict=True)])
    try:
        made: Inferred = call.op.rule(*argument_types(call.inputs, lambda value: next(narrow)), **call.settings)
    except (OpFault, Undetermined):
        return None
    return found if result_types(made) == (narrowed(call.outputs[0], part),) else None


def narrowed(type_: TensorType, part: Part | None) -> TensorType:
    if part is None:
        return type_
    return type_.reshaped(*type_.shape[: part.axis], part.stop - part.start, *type_.shape[part.axis + 1 :])


# ---- what ops treat apart

Needed: TypeAlias = "list[Part | None] | None"


def _alike(call: OpCall, part: Part, given: Sequence[TensorType]) -> Needed:
    """Number by number; shorter shapes and axes of 1 are the same for all places."""
    rank = len(call.outputs[0].shape)
    return [_broadcast(part, type_, rank) for type_ in given]


def _broadcast(part: Part, type_: TensorType, rank: int) -> Part | None:
    axis = part.axis - (rank - len(type_.shape))
    return part._replace(axis=axis) if axis >= 0 and type_.shape[axis] != 1 else None


def _but_one(call: OpCall, part: Part, given: Sequence[TensorType]) -> Needed:
    """Along all axes but the one that is resolved."""
    return [part] if part.axis != call.resolved["axis"] else None


def _but_last(call: OpCall, part: Part, given: Sequence[TensorType]) -> Needed:
    return [part] if part.axis != len(given[0].shape) - 1 else None


def _product(call: OpCall, part: Part, given: Sequence[TensorType]) -> Needed:
    rank = len(call.outputs[0].shape)
    if any(len(type_.shape) < 2 for type_ in given):
        return None
    sides = [_broadcast(part, type_, rank) for type_ in given]
    if part.axis >= rank - 2:  # rows are of the left side, columns of the right one
        sides[1 if part.axis == rank - 2 else 0] = None
    return sides


def _joined(call: OpCall, part: Part, given: Sequence[TensorType]) -> Needed:
    return [part for _ in given] if part.axis != call.resolved["axis"] else None


def _turned(call: OpCall, part: Part, given: Sequence[TensorType]) -> Needed:
    rank = len(given[0].shape)
    return [part._replace(axis={rank - 2: rank - 1, rank - 1: rank - 2}.get(part.axis, part.axis))]


def _moved(call: OpCall, part: Part, given: Sequence[TensorType]) -> Needed:
    """Where an axis of the result is a whole axis of the input."""
    arrangement = arrangement_of(call, given[0])
    group = arrangement.groups[part.axis]
    start = 0
    for axis, pieces in enumerate(arrangement.pieces):
        if group and group == tuple(range(start, start + len(pieces))):
            return [part._replace(axis=axis)]
        start += len(pieces)
    return None


APART: Mapping[str, Callable[[OpCall, Part, Sequence[TensorType]], Needed]] = {
    **dict.fromkeys(("add", "subtract", "multiply", "divide", "power", "add_all"), _alike),
    **dict.fromkeys(("relu", "relu6", "gelu", "silu", "hard_swish", "hard_sigmoid", "sigmoid", "tanh"), _alike),
    **dict.fromkeys(("negate", "abs", "exp", "sqrt", "leaky_relu", "float32", "float16", "bfloat16"), _alike),
    **dict.fromkeys(("layer_norm", "rms_norm", "softmax"), _but_one),
    "linear": _but_last,
    "matmul": _product,
    "concat": _joined,
    "transpose": _turned,
    "rearrange": _moved,
}
"""What a call needs for a part of its result, by the name of its op."""


# ---- rewriting


def _parts(module: Module) -> dict[int, tuple[Part, list[Part | None]]]:
    """The values of which a part is enough and can be made alone: that part, and what the call needs of its inputs."""
    types = value_types(module)
    needed: dict[int, set[Part | None]] = {}
    for value in (*leaves(module.outputs), *results_by_path(module)):
        needed.setdefault(value, set()).add(None)
    found: dict[int, tuple[Part, list[Part | None]]] = {}
    for call in reversed(module.calls):
        asked = needed.get(call.first_output, set())
        part = next(iter(asked)) if len(asked) == 1 else None
        given: list[Part | None] | None = None
        if part is not None and isinstance(call, OpCall) and len(call.outputs) == 1:
            given = inputs_for(call, part, types)
            if given is not None:
                found[call.first_output] = part, given
        values = list(leaves(call.inputs))
        for value, own in zip(values, given or [taken(call, types)] * len(values), strict=True):
            needed.setdefault(value, set()).add(own)
    return found


@dataclass(slots=True)
class _Narrowing:
    """A walk over the calls that makes those anew of which a part is enough."""

    module: Module
    parts: Mapping[int, tuple[Part, list[Part | None]]]
    calls: list[Call] = field(default_factory=list[Call])
    types: list[TensorType] = field(default_factory=list[TensorType])
    replaced: dict[int, int] = field(default_factory=dict[int, int])
    cut: dict[tuple[int, Part], int] = field(default_factory=dict[tuple[int, Part], int])

    def module_of_parts(self) -> Module:
        self.types = value_types(self.module)
        for call in self.module.calls:
            source = call.inputs[0] if call.inputs else None
            if isinstance(call, OpCall) and call.first_output in self.parts:
                self._narrow(call, *self.parts[call.first_output])
            elif isinstance(call, OpCall) and isinstance(source, int) and source in self.parts:
                self._rest(call, source)
            else:
                self.calls.append(call)
        return rebuilt(self.module, self.calls, self.replaced)

    def _narrow(self, call: OpCall, part: Part, given: list[Part | None]) -> None:
        """The call for a part of what it gives."""
        wanted = iter(given)
        inputs = tuple(mapped(each, lambda value: self._part(value, next(wanted), call)) for each in call.inputs)
        self._put(call, inputs, call.settings)

    def _rest(self, call: OpCall, source: int) -> None:
        """What an index still has to take where its places were made alone: of an axis that stays nothing."""
        if len(call.outputs[0].shape) == len(self.types[source].shape):
            self.replaced[call.first_output] = self.replaced[source]
            return
        places = cast("Sequence[object]", call.settings["places"])
        self._put(call, (self.replaced[source],), {"places": tuple(0 if isinstance(p, int) else p for p in places)})

    def _part(self, value: int, part: Part | None, reader: OpCall) -> int:
        """A part of a value: it was made alone, or is taken here."""
        if part is None or value in self.parts:
            return self.replaced.get(value, value)
        if (value, part) not in self.cut:
            places = (*("all",) * part.axis, ("slice", part.start, part.stop))
            like = replace(reader, label="", parameters=(), hints={})
            call = op_call_like(like, index, {"places": places}, [self.types[value]])
            self.cut[value, part] = self._added(replace(call, inputs=(value,)))
        return self.cut[value, part]

    def _put(self, call: OpCall, inputs: tuple[Structure, ...], settings: Mapping[str, object]) -> None:
        made: Inferred = call.op.rule(*argument_types(inputs, self.types.__getitem__), **settings)
        macs = at_batch_one(made.macs)
        changed = replace(
            call,
            inputs=inputs,
            settings=settings,
            resolved=made.resolved,
            outputs=result_types(made),
            macs=macs if isinstance(macs, int) else 0,
        )
        self.replaced[call.first_output] = self._added(changed)

    def _added(self, call: OpCall) -> int:
        """The number of a new call's result."""
        value = len(self.types)
        self.types.append(call.outputs[0])
        self.calls.append(replace(call, first_output=value))
        return value
