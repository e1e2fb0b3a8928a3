"""Takes out calls that change nothing, such as a roll by 0, and what is added to zeros.

A value that a call passes on as it is is replaced by the input; the call itself goes. Nothing is taken out whose result
has another type than its input, and nothing that runs in a dtype of its own."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import ClassVar, cast

from archdsl_compiler.graph import Call, Module, OpCall, Place, Scalar, Structure
from archdsl_compiler.ops.contract import Inferred
from archdsl_compiler.ops.elementwise import add_all
from archdsl_compiler.ops.patterns import ELLIPSIS, Axis, parse
from archdsl_compiler.passes.rewriting import argument_types, rebuilt, rewrite_each, unique_modules, value_types
from archdsl_compiler.types import TensorType


@dataclass(frozen=True)
class Simplify:
    """Without `zeros`, what is added to `zero(...)` stays. With `alike`, a dropout of rate 0 stays where the component
    has another rate elsewhere, so that all its instances keep one form and are one class in the emitted code. With
    `inference`, what works in training alone goes."""

    zeros: bool = True
    alike: bool = True
    inference: bool = False
    name: ClassVar[str] = "simplify"

    def apply(self, root: Module) -> Module:
        dropping = places_that_drop(root) if self.alike and not self.inference else frozenset[Place]()
        return rewrite_each(root, lambda module: self._simplified(module, dropping))

    def _simplified(self, module: Module, dropping: frozenset[Place]) -> Module:
        types = value_types(module)
        calls: list[Call] = []
        replaced: dict[int, int] = {}
        zeros: set[int] = set()
        for call in module.calls:
            if isinstance(call, OpCall) and not _in_own_dtype(call):
                # In evaluation `in_training(zero)` passes its input on.
                if self.zeros and not call.wrappers:
                    call = _without_zeros(call, zeros, types)
                    if _is_zero(call, zeros):
                        zeros.update(range(call.first_output, call.first_output + len(call.outputs)))
                same = self._passed_on(call, types) if call.place not in dropping else None
                if same is not None:
                    replaced[call.first_output] = same
                    continue
            calls.append(call)
        return rebuilt(module, calls, replaced)

    def _passed_on(self, call: OpCall, types: Sequence[TensorType]) -> int | None:
        if self.inference and (call.op.name in DROPOUTS or "in_training" in call.wrappers):
            value = _first(call) if not call.parameters and len(call.outputs) == 1 else None
            return value if value is not None and types[value] == call.outputs[0] else None
        return passed_on(call, types)


DROPOUTS = ("dropout", "drop_path")


def _in_own_dtype(call: OpCall) -> bool:
    return any(wrapper != "in_training" for wrapper in call.wrappers)


def places_that_drop(root: Module) -> frozenset[Place]:
    """Where in the sources dropouts stand that have a rate in some module of the graph."""
    return frozenset(
        call.place
        for module in unique_modules(root)
        for call in module.calls
        if isinstance(call, OpCall) and call.op.name in DROPOUTS and call.settings["rate"] != 0
    )


def passed_on(call: OpCall, types: Sequence[TensorType]) -> int | None:
    """The value that the call gives on unchanged, if it does."""
    test = NO_CHANGE.get(call.op.name)
    if test is None or len(call.outputs) != 1 or call.parameters:
        return None
    value = test(call, types)
    return value if value is not None and types[value] == call.outputs[0] else None


Test = Callable[[OpCall, Sequence[TensorType]], "int | None"]


def _first(call: OpCall) -> int | None:
    structure = call.inputs[0]
    return structure if isinstance(structure, int) and structure >= 0 else None


def _if(holds: Callable[[OpCall, TensorType], bool]) -> Test:
    """The first tensor, where this holds of the call and of that tensor's type."""

    def test(call: OpCall, types: Sequence[TensorType]) -> int | None:
        value = _first(call)
        return value if value is not None and holds(call, types[value]) else None

    return test


def _only_one(call: OpCall, types: Sequence[TensorType]) -> int | None:
    listed = call.inputs[0]
    if isinstance(listed, tuple) and len(listed) == 1 and isinstance(listed[0], int):
        return listed[0]
    return None


def _with_number(number: int, either_side: bool) -> Test:
    """The tensor, where the other operand is this number."""

    def test(call: OpCall, types: Sequence[TensorType]) -> int | None:
        left, right = call.inputs[:2]
        if isinstance(left, int) and isinstance(right, Scalar) and right.value == number:
            return left
        if either_side and isinstance(right, int) and isinstance(left, Scalar) and left.value == number:
            return right
        return None

    return test


def _numbers(value: object) -> tuple[object, ...]:
    return cast("tuple[object, ...]", value) if isinstance(value, tuple) else (value,)


def _axes(call: OpCall) -> tuple[int, ...]:
    return cast("tuple[int, ...]", call.resolved["axes"])


def _same_pattern(call: OpCall, x: TensorType) -> bool:
    pattern = parse(cast(str, call.settings["pattern"]), repeats=call.op.name == "repeat")
    return _bare(pattern.left) == _bare(pattern.right)


def _bare(axes: tuple[Axis, ...]) -> tuple[tuple[str, ...], ...]:
    """Axes by their names alone: parentheses around a single one mean nothing, but those around `...` join axes."""
    return tuple(("()", *axis.names) if axis.grouped and ELLIPSIS in axis.names else axis.names for axis in axes)


def _takes_everything(call: OpCall, x: TensorType) -> bool:
    places = cast("tuple[object, ...]", call.resolved["places"])
    return (
        all(place in ("all", (0, size, 1)) for place, size in zip(places, x.shape, strict=False))
        and "tensor" not in places
    )


def _over_ones(call: OpCall, x: TensorType) -> bool:
    return bool(call.settings.get("keep")) and all(x.shape[axis] == 1 for axis in _axes(call))


def _of_one_place(call: OpCall, x: TensorType) -> bool:
    found = (*_numbers(call.resolved["kernel"]), *_numbers(call.resolved["stride"]))
    return all(number == 1 for number in found) and all(number == 0 for number in _numbers(call.resolved["padding"]))


def _always(call: OpCall, x: TensorType) -> bool:
    return True


_REDUCED = _if(_over_ones)
_POOLED = _if(_of_one_place)
_SAME_PATTERN = _if(_same_pattern)
_NO_RATE = _if(lambda call, x: call.settings["rate"] == 0)
_SAME_TYPE = _if(_always)
# How to see that a call changes nothing, once its result has the type of its input.
NO_CHANGE: Mapping[str, Test] = {
    "roll": _if(
        lambda call, x: all(
            shift == 0 or x.shape[axis] == 1
            for shift, axis in zip(_numbers(call.resolved["shift"]), _axes(call), strict=True)
        )
    ),
    "pad": _SAME_TYPE,
    "reshape": _SAME_TYPE,
    "expand": _SAME_TYPE,
    "adaptive_pool": _SAME_TYPE,
    "flip": _if(lambda call, x: all(x.shape[axis] == 1 for axis in _axes(call))),
    "rearrange": _SAME_PATTERN,
    "repeat": _SAME_PATTERN,
    "index": _if(_takes_everything),
    "concat": _only_one,
    "add_all": _only_one,
    "mean_all": _only_one,
    "minimum_all": _only_one,
    "maximum_all": _only_one,
    "split": _SAME_TYPE,
    "dropout": _NO_RATE,
    "drop_path": _NO_RATE,
    "add_noise": _if(lambda call, x: call.settings["std"] == 0),
    "avg_pool": _POOLED,
    "max_pool": _POOLED,
    "mean": _REDUCED,
    "sum": _REDUCED,
    "max": _REDUCED,
    "min": _REDUCED,
    "float32": _SAME_TYPE,
    "float16": _SAME_TYPE,
    "bfloat16": _SAME_TYPE,
    "int64": _SAME_TYPE,
    "bool": _SAME_TYPE,
    "add": _with_number(0, True),
    "subtract": _with_number(0, False),
    "multiply": _with_number(1, True),
    "divide": _with_number(1, False),
    "power": _with_number(1, False),
}


# ---- zeros

# Ops that give zeros for zeros, whatever their other settings are.
_KEEP_ZEROS = frozenset(
    "negate rearrange repeat reshape expand roll flip transpose split index avg_pool adaptive_pool mean sum abs relu "
    "relu6 gelu silu tanh hard_swish dropout drop_path zero".split()
)


def _is_zero(call: OpCall, zeros: set[int]) -> bool:
    """Whether a call is known to give zeros. What is multiplied by zeros is none of them: it may hold infinities."""
    if call.op.name == "zero":
        return True
    if call.op.name in ("add", "subtract", "add_all", "concat", "stack"):
        return bool(call.inputs) and all(_zero(part, zeros) for given in call.inputs for part in _numbers(given))
    if call.op.name in _KEEP_ZEROS:
        return _zero(call.inputs[0], zeros)
    return False


def _zero(structure: object, zeros: set[int]) -> bool:
    return isinstance(structure, int) and structure in zeros


def _without_zeros(call: OpCall, zeros: set[int], types: Sequence[TensorType]) -> OpCall:
    """The sum without those of its terms that are zeros, where that leaves its type alone. A single term is left as a
    sum of one, which passes it on."""
    if call.op.name == "add_all":
        listed = cast("tuple[Structure, ...]", call.inputs[0])
        kept = tuple(term for term in listed if not _zero(term, zeros)) or listed[:1]
        return _sum_of(call, kept, types) if len(kept) < len(listed) else call
    if call.op.name in ("add", "subtract"):
        left, right = call.inputs
        if _zero(right, zeros) and isinstance(left, int):
            return _sum_of(call, (left,), types)
        if call.op.name == "add" and _zero(left, zeros) and isinstance(right, int):
            return _sum_of(call, (right,), types)
    return call


def _sum_of(call: OpCall, terms: tuple[Structure, ...], types: Sequence[TensorType]) -> OpCall:
    given = argument_types(terms, types.__getitem__)
    found: Inferred = add_all.rule(given)
    if found.result != call.outputs[0]:
        return call
    return replace(call, op=add_all, inputs=(terms,), settings={}, resolved=found.resolved, hints={})
