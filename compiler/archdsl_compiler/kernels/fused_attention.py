"""A region of attention written with the op that never holds all scores.

Axes before the heads become one, since the fast kernels of PyTorch take four: without a copy where they lie one behind
the other, as those of windows do."""

from collections.abc import Sequence
from dataclasses import dataclass, field

from archdsl_compiler.graph import Call, Module, OpCall, Structure, leaves
from archdsl_compiler.kernels.flat import Reading
from archdsl_compiler.kernels.regions.attention import Attention
from archdsl_compiler.ops.registry import ops
from archdsl_compiler.passes.rewriting import argument_types, fresh_value, rebuilt, result_types
from archdsl_compiler.sizes import Size
from archdsl_compiler.types import TensorType


def fused(piece: Module, attention: Attention) -> Module | None:
    """The piece in that form; none if its axes do not allow for it."""
    reading = Reading(piece)
    rank = len(attention.scores.shape)
    lead = attention.scores.shape[:-2]
    if rank < 3 or any(not isinstance(size, int) for size in lead[1:]):
        return None
    last = attention.positions[-1]
    writer = _Writer(dict(enumerate(reading.types)), fresh_value(piece), piece.calls[last])
    key = writer.key(reading, attention)
    query, values = attention.query, attention.value
    for factor in attention.factors:
        query = writer.op("multiply", query, factor)
    query, key, values = (writer.with_lead(each, lead) for each in (query, key, values))
    bias = writer.bias(attention.biases, lead)
    if rank != 4:
        query, key, values = (writer.four_axes(each) for each in (query, key, values))
    given = (query, key, values) if bias is None else (query, key, values, bias)
    result = writer.op("scaled_dot_product", *given, scale=attention.scale)
    if rank != 4:
        result = writer.as_before(result, lead)
    inside = set(attention.positions)
    before = [call for position, call in enumerate(piece.calls) if position < last and position not in inside]
    behind = list(piece.calls[last + 1 :])
    calls = _still_read([*before, *writer.calls, *behind], {*leaves(piece.outputs), result})
    return rebuilt(piece, calls, {attention.result: result})


def _still_read(calls: Sequence[Call], wanted: set[int]) -> list[Call]:
    """Without the calls whose results nobody reads any more, such as those that turned the keys about."""
    kept: list[Call] = []
    for call in reversed(calls):
        made = range(call.first_output, call.first_output + len(call.outputs))
        if wanted.intersection(made):
            kept.append(call)
            wanted.update(leaves(call.inputs))
    return kept[::-1]


@dataclass(slots=True)
class _Writer:
    """Writes calls whose results have numbers of their own."""

    types: dict[int, TensorType]
    fresh: int
    place: Call
    calls: list[OpCall] = field(default_factory=list[OpCall])

    def op(self, name: str, *inputs: Structure, **settings: object) -> int:
        declared = ops()[name]
        found = declared.rule(*argument_types(inputs, self.types.__getitem__), **settings)
        outputs = result_types(found)
        number = self.fresh
        self.calls.append(
            OpCall(
                op=declared,
                label="",
                inputs=inputs,
                settings=settings,
                resolved=found.resolved,
                hints={},
                parameters=(),
                first_output=number,
                outputs=outputs,
                macs=0,
                wrappers=(),
                place=self.place.place,
            )
        )
        self.types[number] = outputs[0]
        self.fresh += 1
        return number

    def key(self, reading: Reading, attention: Attention) -> int:
        """The keys with a row for each."""
        turned = reading.maker(attention.key, "transpose")
        if turned is not None and isinstance(turned[1].inputs[0], int):
            return turned[1].inputs[0]
        return self.op("transpose", attention.key)

    def with_lead(self, value: int, lead: tuple[Size, ...]) -> int:
        """The value with all axes before its matrices as long as those of the scores."""
        for axis, size in enumerate(lead):
            if self.types[value].shape[axis] != size:
                value = self.op("expand", value, size=size, axis=axis)
        return value

    def bias(self, biases: Sequence[int], lead: tuple[Size, ...]) -> int | None:
        """All biases as one, with four axes, or with two where it is the same for all scores."""
        if not biases:
            return None
        bias, *others = biases
        for other in others:
            bias = self.op("add", bias, other)
        shape = self.types[bias].shape
        if len(shape) < 2:
            bias = self.op("reshape", bias, shape=(1, *shape) if shape else (1, 1))
        shape = self.types[bias].shape
        ahead = (*[1] * (len(lead) - len(shape) + 2), *shape[:-2])
        if all(size == 1 for size in ahead):
            return bias if len(shape) == 2 else self.op("reshape", bias, shape=shape[-2:])
        groups, heads = (lead[:-1], ahead[-1]) if len(lead) > 1 else (lead, 1)
        own = ahead[:-1] if len(lead) > 1 else ahead
        if all(size == 1 for size in own):
            return self.op("reshape", bias, shape=(1, heads, *shape[-2:]))
        if len(shape) < len(lead) + 2:
            bias = self.op("reshape", bias, shape=(*ahead, *shape[-2:]))
        for axis, size in enumerate(groups):
            if self.types[bias].shape[axis] != size:
                bias = self.op("expand", bias, size=size, axis=axis)
        return bias if len(lead) == 2 else self.four_axes(bias)

    def four_axes(self, value: int) -> int:
        names = _names(len(self.types[value].shape) - 2)
        if len(names) == 1:
            return self.op("rearrange", value, pattern="a n d -> a 1 n d")
        *groups, heads = names
        pattern = f"{' '.join(names)} n d -> ({' '.join(groups)}) {heads} n d"
        return self.op("rearrange", value, pattern=pattern)

    def as_before(self, value: int, lead: tuple[Size, ...]) -> int:
        names = _names(len(lead))
        if len(names) == 1:
            return self.op("rearrange", value, pattern="a 1 n d -> a n d")
        *groups, heads = names
        sizes = {name: size for name, size in zip(groups[1:], lead[1:], strict=False)}
        return self.op(
            "rearrange", value, pattern=f"({' '.join(groups)}) {heads} n d -> {' '.join(names)} n d", **sizes
        )


def _names(count: int) -> list[str]:
    return [f"a{number}" for number in range(count)] if count > 1 else ["a"]
