"""swin_tiny_patch4_window7_224: 28,288,354 parameters, 4,490,566,656 multiply-accumulates.

Made by archdsl 0.1.0 from zoo:swin_tiny_patch4_window7_224.
"""

import torch
import torch.nn.functional as F
from torch import Tensor, nn


def initialise(module: nn.Module) -> None:
    if isinstance(module, nn.Linear):
        nn.init.trunc_normal_(module.weight, std=0.02)
        if module.bias is not None:
            nn.init.zeros_(module.bias)


class WindowAttention(nn.Module):
    """Attention inside windows of a map [b, h, w, c]; `shift` rolls the map first, so
    that windows exchange tokens.
    """

    def __init__(self, dim: int, heads: int, height: int, up: int = 0) -> None:
        super().__init__()
        self.up = up
        self.heads = heads
        self.size = height // 7
        self.relative_position_bias_table = nn.Parameter(
            nn.init.trunc_normal_(torch.empty(169, heads), std=0.02)
        )
        self.qkv = nn.Linear(dim, 3 * dim)
        self.proj = nn.Linear(dim, dim)
        y = torch.arange(7)
        z = y.repeat_interleave(7)
        y = y.repeat(7)
        z = (z.unsqueeze(-1) - z + 7 - 1) * 13 + (y.unsqueeze(-1) - y + 7 - 1)
        self.register_buffer("index", z, persistent=False)
        if up:
            y = torch.arange(height)
            y = (y >= height - 7).long() + (y >= height - 3).long()
            region = (3 * y).unsqueeze(-1) + y
            tokens = region.unflatten(-1, (-1, 7)).unflatten(0, (-1, 7)).transpose(1, 2)
            tokens = tokens.flatten(2).flatten(0, 1)
            tokens = torch.where(
                tokens.unsqueeze(-1) == tokens.unsqueeze(1), 0.0, -100.0
            )
            tokens = tokens.unsqueeze(1)
            self.register_buffer("table", tokens, persistent=False)

    def forward(self, x: Tensor) -> Tensor:
        bias = self.relative_position_bias_table[self.index].permute(2, 0, 1)
        if self.up:
            bias = bias + self.table
            x = x.roll((-3, -3), (1, 2))
        x = x.unflatten(2, (-1, 7)).unflatten(1, (-1, 7)).transpose(2, 3).flatten(3, 4)
        x = x.flatten(1, 2)
        x = self.qkv(x).unflatten(-1, (3, self.heads, -1)).permute(3, 0, 1, 4, 2, 5)
        queries, keys, values = x.unbind(0)
        queries = queries @ keys.transpose(-2, -1) * 0.1767766952966369 + bias
        queries = self.proj(
            (queries.softmax(dim=-1) @ values).transpose(2, 3).flatten(3)
        )
        queries = queries.unflatten(2, (7, 7)).unflatten(1, (self.size, self.size))
        queries = queries.transpose(2, 3).flatten(3, 4).flatten(1, 2)
        if self.up:
            queries = queries.roll((3, 3), (1, 2))
        return queries


class Mlp(nn.Module):
    """Linear, activation, linear."""

    def __init__(self, dim: int, hidden: int) -> None:
        super().__init__()
        self.fc1 = nn.Linear(dim, hidden)
        self.fc2 = nn.Linear(hidden, dim)

    def forward(self, x: Tensor) -> Tensor:
        return self.fc2(F.gelu(self.fc1(x)))


class SwinBlock(nn.Module):
    def __init__(self, dim: int, height: int, up: int = 0) -> None:
        super().__init__()
        self.norm1 = nn.LayerNorm(dim)
        self.attn = WindowAttention(dim, heads=dim // 32, height=height, up=up)
        self.norm2 = nn.LayerNorm(dim)
        self.mlp = Mlp(dim, hidden=4 * dim)

    def forward(self, x: Tensor) -> Tensor:
        x = x + self.attn(self.norm1(x))
        return x + self.mlp(self.norm2(x))


class PatchMerging(nn.Module):
    """Four neighbours become one token of twice the width; the column offset is the
    slow index.
    """

    def __init__(self, dim: int) -> None:
        super().__init__()
        self.norm = nn.LayerNorm(4 * dim)
        self.reduction = nn.Linear(4 * dim, 2 * dim, bias=False)

    def forward(self, x: Tensor) -> Tensor:
        x = x.unflatten(1, (-1, 2)).transpose(2, 3).unflatten(2, (-1, 2)).flatten(3)
        return self.reduction(self.norm(x))


class SwinStage(nn.Module):
    """A block for each of `drops`; they take the `mixers` in turn."""

    def __init__(
        self, dim: int, dim_2: int, height: int, ups: list[int], merge: bool = True
    ) -> None:
        super().__init__()
        self.downsample = PatchMerging(dim) if merge else nn.Identity()
        self.blocks = nn.Sequential(
            *[SwinBlock(dim_2, height=height, up=up) for up in ups]
        )

    def forward(self, x: Tensor) -> Tensor:
        return self.blocks(self.downsample(x))


class Swin(nn.Module):
    """Swin Transformer (arXiv 2103.14030): attention inside windows, which are shifted
    in every second block.
    """

    def __init__(self) -> None:
        super().__init__()
        self.num_features = 768
        self.patch_embed = nn.ModuleDict(
            {"proj": nn.Conv2d(3, 96, 4, stride=4), "norm": nn.LayerNorm(96)}
        )
        self.layers = nn.Sequential(
            SwinStage(96, dim_2=96, height=56, ups=[0, 3], merge=False),
            SwinStage(96, dim_2=192, height=28, ups=[0, 3]),
            SwinStage(192, dim_2=384, height=14, ups=[0, 3, 0, 3, 0, 3]),
            SwinStage(384, dim_2=768, height=7, ups=[0, 0]),
        )
        self.norm = nn.LayerNorm(768)
        self.head = nn.ModuleDict({"fc": nn.Linear(768, 1000)})
        self.apply(initialise)

    def forward(self, x: Tensor) -> Tensor:  # [batch, 3, 224, 224]
        x = self.forward_features(x)
        return self.head.fc(x.mean((1, 2)))  # [batch, 1000]

    def forward_features(self, x: Tensor) -> Tensor:
        x = self.patch_embed.norm(self.patch_embed.proj(x).permute(0, 2, 3, 1))
        return self.norm(self.layers(x))  # [batch, 7, 7, 768]

    def reset_classifier(self, classes: int) -> None:
        self.head.fc = nn.Linear(768, classes) if classes else nn.Identity()
        self.head.fc.apply(initialise)


def build() -> Swin:
    return Swin()


if __name__ == "__main__":
    print(build().eval()(torch.randn(1, 3, 224, 224)).shape)
