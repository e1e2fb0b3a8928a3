"""Makes one convolution of several that see the same input and are summed: 3x3 and 1x1 and the input itself.

Kernels are laid over each other, each behind as many zeros as its padding lacks; the input itself is a kernel with a
single 1, and a batch norm of the input, as it is after training, one with its scale. That holds where strides, groups
and dilations agree. It is done only where the merged kernel has no more places than the branches together: 1x7 and
7x1 stay apart. Run `fold-batch-norm` before it. What is made is for inference only."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from math import prod
from typing import ClassVar, cast

from archdsl_compiler.graph import Call, Module, OpCall, Structure, leaves
from archdsl_compiler.ops.contract import OpFault
from archdsl_compiler.ops.convolution import conv
from archdsl_compiler.ops.elementwise import add_all
from archdsl_compiler.ops.operators import add
from archdsl_compiler.passes.rewriting import (
    fresh_value,
    op_call_like,
    own_parameters,
    rebuilt,
    rewrite_with_weights,
    setting_of,
    uses,
    value_types,
)
from archdsl_compiler.passes.weight_map import Branch, Change, MergedBranches, WeightMap
from archdsl_compiler.types import TensorType


@dataclass(frozen=True)
class MergeBranches:
    """Without `residual`, the input itself is not merged, so that `x + conv(x)` stays."""

    residual: bool = True
    name: ClassVar[str] = "merge-branches"

    def apply(self, root: Module) -> Module:
        return self.transform(root)[0]

    def transform(self, root: Module) -> tuple[Module, WeightMap]:
        return rewrite_with_weights(root, self._merged)

    def _merged(self, module: Module) -> tuple[Module, tuple[Change, ...]]:
        changes: list[Change] = []
        while (found := self._one(module)) is not None:
            module, change = found
            changes.append(change)
        return module, tuple(changes)

    def _one(self, module: Module) -> tuple[Module, Change] | None:
        """The module with the branches of one sum merged, if any can be."""
        own = {call.first_output: call for call in own_parameters(module) if not call.wrappers}
        if not any(call.op is conv for call in own.values()):
            return None
        counts, types = uses(module), value_types(module)
        made = {call.first_output: call for call in module.calls}
        # The last sum of a chain holds the others.
        for call in reversed(module.calls):
            if not _is_sum(call):
                continue
            inner, terms = _terms(call, made, counts)
            if any(types[term] != call.outputs[0] for term in terms):
                continue
            branches = [own[term] for term in terms if term in own and counts[term] == 1]
            for like in (branch for branch in branches if branch.op is conv):
                group = [branch for branch in branches if _belongs(branch, like)]
                source = cast(int, like.inputs[0])
                passes_on = self.residual and source in terms
                merged = _merged_conv(group, passes_on, types[source], call.outputs[0])
                if merged is not None:
                    return _put(module, call, inner, terms, source if passes_on else None, *merged)
        return None


def _belongs(branch: OpCall, like: OpCall) -> bool:
    """Whether a branch may be one of those that are merged with the convolution `like`."""
    if branch.inputs != like.inputs or branch.op is not conv:
        return branch.inputs == like.inputs and branch.op.name == "batch_norm"
    same_steps = branch.resolved["stride"] == like.resolved["stride"]
    return same_steps and setting_of(branch, "groups") == setting_of(like, "groups")


def _is_sum(call: Call) -> bool:
    return isinstance(call, OpCall) and call.op in (add, add_all) and not call.wrappers


def _terms(call: Call, made: dict[int, Call], counts: dict[int, int]) -> tuple[list[Call], list[int]]:
    """The sums that a sum is made of, itself among them, and what they add up; nothing else reads the inner ones."""
    inner, terms = [call], list[int]()
    for value in leaves(call.inputs):
        below = made.get(value)
        if below is not None and _is_sum(below) and counts[value] == 1:
            more, found = _terms(below, made, counts)
            inner += more
            terms += found
        else:
            terms.append(value)
    return inner, terms


Merged = tuple[OpCall, list[OpCall], MergedBranches]


def _merged_conv(group: list[OpCall], passes_on: bool, x: TensorType, result: TensorType) -> Merged | None:
    """The convolution that some branches are together, those branches, and how its weights follow from theirs."""
    convs = [call for call in group if call.op is conv]
    if not convs or any(not is_plain(call) for call in convs):
        return None
    largest = max(convs, key=lambda call: prod(_kernel(call)))
    steps, groups = largest.resolved["stride"], setting_of(largest, "groups")
    gaps = _dilation(convs)
    if gaps is None:
        return None
    alone = all(step == 1 for step in cast("tuple[int, ...]", steps)) and x == result
    norms = [call for call in group if call.op.name == "batch_norm" and call.resolved["axis"] == 1 and alone]
    branches = [*convs, *norms]
    point = (1,) * len(gaps), (0,) * len(gaps)
    windows = [(_kernel(call), _padding(call)) for call in convs] + [point] * (len(norms) + passes_on)
    if (passes_on and not alone) or len(windows) < 2:
        return None
    together = _overlaid(windows, gaps)
    if together is None:
        return None
    kernel, padding, offsets = together
    bias = bool(norms) or any(_has_bias(call) for call in convs)
    settings: dict[str, object] = {"out": setting_of(largest, "out"), "kernel": kernel, "padding": padding}
    settings |= {"stride": steps, "dilation": gaps, "groups": groups, "bias": bias}
    try:
        call = op_call_like(largest, conv, {name: short(value) for name, value in settings.items()}, [x])
    except OpFault:
        return None
    if call.outputs[0] != result:
        return None
    records = [_branch(call, offset) for call, offset in zip(branches, offsets, strict=False)]
    if passes_on:
        records.append(Branch("input", "", offsets[-1]))
    shape = cast("tuple[int, ...]", call.parameters[0].shape)
    return call, branches, MergedBranches(largest.label, tuple(records), shape, cast(int, groups), bias)


Window = tuple[tuple[int, ...], tuple[int, ...]]
"""A kernel's sizes and its padding, for each axis."""


def _overlaid(
    windows: Sequence[Window], gaps: tuple[int, ...]
) -> tuple[tuple[int, ...], tuple[int, ...], list[tuple[int, ...]]] | None:
    """The sizes and the padding of one kernel that holds all, and where each begins in it; none if they fall between
    its places, or if it would have more places than they have together."""
    padding = tuple(max(column) for column in zip(*(pads for _, pads in windows), strict=True))
    offsets: list[tuple[int, ...]] = []
    for _, pads in windows:
        missing = [most - own for most, own in zip(padding, pads, strict=True)]
        if any(number % gap for number, gap in zip(missing, gaps, strict=True)):
            return None
        offsets.append(tuple(number // gap for number, gap in zip(missing, gaps, strict=True)))
    ends = [
        [size + offset for size, offset in zip(sizes, shifts, strict=True)]
        for (sizes, _), shifts in zip(windows, offsets, strict=True)
    ]
    kernel = tuple(max(column) for column in zip(*ends, strict=True))
    if prod(kernel) > sum(prod(sizes) for sizes, _ in windows):
        return None
    return kernel, padding, offsets


def _branch(call: OpCall, offset: tuple[int, ...]) -> Branch:
    if call.op is conv:
        return Branch("conv", call.label, offset, bias=_has_bias(call))
    affine = any(parameter.name == "weight" for parameter in call.parameters)
    return Branch("norm", call.label, offset, affine=affine, eps=float(cast(float, setting_of(call, "eps"))))


def _put(
    module: Module,
    outer: Call,
    inner: list[Call],
    terms: list[int],
    source: int | None,
    merged: OpCall,
    branches: list[OpCall],
    change: MergedBranches,
) -> tuple[Module, Change]:
    """The module with the merged convolution where the sum was, and a sum of it and what is left if anything is."""
    first = fresh_value(module)
    merged = replace(merged, first_output=first)
    gone = {call.first_output for call in branches}
    rest = [term for term in terms if term not in gone]
    if source is not None:
        rest.remove(source)
    calls: list[Call] = []
    replaced: dict[int, int] = {}
    for call in module.calls:
        if call is outer:
            calls.append(merged)
            if rest:
                calls.append(_sum(cast(OpCall, outer), [first, *rest]))
            else:
                replaced[outer.first_output] = first
        elif call.first_output not in gone and not any(call is part for part in inner):
            calls.append(call)
    return rebuilt(module, calls, replaced), change


def _sum(outer: OpCall, terms: Sequence[int]) -> OpCall:
    inputs: tuple[Structure, ...] = tuple(terms) if len(terms) == 2 else (tuple(terms),)
    return replace(outer, op=add if len(terms) == 2 else add_all, inputs=inputs, settings={}, resolved={}, hints={})


def is_plain(call: OpCall) -> bool:
    """Whether the padding is the same at both ends."""
    return all(isinstance(number, int) for number in cast("tuple[object, ...]", call.resolved["padding"]))


def _dilation(convs: Sequence[OpCall]) -> tuple[int, ...] | None:
    """The dilation that all convolutions agree on; where a kernel has one place it may have any."""
    found: list[int] = []
    for axis in range(len(_kernel(convs[0]))):
        gaps = {cast("tuple[int, ...]", c.resolved["dilation"])[axis] for c in convs if _kernel(c)[axis] > 1}
        if len(gaps) > 1:
            return None
        found.append(gaps.pop() if gaps else 1)
    return tuple(found)


def _kernel(call: OpCall) -> tuple[int, ...]:
    return cast("tuple[int, ...]", call.resolved["kernel"])


def _padding(call: OpCall) -> tuple[int, ...]:
    return cast("tuple[int, ...]", call.resolved["padding"])


def _has_bias(call: OpCall) -> bool:
    return any(parameter.name == "bias" for parameter in call.parameters)


def short(value: object) -> object:
    """One number where all axes have the same."""
    if not isinstance(value, tuple):
        return value
    numbers = cast("tuple[object, ...]", value)
    return numbers[0] if len(set(numbers)) == 1 else numbers
