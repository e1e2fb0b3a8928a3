"""For detection and segmentation: the model gives the feature maps of its stages, first to last, instead of its result.

What only led to the result is left for `eliminate-dead-code`. Maps with channels last are turned, so that all are
[b, c, h, w]."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import ClassVar

from archdsl_compiler.graph import Call, Module, ModuleCall, OpCall, stage_values
from archdsl_compiler.ops.registry import ops
from archdsl_compiler.passes.rewriting import fresh_value, rebuilt, value_types
from archdsl_compiler.types import TensorType


@dataclass(frozen=True, slots=True)
class Feature:
    """One feature map: the stage that gives it, its channels, and how many pixels a place of it stands for."""

    path: str
    channels: int
    reduction: int


@dataclass(frozen=True)
class KeepFeatures:
    """Runs first, while stages are still modules."""

    name: ClassVar[str] = "keep-features"

    def apply(self, root: Module) -> Module:
        types = value_types(root)
        calls: list[Call] = list(root.calls)
        following = fresh_value(root)
        results: list[int] = []
        kinds: list[TensorType] = []
        last = _channels_last(root)
        for value in stage_values(root):
            if not last.get(value, False):
                results.append(value)
                kinds.append(types[value])
                continue
            turned = _turned(value, types[value], following, root)
            if (found := _already(root, turned)) is not None:
                turned = found
            else:
                calls.append(turned)
                following += 1
            results.append(turned.first_output)
            kinds += turned.outputs
        if tuple(results) == root.outputs and not root.exposed:
            return root
        given = replace(root, outputs=tuple(results), output_types=tuple(kinds), exposed={})
        return rebuilt(given, calls)


def features_of(root: Module) -> tuple[Feature, ...]:
    """What the feature maps of a model are."""
    types = value_types(root)
    last = _channels_last(root)
    size = root.input_types[0].shape[-1] if root.input_types and root.input_types[0].shape else 0
    owners = {call.first_output: call for call in root.calls if isinstance(call, ModuleCall)}
    found: list[Feature] = []
    for value in stage_values(root):
        shape = [part if isinstance(part, int) else 0 for part in types[value].shape]
        if len(shape) == 4:
            channels, side = (shape[3], shape[2]) if last.get(value, False) else (shape[1], shape[3])
        else:
            channels, side = (shape[-1] if shape else 0), 0
        reduction = size // side if isinstance(size, int) and side else 0
        found.append(Feature(owners[value].label if value in owners else "", channels, reduction))
    return tuple(found)


def _channels_last(root: Module) -> Mapping[int, bool]:
    """Which feature maps are [b, h, w, c]: those of stages whose text binds the channels after the sides."""
    found: dict[int, bool] = {}
    for call in root.calls:
        if isinstance(call, ModuleCall) and call.module.kind == "stage" and len(call.outputs[0].shape) == 4:
            axes = [name for name in call.module.bindings if name in ("c", "h", "w")]
            found[call.first_output] = bool(axes) and axes[-1] == "c"
    return found


def _already(root: Module, turned: OpCall) -> OpCall | None:
    """The call that turns the same map, if there is one."""
    made = (call for call in root.calls if isinstance(call, OpCall) and call.op is turned.op)
    return next((c for c in made if (c.inputs, c.settings) == (turned.inputs, turned.settings)), None)


def _turned(value: int, type_: TensorType, number: int, root: Module) -> OpCall:
    op = ops()["rearrange"]
    pattern = "b h w c -> b c h w"
    inferred = op.rule(type_, pattern=pattern)
    settings = {"pattern": pattern}
    return OpCall(op, "", (value,), settings, inferred.resolved, {}, (), number, (inferred.result,), 0, (), root.place)
