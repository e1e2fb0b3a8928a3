"""Classes and functions that emitted source may need beside PyTorch's.

Emission copies the text of those that are used, so each stands by itself, on torch and on others of this module, in
lines of 88."""

# PyTorch's own annotations are not complete, and a comment in a class would be copied with it.
# pyright: reportUnknownMemberType=false, reportUnknownVariableType=false, reportUnknownArgumentType=false
# pyright: reportPrivateUsage=false

import torch
from torch import Tensor, nn
from torch.nn import functional as F


def drop_path(x: Tensor, rate: float, training: bool) -> Tensor:
    """In training, leaves out whole elements of the batch and enlarges the others."""
    if rate == 0.0 or not training:
        return x
    keep = 1.0 - rate
    mask = x.new_empty(x.shape[0], *[1] * (x.ndim - 1)).bernoulli_(keep)
    return x * (mask / keep if keep > 0.0 else mask)


def pad_same(
    x: Tensor,
    kernel: tuple[int, ...],
    stride: tuple[int, ...],
    dilation: tuple[int, ...],
    value: float = 0.0,
) -> Tensor:
    """Pads for a window at every stride, as TensorFlow does: the odd one at the end."""
    pads: list[int] = []
    for n, k, s, d in zip(x.shape[2:], kernel, stride, dilation, strict=True):
        total = max((-(-n // s) - 1) * s + d * (k - 1) + 1 - n, 0)
        pads = [total // 2, total - total // 2, *pads]
    return F.pad(x, pads, value=value)


class SameConv1d(nn.Conv1d):
    """A convolution whose padding follows the size of the input, as in TensorFlow."""

    def forward(self, input: Tensor) -> Tensor:
        x = pad_same(input, self.kernel_size, self.stride, self.dilation)
        return self._conv_forward(x, self.weight, self.bias)


class SameConv2d(nn.Conv2d):
    """A convolution whose padding follows the size of the input, as in TensorFlow."""

    def forward(self, input: Tensor) -> Tensor:
        x = pad_same(input, self.kernel_size, self.stride, self.dilation)
        return self._conv_forward(x, self.weight, self.bias)


class SameConv3d(nn.Conv3d):
    """A convolution whose padding follows the size of the input, as in TensorFlow."""

    def forward(self, input: Tensor) -> Tensor:
        x = pad_same(input, self.kernel_size, self.stride, self.dilation)
        return self._conv_forward(x, self.weight, self.bias)


class LayerNorm2d(nn.LayerNorm):
    """Normalizes the channels of a map at each place."""

    def forward(self, input: Tensor) -> Tensor:
        return super().forward(input.permute(0, 2, 3, 1)).permute(0, 3, 1, 2)


class LayerNormAt(nn.LayerNorm):
    """Layer norm over an axis that need not be the last one."""

    def __init__(self, axis: int, channels: int, eps: float = 1e-5, bias: bool = True):
        super().__init__(channels, eps=eps, bias=bias)
        self.axis = axis

    def forward(self, input: Tensor) -> Tensor:
        return super().forward(input.movedim(self.axis, -1)).movedim(-1, self.axis)


class RMSNormAt(nn.RMSNorm):
    """RMS norm over an axis that need not be the last one."""

    def __init__(self, axis: int, channels: int, eps: float):
        super().__init__(channels, eps=eps)
        self.axis = axis

    def forward(self, x: Tensor) -> Tensor:
        return super().forward(x.movedim(self.axis, -1)).movedim(-1, self.axis)


class BatchNormLast(nn.BatchNorm1d):
    """Batch norm with the channels in the last axis."""

    def forward(self, input: Tensor) -> Tensor:
        return super().forward(input.flatten(0, -2)).view_as(input)


class BatchNormAt(nn.BatchNorm1d):
    """Batch norm with the channels in any axis."""

    def __init__(
        self,
        axis: int,
        channels: int,
        eps: float = 1e-5,
        momentum: float = 0.1,
        affine: bool = True,
    ):
        super().__init__(channels, eps, momentum, affine)
        self.axis = axis

    def forward(self, input: Tensor) -> Tensor:
        x = input.movedim(self.axis, -1)
        return super().forward(x.flatten(0, -2)).view(x.shape).movedim(-1, self.axis)


def batch_norm(
    x: Tensor,
    mean: Tensor,
    variance: Tensor,
    batches: Tensor,
    weight: Tensor | None,
    bias: Tensor | None,
    training: bool,
    axis: int = 1,
    eps: float = 1e-5,
    momentum: float = 0.1,
) -> Tensor:
    """Batch norm of parameters at hand, with the channels in any axis."""
    if training:
        batches.add_(1)
    x = x.transpose(1, axis)
    x = F.batch_norm(x, mean, variance, weight, bias, training, momentum, eps)
    return x.transpose(1, axis)


def expert_linear(
    x: Tensor,
    chosen: Tensor,
    weight: Tensor,
    bias: Tensor | None = None,
) -> Tensor:
    """A linear for each expert, of the vectors for which it was chosen."""
    biases = [None] * len(weight) if bias is None else bias.unbind()
    experts = list(zip(weight.unbind(), biases, strict=True))
    if torch.compiler.is_compiling():
        # How many vectors an expert gets is not known, so every expert takes them all.
        result = F.linear(x, *experts[0])
        for number, expert in enumerate(experts[1:], start=1):
            picked = (chosen == number).unsqueeze(-1)
            result = torch.where(picked, F.linear(x, *expert), result)
        return result
    order = chosen.flatten().argsort()
    counts = chosen.flatten().bincount(minlength=len(weight)).tolist()
    rows = x.flatten(0, 1)[order].split(counts)
    parts = [F.linear(part, *pair) for part, pair in zip(rows, experts, strict=True)]
    return torch.cat(parts)[order.argsort()].unflatten(0, chosen.shape)


class ExpertLinear(nn.Module):
    """A linear for each expert; every vector visits the one that is chosen for it."""

    def __init__(self, experts: int, inside: int, out: int, bias: bool = True):
        super().__init__()
        like = [nn.Linear(inside, out, bias) for _ in range(experts)]
        self.weight = nn.Parameter(torch.stack([e.weight.detach() for e in like]))
        self.bias = None
        if bias:
            self.bias = nn.Parameter(torch.stack([e.bias.detach() for e in like]))

    def forward(self, x: Tensor, chosen: Tensor) -> Tensor:
        return expert_linear(x, chosen, self.weight, self.bias)


def container(
    parts: dict[str, nn.Module | Tensor],
    module: nn.Module | None = None,
) -> nn.Module:
    """A module with these parts beside its own; without one, it only holds them."""
    module = nn.Module() if module is None else module
    for name, part in parts.items():
        if isinstance(part, nn.Module):
            module._modules[name] = part
        elif isinstance(part, nn.Parameter):
            module._parameters[name] = part
        else:
            module._buffers[name] = part
    return module


def at_least_float32(x: Tensor) -> Tensor:
    """The same numbers in 32 bits, or in 64 if they are."""
    return x if x.dtype == torch.float64 else x.float()


def in_dtype(dtype: torch.dtype, module: nn.Module, *inputs: Tensor) -> Tensor:
    """What a module gives in a dtype of its own, without autocast. Numbers of 64 bits
    stay as they are.
    """
    with torch.autocast(inputs[0].device.type, enabled=False):
        if inputs[0].dtype == torch.float64:
            return module(*inputs)
        inputs = tuple(x.to(dtype) if x.is_floating_point() else x for x in inputs)
        state = dict(module.named_parameters()) | dict(module.named_buffers())
        cast = {k: v.to(dtype) for k, v in state.items() if v.is_floating_point()}
        if all(v is state[k] for k, v in cast.items()):
            return module(*inputs)
        return torch.func.functional_call(module, cast, inputs)


class Switched(nn.Module):
    """A module with a part that is called as PyTorch's switch for training."""

    def __setattr__(self, name: str, value: bool | nn.Module | Tensor) -> None:
        if isinstance(value, bool):
            self.__dict__[name] = value
        else:
            super().__setattr__(name, value)
