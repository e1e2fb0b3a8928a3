"""A linear or a convolution with the activation behind it, the sum that its result goes into, and the activation behind
that. On the way axes may change places, once, as where a linear over channels-last tokens stands in a block on maps."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, cast

from archdsl_compiler.graph import Module, OpCall, Scalar, leaves
from archdsl_compiler.kernels.flat import Reading
from archdsl_compiler.passes.rewriting import setting_of

if TYPE_CHECKING:
    from archdsl_compiler.kernels.contract import Case

KIND = "product"
ACTIVATIONS = ("relu", "relu6", "gelu", "silu", "hard_swish", "hard_sigmoid", "sigmoid", "tanh", "leaky_relu")


@dataclass(frozen=True, slots=True)
class Sliding:
    """How a convolution goes over its map: one number for each spatial axis in every field; `before` and `after` are
    the padding at both ends."""

    kernel: tuple[int, ...]
    stride: tuple[int, ...]
    dilation: tuple[int, ...]
    before: tuple[int, ...]
    after: tuple[int, ...]
    groups: int


@dataclass(frozen=True, slots=True)
class Product:
    """The calls of a piece by their parts: `call` is the linear or convolution and `activation` the op behind it, which
    may be `squared`. `moved` is the order into which axes are brought, `after` the activation behind the sum. Of the
    `count` inputs of the piece `source` is the one that the product reads, and `other` the one that is added; they may
    be the same. `sliding` is none of a linear, and where it depends on the size of the input."""

    call: OpCall
    count: int
    source: int
    activation: OpCall | None
    squared: bool
    moved: tuple[int, ...] | None
    other: int | None
    after: OpCall | None
    sliding: Sliding | None

    @property
    def is_depthwise(self) -> bool:
        """Whether each channel of a convolution is its own."""
        return (
            self.sliding is not None
            and self.call.parameters[0].shape[1] == 1
            and self.sliding.groups == self.call.parameters[0].shape[0]
        )

    @property
    def is_pointwise(self) -> bool:
        """Whether a convolution is a linear over the channels of each place."""
        sliding = self.sliding
        return (
            sliding is not None
            and sliding.groups == 1
            and not any((*sliding.before, *sliding.after))
            and {*sliding.kernel, *sliding.stride} == {1}
        )

    def plain_factor(self, case: "Case") -> float:
        """How long the plain piece takes in this layout, in times of what it takes in its best one."""
        sliding = self.sliding
        if sliding is None or len(sliding.kernel) != 2 or case.mode.layout == "last":
            return 1.0
        wide = "avx512f" in case.place.features
        if self.is_depthwise:
            if max(sliding.kernel) >= (15 if wide else 11):
                return 25.0 if wide else 13.0
            return 0.75 if 7 <= max(sliding.kernel) and max(sliding.dilation) == 1 and not wide else 1.4
        return 1.05 if self.is_pointwise else 1.15


def find(reading: Reading, anchor: int) -> Sequence[int]:
    if reading.op(anchor, "linear", "conv") is None:
        return ()
    branch, value = _branch(reading, anchor)
    added = _sum_of(reading, value)
    if added is None or _last_addend(reading, added) != anchor:
        return branch if reading.op(branch[-1], "rearrange") is None else branch[:-1]
    after = _activated(reading, reading.flat.calls[added].first_output)
    return [*branch, added] if after is None else [*branch, added, after]


def _branch(reading: Reading, anchor: int) -> tuple[list[int], int]:
    """A product with its activation and its change of axes, in either order and as far as there are, and the value that
    they make."""
    found = [anchor]

    def value() -> int:
        return reading.flat.calls[found[-1]].first_output

    moved = _moving(reading, value())
    found += moved
    activation = _activated(reading, value())
    if activation is not None:
        found.append(activation)
        if reading.op(activation, "relu") is not None:
            found += _squaring(reading, value())
        found += [] if moved else _moving(reading, value())
    return found, value()


def _moving(reading: Reading, value: int) -> list[int]:
    found = reading.only_reader(value, "rearrange")
    return [] if found is None or moved_axes(found[1]) is None else [found[0]]


def _squaring(reading: Reading, value: int) -> list[int]:
    found = reading.only_reader(value, "power")
    return [] if found is None or found[1].inputs != (value, Scalar(2)) else [found[0]]


def _activated(reading: Reading, value: int) -> int | None:
    found = reading.only_reader(value, *ACTIVATIONS)
    return None if found is None or found[1].parameters else found[0]


def _sum_of(reading: Reading, value: int) -> int | None:
    """The sum of two alike that a value goes into."""
    found = reading.only_reader(value, "add")
    if found is None:
        return None
    other = [each for each in leaves(found[1].inputs) if each != value]
    return found[0] if len(other) == 1 and reading.types[other[0]] == reading.types[value] else None


def _last_addend(reading: Reading, added: int) -> int:
    """Where two products go into one sum it belongs to the later one: the anchor of that."""
    anchors: list[int] = []
    for value in leaves(reading.flat.calls[added].inputs):
        position = reading.makers.get(value)
        while position is not None and reading.op(position, "rearrange", "power", *ACTIVATIONS) is not None:
            position = reading.makers.get(next(leaves(reading.flat.calls[position].inputs)))
        if position is not None and reading.op(position, "linear", "conv") is not None:
            if _branch(reading, position)[1] == value and _sum_of(reading, value) == added:
                anchors.append(position)
    return max(anchors)


def moved_axes(call: OpCall) -> tuple[int, ...] | None:
    """The order of axes after a rearrange that does nothing else."""
    left, _, right = str(setting_of(call, "pattern")).partition("->")
    before, after = left.split(), right.split()
    if sorted(before) != sorted(after) or not all(name.isidentifier() for name in before):
        return None
    return tuple(before.index(name) for name in after)


def facts(piece: Module) -> Product:
    calls = [each for each in piece.calls if isinstance(each, OpCall)]
    added = next((place for place, each in enumerate(calls) if each.op.name == "add"), len(calls))
    other = None
    if added < len(calls):
        before = calls[added - 1].first_output
        other = next(value for value in leaves(calls[added].inputs) if value != before)
    moved = next((each for each in calls if each.op.name == "rearrange"), None)
    (source,) = leaves(calls[0].inputs)
    return Product(
        calls[0],
        len(piece.inputs),
        source,
        next((each for each in calls[1:added] if each.op.name in ACTIVATIONS), None),
        any(each.op.name == "power" for each in calls[1:added]),
        None if moved is None else moved_axes(moved),
        other,
        calls[added + 1] if added + 1 < len(calls) else None,
        None if calls[0].op.name == "linear" else _sliding(calls[0]),
    )


def _sliding(call: OpCall) -> Sliding | None:
    """None if some number is not known before the input is."""
    kernel, stride, dilation, padding = (
        cast("tuple[Any, ...]", call.resolved[name]) for name in ("kernel", "stride", "dilation", "padding")
    )
    ends: list[tuple[Any, ...]] = [pad if isinstance(pad, tuple) else (pad, pad) for pad in padding]
    groups: Any = setting_of(call, "groups")
    found = Sliding(kernel, stride, dilation, tuple(end[0] for end in ends), tuple(end[1] for end in ends), groups)
    numbers = (*found.kernel, *found.stride, *found.dilation, *found.before, *found.after, found.groups)
    return found if all(type(number) is int for number in numbers) else None
