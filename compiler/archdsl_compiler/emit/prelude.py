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


def neighborhood_axis(
    size: int,
    kernel: int,
    dilation: int,
    tile: int,
) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    """Cuts one axis of a map into tiles of at most `tile` neighbours. Of each tile: its
    places, those that they ask together, and its kind. Of each kind: how far each asked
    place lies from each place, counted from `1 - kernel` on; -1 where it is not asked.
    """
    longest = -(-size // dilation)
    tile = -(-longest // -(-longest // tile))
    reach = min(tile + kernel - 1, longest)
    places: list[list[int]] = []
    asked: list[list[int]] = []
    kinds: list[int] = []
    offsets: dict[tuple[tuple[int, ...], ...], int] = {}
    for first in range(dilation):
        # Every `dilation`-th place, from the first on, is an axis of its own.
        length = len(range(first, size, dilation))
        for start in range(0, length, tile):
            own = [min(place, length - 1) for place in range(start, start + tile)]
            begin = max(min(start - kernel // 2, length - reach), 0)
            others = range(begin, begin + reach)
            windows = [min(max(p - kernel // 2, 0), length - kernel) for p in own]
            kind = tuple(
                tuple(o - p + kernel - 1 if 0 <= o - w < kernel else -1 for o in others)
                for p, w in zip(own, windows, strict=True)
            )
            kinds.append(offsets.setdefault(kind, len(offsets)))
            places.append([first + place * dilation for place in own])
            asked.append([first + min(o, length - 1) * dilation for o in others])
    kept = torch.tensor(list(offsets))
    return torch.tensor(places), torch.tensor(asked), torch.tensor(kinds), kept


class NeighborhoodAttention(nn.Module):
    """Each place of a map asks `kernel` places around it; at a border the window moves
    inside. Tensors are [batch, height, width, heads, channels].

    The places of a tile share a product with all places that any of them asks, and a
    mask hides from each what it does not ask itself. A tile has up to 8 by 8 places;
    maps of up to 14 by 14 are one: there, to gather some costs more than to see all.
    """

    places: Tensor
    asked: Tensor
    kinds: Tensor
    back: Tensor
    mask: Tensor
    offsets: Tensor

    def __init__(
        self,
        size: tuple[int, int],
        kernel: int | tuple[int, int],
        dilation: int | tuple[int, int] = 1,
        scale: float | None = None,
        biased: bool = False,
        tile: int | None = None,
    ):
        super().__init__()
        self.size = size
        self.scale = scale
        if tile is None:
            tile = 8 if size[0] * size[1] > 14 * 14 else 14 * 14
        height, width = (kernel, kernel) if isinstance(kernel, int) else kernel
        down, across = (dilation, dilation) if isinstance(dilation, int) else dilation
        rows = neighborhood_axis(size[0], height, down, tile)
        columns = neighborhood_axis(size[1], width, across, tile)
        # The places of the map, tile by tile, from those along its axes.
        places, asked = (
            (y[:, None, :, None] * size[1] + x[None, :, None, :]).flatten()
            for y, x in zip(rows[:2], columns[:2], strict=True)
        )
        back = torch.empty(size[0] * size[1], dtype=torch.int64)
        back[places] = torch.arange(len(places))
        kinds = (rows[2][:, None] * len(columns[3]) + columns[2]).flatten()
        self.tiles = len(kinds)
        self.register_buffer("places", places, persistent=False)
        self.register_buffer("asked", asked, persistent=False)
        self.register_buffer("kinds", kinds, persistent=False)
        self.register_buffer("back", back, persistent=False)
        # The number of each pair's offset in a tile; one more than all is no offset.
        y = rows[3][:, None, :, None, :, None]
        x = columns[3][None, :, None, :, None, :]
        none = (2 * height - 1) * (2 * width - 1)
        offsets = torch.where((y < 0) | (x < 0), none, y * (2 * width - 1) + x)
        offsets = offsets.flatten(4).flatten(2, 3).flatten(0, 1)
        if biased:
            self.register_buffer("offsets", offsets, persistent=False)
        else:
            mask = torch.zeros(offsets.shape).masked_fill(offsets == none, -torch.inf)
            self.register_buffer("mask", mask.unsqueeze(0), persistent=False)

    def forward(
        self,
        q: Tensor,
        k: Tensor,
        v: Tensor,
        bias: Tensor | None = None,
    ) -> Tensor:
        if q.shape[1:3] != self.size:
            raise ValueError(f"a map of {tuple(q.shape[1:3])}, not {self.size}")
        mask = (self.mask if bias is None else self.biases(bias)).to(q.dtype)
        if self.tiles > 1:
            mask = mask.index_select(1, self.kinds.repeat(q.shape[0]))
        q = self.cut(q, self.places)
        k, v = self.cut(k, self.asked), self.cut(v, self.asked)
        mask = mask.transpose(0, 1)
        x = F.scaled_dot_product_attention(q, k, v, mask, scale=self.scale)
        x = x.transpose(1, 2)
        if self.tiles > 1:
            # An exported product may lay its result out otherwise, so none is a view.
            x = x.clone(memory_format=torch.contiguous_format)
            x = x.unflatten(0, (-1, self.tiles)).flatten(1, 2)
            x = x.index_select(1, self.back)
        return x.unflatten(1, self.size)

    def cut(self, x: Tensor, places: Tensor) -> Tensor:
        """The places of each tile: [batch * tiles, heads, places, channels]."""
        x = x.flatten(1, 2)
        if self.tiles > 1:
            x = x.index_select(1, places).unflatten(1, (self.tiles, -1)).flatten(0, 1)
        return x.transpose(1, 2)

    def biases(self, bias: Tensor) -> Tensor:
        """The bias of each pair by its offset, which hides those that have none."""
        table = F.pad(bias.flatten(1), (0, 1), value=-torch.inf)
        found = table.index_select(1, self.offsets.flatten())
        return found.unflatten(1, self.offsets.shape)


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
