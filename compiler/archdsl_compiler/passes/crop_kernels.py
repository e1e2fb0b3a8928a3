"""Crops kernels that reach beyond the map from wherever they stand: what meets zeros alone need not be multiplied.

A kernel of 21 over a map of 7 is one of 13, and one of 7 with gaps of 3 is one of 5. That is exact for maps of the size
that the graph was made for, and for no other, so it is done to programs that take this size alone."""

from dataclasses import dataclass
from typing import ClassVar, cast

from archdsl_compiler.graph import Call, Module, OpCall
from archdsl_compiler.passes.merge_branches import is_plain, short
from archdsl_compiler.passes.rewriting import op_call_like, own_parameters, rebuilt, rewrite_with_weights, value_types
from archdsl_compiler.passes.weight_map import Change, Cropped, WeightMap
from archdsl_compiler.sizes import Size
from archdsl_compiler.types import TensorType


@dataclass(frozen=True)
class CropKernels:
    """Has no options."""

    name: ClassVar[str] = "crop-kernels"

    def apply(self, root: Module) -> Module:
        return self.transform(root)[0]

    def transform(self, root: Module) -> tuple[Module, WeightMap]:
        return rewrite_with_weights(root, cropped)


def cropped(module: Module) -> tuple[Module, tuple[Change, ...]]:
    """One module, and what became of its parameters."""
    own = {call.first_output for call in own_parameters(module) if call.op.name == "conv"}
    types = value_types(module)
    calls: list[Call] = []
    changes: list[Change] = []
    for call in module.calls:
        found = None
        if isinstance(call, OpCall) and call.first_output in own and not call.wrappers and is_plain(call):
            found = _cropped(call, types[cast(int, call.inputs[0])])
        if found is not None:
            call, change = found
            changes.append(change)
        calls.append(call)
    return rebuilt(module, calls), tuple(changes)


def _cropped(call: OpCall, x: TensorType) -> tuple[OpCall, Change] | None:
    """A convolution with what its kernel is on this map."""
    kernel, stride, padding, dilation = (
        cast("tuple[int, ...]", call.resolved[name]) for name in ("kernel", "stride", "padding", "dilation")
    )
    spans = [
        _met(size, places, *numbers)
        for size, places, *numbers in zip(
            x.shape[2:], call.outputs[0].shape[2:], kernel, stride, padding, dilation, strict=True
        )
    ]
    if spans == [(0, size) for size in kernel]:
        return None
    settings = dict(call.settings)
    settings["kernel"] = short(tuple(stop - start for start, stop in spans))
    settings["padding"] = short(
        tuple(pad - start * gap for pad, gap, (start, _) in zip(padding, dilation, spans, strict=True))
    )
    changed = op_call_like(call, call.op, settings, [x])
    # Where zeros are cut at one end alone, no padding says so.
    if changed.outputs != call.outputs:
        return None
    return changed, Cropped(call.label, tuple(spans))


def _met(size: Size, places: Size, kernel: int, stride: int, padding: int, dilation: int) -> tuple[int, int]:
    """From where to where the kernel meets the map along one axis, wherever it stands."""
    if not isinstance(size, int) or not isinstance(places, int):
        return 0, kernel
    last = (places - 1) * stride - padding
    meets = [
        part
        for part in range(kernel)
        if any(0 <= start + part * dilation < size for start in range(-padding, last + 1, stride))
    ]
    # A kernel of which only the end is cut would need zeros at one end of the map alone.
    start = min(meets[0], kernel - 1 - meets[-1], padding // dilation)
    return start, kernel - start
