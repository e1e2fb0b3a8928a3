"""Two small nets as emitted source: one of convolutions over a video, which gives lists, and one of attention between
two inputs."""

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from archdsl_compiler.emit.execute import instantiate

VIDEO = """\
import torch
from torch import nn
from torch.nn import functional as F


class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.stem = nn.Conv3d(3, 8, (1, 3, 3), stride=(1, 2, 2), padding=(0, 1, 1))
        self.mix = nn.Conv2d(8, 8, 3, padding=1, groups=8)
        self.norm = nn.GroupNorm(1, 8)
        self.head = nn.Linear(8, 5)
        self.register_buffer("scale", torch.full((8, 1, 1), 0.5))

    def forward(self, x):
        x = F.relu(self.stem(x))
        batch, channels, frames, height, width = x.shape
        x = x.transpose(1, 2).reshape(batch * frames, channels, height, width)
        x = x + self.norm(F.gelu(self.mix(x))) * self.scale
        seen = x.reshape(batch, frames, channels, height, width).mean(1)
        return [seen, (self.head(seen.mean((2, 3))), seen.sum((2, 3)))]


def build():
    return Net()
"""

ATTENTION = """\
from torch import nn
from torch.nn import functional as F


class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.norm = nn.LayerNorm(32)
        self.query = nn.Linear(32, 32)
        self.key_value = nn.Linear(32, 64)
        self.project = nn.Linear(32, 32)

    def forward(self, x, memory):
        query = self.query(self.norm(x)).unflatten(-1, (4, 8)).transpose(1, 2)
        key, value = self.key_value(memory).unflatten(-1, (4, 16)).transpose(1, 2).chunk(2, -1)
        mixed = F.scaled_dot_product_attention(query, key, value)
        return x + self.project(mixed.transpose(1, 2).flatten(2))


def build():
    return Net()
"""


@dataclass(frozen=True, slots=True)
class Net:
    """A source with the shapes of its inputs, without the batch."""

    source: str
    shapes: tuple[tuple[int, ...], ...]

    def model(self) -> nn.Module:
        """The same weights each time, in eval mode."""
        state = torch.get_rng_state()
        torch.manual_seed(7)
        made = instantiate(self.source).eval()
        torch.set_rng_state(state)
        return made

    def inputs(self, batch: int, seed: int = 1) -> list[Tensor]:
        random = torch.Generator().manual_seed(seed)
        return [torch.randn((batch, *shape), generator=random) for shape in self.shapes]


NETS = {
    "video": Net(VIDEO, ((3, 4, 16, 16),)),
    "attention": Net(ATTENTION, ((9, 32), (6, 32))),
}


def worst(expected: Sequence[Tensor], found: Sequence[Tensor]) -> float:
    """The largest difference, as a share of the largest number."""
    pairs = zip(expected, found, strict=True)
    return max(((left - right).abs().max() / left.abs().max()).item() for left, right in pairs)
