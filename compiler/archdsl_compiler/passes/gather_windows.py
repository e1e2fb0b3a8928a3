"""Takes the places of a map by one index where they would be moved twice: rolled, then cut into windows, or put
together from windows and rolled back.

Each step of such a chain copies the map; one `index_select` along the joined places copies it once. The index is what
the chain makes of the numbers 0 to n - 1, a constant. It holds where batches stay outside and channels inside."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from math import prod
from typing import ClassVar, cast

from archdsl_compiler.graph import Call, Module, OpCall
from archdsl_compiler.ops.arrangement import rearrange
from archdsl_compiler.ops.checks import whole
from archdsl_compiler.ops.constants import arange
from archdsl_compiler.ops.contract import Op
from archdsl_compiler.ops.indexing import index
from archdsl_compiler.ops.patterns import Solution, parse, solve
from archdsl_compiler.passes.rewriting import op_call_like, rebuilt, rewrite_each, uses, value_types
from archdsl_compiler.sizes import Size
from archdsl_compiler.types import TensorType

ROLLED = ("roll", "flip")
LETTERS = "ijklmnop"


@dataclass(frozen=True)
class GatherWindows:
    """Has no options."""

    name: ClassVar[str] = "gather-windows"

    def apply(self, root: Module) -> Module:
        return rewrite_each(root, _gathered)


def _gathered(module: Module) -> Module:
    while (chain := _chain(module)) is not None:
        module = _with_index(module, *chain)
    return module


def _chain(module: Module) -> tuple[list[OpCall], Size] | None:
    """Calls that follow each other and move places alone, two of them by copying; and how many batches there are."""
    types, counts = value_types(module), uses(module)
    readers = {value: call for call in module.calls if isinstance(call, OpCall) for value in _source(call)}
    made = {call.first_output: call for call in module.calls}
    for start in module.calls:
        if not isinstance(start, OpCall) or not _source(start):
            continue
        batch = _batch(start, types)
        before = made.get(_source(start)[0])
        follows = isinstance(before, OpCall) and _source(before) and counts[before.first_output] == 1
        if batch is None or (follows and _batch(cast(OpCall, before), types) == batch):
            continue
        chain = [start]
        while counts[chain[-1].first_output] == 1 and (after := readers.get(chain[-1].first_output)) is not None:
            if _batch(after, types) != batch:
                break
            chain.append(after)
        copies = sum(_copies(call, types) for call in chain)
        shapes = (types[_source(start)[0]].shape, chain[-1].outputs[0].shape)
        known = all(isinstance(n, int) for shape in shapes for n in (*shape[1:], _windows(shape[0], batch) or None))
        if (
            copies > 1
            and known
            and all(len(shape) > 2 for shape in shapes)
            and any(call.op.name in ROLLED for call in chain)
        ):
            return chain, batch
    return None


def _source(call: Call) -> tuple[int, ...]:
    """What a call moves, if that is all it does."""
    moves = isinstance(call, OpCall) and call.op.name in (*ROLLED, "rearrange") and not call.wrappers
    return (call.inputs[0],) if moves and isinstance(call.inputs[0], int) else ()


def _solution(call: OpCall, types: Sequence[TensorType]) -> Solution:
    text = cast(str, call.settings["pattern"])
    given = cast("dict[str, Size]", {name: size for name, size in call.settings.items() if name != "pattern"})
    return solve(parse(text), types[_source(call)[0]], given, text)


def _batch(call: OpCall, types: Sequence[TensorType]) -> Size | None:
    """The size of what stays outermost, if the last axis stays innermost too."""
    x = types[_source(call)[0]]
    if len(x.shape) < 3 or x.dtype not in ("real", "float32"):
        return None
    if call.op.name in ROLLED:
        axes = cast("tuple[int, ...]", call.resolved["axes"])
        return x.shape[0] if all(0 < axis < len(x.shape) - 1 for axis in axes) else None
    found = _solution(call, types)
    left, right = found.left, found.right
    ends = left[0].names, right[0].names, left[-1].names, right[-1].names
    if not all(ends) or len(right) < 2 or len(ends[2]) != 1 or ends[2] != ends[3] or ends[0][0] != ends[1][0]:
        return None
    return found.sizes[ends[0][0]]


def _copies(call: OpCall, types: Sequence[TensorType]) -> bool:
    """Whether numbers change their order."""
    if call.op.name in ROLLED:
        return True
    found = _solution(call, types)
    left, right = (
        [name for axis in side for name in axis.names if found.sizes[name] != 1] for side in (found.left, found.right)
    )
    return left != right


def _with_index(module: Module, chain: Sequence[OpCall], batch: Size) -> Module:
    """The module with an index in the place of the chain."""
    last = chain[-1]
    source = _source(chain[0])[0]
    types = value_types(module)
    before, after = _Form.of(types[source].shape, batch), _Form.of(last.outputs[0].shape, batch)
    work = _Work(last, types)
    table = work.call(arange, (), {"n": prod(before.sizes)})
    table = work.rearranged(table, f"({before.names}) -> {before.outer('1')} {before.inner} 1", before.given)
    for call in chain:
        settings = dict(call.settings)
        if call.op is rearrange and (outermost := _solution(call, types).left[0].names[0]) in settings:
            settings[outermost] = 1
        table = work.call(call.op, (table,), settings)
    table = work.rearranged(table, f"{after.outer('1')} {after.inner} 1 -> ({after.names})", {})
    flat = work.rearranged(source, f"{before.outer('b')} {before.inner} c -> b ({before.names}) c", before.given)
    taken = work.call(index, (flat, table), {"places": ("all", "tensor")})
    final = work.rearranged(taken, f"b ({after.names}) c -> {after.outer('b')} {after.inner} c", after.given)
    calls: list[Call] = []
    for call in module.calls:
        if call is last:
            calls += work.calls
        elif not any(call is part for part in chain):
            calls.append(call)
    return rebuilt(module, calls, {last.first_output: final})


@dataclass(frozen=True, slots=True)
class _Form:
    """How many windows lie beside each other outside, and the axes between those and the channels."""

    windows: int
    axes: tuple[int, ...]

    @classmethod
    def of(cls, shape: Sequence[Size], batch: Size) -> "_Form":
        return cls(_windows(shape[0], batch), cast("tuple[int, ...]", tuple(shape[1:-1])))

    @property
    def sizes(self) -> tuple[int, ...]:
        return (self.windows, *self.axes) if self.windows > 1 else self.axes

    @property
    def inner(self) -> str:
        return " ".join(LETTERS[: len(self.axes)])

    @property
    def names(self) -> str:
        """All of them, outermost first."""
        return f"n {self.inner}" if self.windows > 1 else self.inner

    @property
    def given(self) -> dict[str, int]:
        """The sizes of all but the last."""
        return dict(zip(self.names.split()[:-1], self.sizes[:-1], strict=True))

    def outer(self, batch: str) -> str:
        """The first axis: batches, and windows in them."""
        if self.windows == 1:
            return batch
        return "n" if batch == "1" else f"({batch} n)"


def _windows(outer: Size, batch: Size) -> int:
    found = 1 if outer == batch else whole(outer // batch)
    return found if isinstance(found, int) else 0


class _Work:
    """New calls, in the place of another one."""

    def __init__(self, like: OpCall, types: Sequence[TensorType]) -> None:
        self.like = replace(like, label="", hints={})
        self.types = list(types)
        self.calls: list[OpCall] = []

    def call(self, op: Op, inputs: tuple[int, ...], settings: Mapping[str, object]) -> int:
        """The value that a new call gives."""
        made = op_call_like(self.like, op, settings, [self.types[value] for value in inputs])
        self.calls.append(replace(made, inputs=inputs, first_output=len(self.types)))
        self.types += made.outputs
        return self.calls[-1].first_output

    def rearranged(self, value: int, pattern: str, sizes: Mapping[str, int]) -> int:
        left, right = (side.strip() for side in pattern.replace("(i)", "i").split("->"))
        if left == right:
            return value
        named = {name: size for name, size in sizes.items() if "(" in left}
        return self.call(rearrange, (value,), {"pattern": f"{left} -> {right}", **named})
