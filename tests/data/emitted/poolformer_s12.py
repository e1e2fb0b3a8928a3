"""poolformer_s12: 11,915,176 parameters, 1,812,267,008 multiply-accumulates.

Made by archdsl 0.1.0 from zoo:poolformer_s12.
"""

import torch
import torch.nn.functional as F
from torch import Tensor, nn


def initialise(module: nn.Module) -> None:
    if isinstance(module, nn.Conv2d | nn.Linear):
        nn.init.trunc_normal_(module.weight, std=0.02)
        nn.init.zeros_(module.bias)


class Pool(nn.Module):
    """What the neighbours have more than the place itself."""

    def forward(self, x: Tensor) -> Tensor:
        return F.avg_pool2d(x, 3, stride=1, padding=1, count_include_pad=False) - x


class LayerScale(nn.Module):
    """Multiply by one learned number a channel."""

    def __init__(self, dim: int) -> None:
        super().__init__()
        self.scale = nn.Parameter(torch.full((dim,), 1e-05))

    def forward(self, x: Tensor) -> Tensor:
        return x * self.scale.reshape(1, -1, 1, 1)


class ConvMlp(nn.Module):
    """The same by 1x1 convolutions."""

    def __init__(self, dim: int, hidden: int) -> None:
        super().__init__()
        self.fc1 = nn.Conv2d(dim, hidden, 1)
        self.fc2 = nn.Conv2d(hidden, dim, 1)

    def forward(self, x: Tensor) -> Tensor:
        return self.fc2(F.gelu(self.fc1(x)))


class MetaformerBlock(nn.Module):
    """The MetaFormer pair of residuals around any mixer, on maps or on tokens."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.norm1 = nn.GroupNorm(1, channels)
        self.token_mixer = Pool()
        self.layer_scale1 = LayerScale(channels)
        self.norm2 = nn.GroupNorm(1, channels)
        self.mlp = ConvMlp(channels, hidden=4 * channels)
        self.layer_scale2 = LayerScale(channels)

    def forward(self, x: Tensor) -> Tensor:
        x = x + self.layer_scale1(self.token_mixer(self.norm1(x)))
        return x + self.layer_scale2(self.mlp(self.norm2(x)))


class MetaformerStage(nn.Module):
    """Halve the map, unless the width stays, then one `part` for each drop rate."""

    def __init__(self, dim: int, width: int, depth: int = 2) -> None:
        super().__init__()
        self.downsample = nn.ModuleDict(
            {
                "conv": (
                    nn.Conv2d(dim, width, 3, stride=2, padding=1)
                    if dim != width
                    else nn.Identity()
                )
            }
        )
        self.blocks = nn.Sequential(*[MetaformerBlock(width) for _ in range(depth)])

    def forward(self, x: Tensor) -> Tensor:
        return self.blocks(self.downsample.conv(x))


class Metaformer(nn.Module):
    """MetaFormer (arXiv 2210.13452): stages of blocks around any token mixer."""

    def __init__(self) -> None:
        super().__init__()
        self.num_features = 512
        self.stem = nn.ModuleDict({"conv": nn.Conv2d(3, 64, 7, stride=4, padding=2)})
        self.stages = nn.Sequential(
            MetaformerStage(64, width=64),
            MetaformerStage(64, width=128),
            MetaformerStage(128, width=320, depth=6),
            MetaformerStage(320, width=512),
        )
        self.head = nn.ModuleDict(
            {"norm": nn.LayerNorm(512, eps=1e-06), "fc": nn.Linear(512, 1000)}
        )
        self.apply(initialise)

    def forward(self, x: Tensor) -> Tensor:  # [batch, 3, 224, 224]
        x = self.forward_features(x)
        return self.head.fc(self.head.norm(x.mean((2, 3))))  # [batch, 1000]

    def forward_features(self, x: Tensor) -> Tensor:
        return self.stages(self.stem.conv(x))  # [batch, 512, 7, 7]

    def reset_classifier(self, classes: int) -> None:
        self.head.fc = nn.Linear(512, classes) if classes else nn.Identity()
        self.head.fc.apply(initialise)


def build() -> Metaformer:
    return Metaformer()


if __name__ == "__main__":
    print(build().eval()(torch.randn(1, 3, 224, 224)).shape)
