"""Leaves out the division by a sum that is 1 in any case: that of a softmax, or of a mixture of several.

    w = g * softmax(a) + (1 - g) * softmax(b)           w / sum(w, axes=-1, keep=true)  is  w

Exact but for rounding: the sum of a softmax is 1 to the last digits."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar, cast

from archdsl_compiler.graph import Call, Module, OpCall, Scalar
from archdsl_compiler.passes.rewriting import rebuilt, rewrite_each, value_types
from archdsl_compiler.sizes import Size


@dataclass(frozen=True)
class SkipNormalizing:
    """Has no options."""

    name: ClassVar[str] = "skip-normalizing"

    def apply(self, root: Module) -> Module:
        return rewrite_each(root, skipped)


def skipped(module: Module) -> Module:
    """One module without such divisions."""
    if not any(isinstance(call, OpCall) and call.op.name == "softmax" for call in module.calls):
        return module
    sums = _Sums(module)
    replaced: dict[int, int] = {}
    calls: list[Call] = []
    for call in module.calls:
        value = sums.divided(call)
        if value is None:
            calls.append(call)
        else:
            replaced[call.first_output] = value
    return rebuilt(module, calls, replaced)


class _Sums:
    """What is known of sums along an axis, which is counted from the end: -1 is the last."""

    def __init__(self, module: Module) -> None:
        self._types = value_types(module)
        self._made: Mapping[int, OpCall] = {
            call.first_output: call
            for call in module.calls
            if isinstance(call, OpCall) and len(call.outputs) == 1 and not call.wrappers
        }

    def divided(self, call: Call) -> int | None:
        """The value that a call divides by its sum, where that is 1."""
        if not isinstance(call, OpCall) or call.op.name != "divide" or call.wrappers:
            return None
        value, divisor = call.inputs
        total = self._maker(divisor, "sum")
        if total is None or not isinstance(value, int) or total.inputs[0] != value or not total.settings.get("keep"):
            return None
        axes = cast("tuple[int, ...]", total.resolved["axes"])
        if len(axes) != 1 or self._types[value] != call.outputs[0]:
            return None
        shape = self._types[value].shape
        axis = axes[0] - len(shape)
        return value if self._is_one(value, axis, shape[axis]) else None

    def _is_one(self, value: object, axis: int, size: Size) -> bool:
        """Whether the sum along an axis is 1, once the value has this size there."""
        softmax = self._maker(value, "softmax")
        if softmax is not None:
            shape = softmax.outputs[0].shape
            return cast(int, softmax.resolved["axis"]) - len(shape) == axis and shape[axis] == size
        total = self._maker(value, "add")
        if total is None:
            return False
        left, right = (self._maker(term, "multiply") for term in total.inputs)
        if left is None or right is None:
            return False
        for share, one in (left.inputs, left.inputs[::-1]):
            for rest, other in (right.inputs, right.inputs[::-1]):
                if self._are_shares(share, rest, axis) and all(self._is_one(each, axis, size) for each in (one, other)):
                    return True
        return False

    def _are_shares(self, share: object, rest: object, axis: int) -> bool:
        """Whether two factors are g and 1 - g, the same all along the axis."""
        for one, other in ((share, rest), (rest, share)):
            difference = self._maker(other, "subtract")
            if isinstance(one, int) and difference is not None and difference.inputs == (Scalar(1), one):
                shape = self._types[one].shape
                return len(shape) < -axis or shape[axis] == 1
        return False

    def _maker(self, value: object, name: str) -> OpCall | None:
        call = self._made.get(value) if isinstance(value, int) else None
        return call if call is not None and call.op.name == name else None
