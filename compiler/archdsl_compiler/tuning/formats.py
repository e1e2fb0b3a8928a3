"""How tensors lie in memory: what a mode wants, which values are maps, and conversions from one form to another."""

from collections.abc import Callable, Sequence
from typing import TypeAlias

import torch
from torch import Tensor

from archdsl_compiler.graph import OpCall, leaves
from archdsl_compiler.kernels.contract import Mode, Operand
from archdsl_compiler.kernels.flat import Reading

Convert: TypeAlias = Callable[[Tensor], Tensor]

ON_MAPS = (
    *("conv", "conv_transpose", "convolve", "batch_norm", "instance_norm", "group_norm", "local_response_norm"),
    *("avg_pool", "max_pool", "adaptive_pool", "resize", "grid_sample", "pixel_shuffle", "pixel_unshuffle"),
)
"""Ops whose first input and whose result have channels on axis 1 and places behind it."""
POINTWISE = (
    *("add", "subtract", "multiply", "divide", "add_all", "mean_all", "relu", "relu6", "gelu", "silu", "hard_swish"),
    *("sigmoid", "tanh", "hard_sigmoid", "leaky_relu", "prelu", "clip", "concat", "negate", "layer_norm", "rms_norm"),
)
"""Ops whose result lies as their inputs do."""
LAST = {4: torch.channels_last, 5: torch.channels_last_3d}


def maps_of(reading: Reading) -> frozenset[int]:
    """Values that are maps: ops on maps read or make them, or what is computed of them place by place."""
    found: set[int] = set()
    calls = [call for call in reading.flat.calls if isinstance(call, OpCall)]
    rank = {value: len(type_.shape) for value, type_ in enumerate(reading.types)}
    for call in calls:
        if call.op.name in ON_MAPS:
            found.update((*list(leaves(call.inputs))[:1], call.first_output))
    for ordered in (calls, calls[::-1]):
        for call in ordered:
            if call.op.name in POINTWISE:
                values = [*leaves(call.inputs), call.first_output]
                alike = [value for value in values if rank[value] == rank[call.first_output]]
                if found.intersection(alike):
                    found.update(alike)
    return frozenset(value for value in found if rank[value] in LAST and value not in reading.constants)


def operand_of(tensor: Tensor) -> Operand:
    return Operand(tuple(tensor.shape), tensor.stride(), str(tensor.dtype).removeprefix("torch."))


def wanted(tensor: Tensor, mode: Mode, is_map: bool) -> Tensor:
    """The tensor as a mode wants it."""
    if is_map and mode.layout == "last" and not _is_slice_of_last(tensor):
        return tensor.contiguous(memory_format=LAST[tensor.dim()])
    return tensor


def _is_slice_of_last(tensor: Tensor) -> bool:
    """Whether it is some of the channels of a map whose channels lie last. Whoever needs them by themselves copies
    them, and not all do."""
    inner = tensor.movedim(1, -1)
    if tensor.shape[1] == 1 or inner.stride(-1) != 1 or inner.stride(-2) < tensor.shape[1]:
        return False
    step = inner.stride(-2)
    for size, stride in zip(reversed(inner.shape[:-1]), reversed(inner.stride()[:-1]), strict=True):
        if size != 1 and stride != step:
            return False
        step *= size
    return True


def in_dtype(tensor: Tensor, mode: Mode) -> Tensor:
    """Real numbers in the dtype of the mode; others stay."""
    return tensor.to(getattr(torch, mode.dtype)) if tensor.dtype.is_floating_point else tensor


def form_text(operand: Operand) -> str:
    """How a tensor lies, for keys; axes of one place have no order."""
    strides = (stride if size != 1 else 0 for size, stride in zip(operand.shape, operand.strides, strict=True))
    return f"[{operand.dtype} {','.join(map(str, strides))}]"


def dense_strides(shape: Sequence[int], like: Sequence[int]) -> tuple[int, ...]:
    """Strides of a tensor without gaps, of this shape, whose axes follow each other as in these strides."""
    strides, step = [0] * len(shape), 1
    for axis in sorted(range(len(shape)), key=lambda axis: (-like[axis], axis), reverse=True):
        strides[axis] = step
        step *= shape[axis]
    return tuple(strides)


def same_form(left: Operand, right: Operand) -> bool:
    """Whether tensors lie alike; axes of one place have no order."""
    if left.dtype != right.dtype:
        return False
    pairs = zip(left.shape, left.strides, right.strides, strict=True)
    return all(size == 1 or one == other for size, one, other in pairs)


def conversion(source: Operand, goal: Operand) -> Convert | None:
    """What brings a tensor into another form; none where it is there. Strides of views are no goal: whoever reads them
    takes dense ones as well."""
    steps: list[Convert] = []
    dtype: torch.dtype = getattr(torch, goal.dtype)
    if source.dtype != goal.dtype:
        steps.append(lambda x: x.to(dtype))
    if not same_form(source, Operand(goal.shape, goal.strides, source.dtype)):
        if is_last(goal):
            format_ = LAST[len(goal.shape)]
            steps.append(lambda x: x.contiguous(memory_format=format_))
        elif is_dense(goal):
            steps.append(lambda x: x.contiguous())
    if not steps:
        return None
    return steps[0] if len(steps) == 1 else lambda x: steps[1](steps[0](x))


def is_dense(operand: Operand) -> bool:
    expected = 1
    for size, stride in zip(reversed(operand.shape), reversed(operand.strides), strict=True):
        if size != 1 and stride != expected:
            return False
        expected *= size
    return True


def is_last(operand: Operand) -> bool:
    """Whether the channels, axis 1, lie last, and not also in order."""
    if len(operand.shape) not in LAST or is_dense(operand):
        return False
    order = (0, *range(2, len(operand.shape)), 1)
    moved = Operand(
        tuple(operand.shape[axis] for axis in order), tuple(operand.strides[axis] for axis in order), operand.dtype
    )
    return is_dense(moved)


def sample_of(operand: Operand, generator: torch.Generator, device: torch.device | str = "cpu") -> Tensor:
    """A tensor in this form: noise, or zeros of whole numbers, which every table has a place for. On each device it is
    the same noise."""
    dtype: torch.dtype = getattr(torch, operand.dtype)
    once = [size if stride else min(size, 1) for size, stride in zip(operand.shape, operand.strides, strict=True)]
    made = torch.empty_strided(once, operand.strides, dtype=dtype, device=device)
    real = dtype.is_floating_point or dtype.is_complex
    made = made.copy_(torch.randn(once, generator=generator)) if real else made.zero_()
    return made.expand(operand.shape)
