"""convnext_atto: 3,695,520 parameters, 547,332,480 multiply-accumulates.

Made by archdsl 0.1.0 from zoo:convnext_atto.
"""

import torch
import torch.nn.functional as F
from torch import Tensor, nn


class LayerNorm2d(nn.LayerNorm):
    """Normalizes the channels of a map at each place."""

    def forward(self, input: Tensor) -> Tensor:
        return super().forward(input.permute(0, 2, 3, 1)).permute(0, 3, 1, 2)


def initialise(module: nn.Module) -> None:
    if isinstance(module, nn.Conv2d | nn.Linear):
        nn.init.trunc_normal_(module.weight, std=0.02)
        nn.init.zeros_(module.bias)


class ConvMlp(nn.Module):
    """The same by 1x1 convolutions."""

    def __init__(self, dim: int, hidden: int) -> None:
        super().__init__()
        self.fc1 = nn.Conv2d(dim, hidden, 1)
        self.fc2 = nn.Conv2d(hidden, dim, 1)

    def forward(self, x: Tensor) -> Tensor:
        return self.fc2(F.gelu(self.fc1(x)))


class ConvnextBlock(nn.Module):
    """Mix places, then channels, by linear layers or by the same as 1x1 convolutions;
    one residual around both.
    """

    def __init__(self, dim: int) -> None:
        super().__init__()
        self.conv_dw = nn.Conv2d(dim, dim, 7, padding=3, groups=dim)
        self.norm = LayerNorm2d(dim, eps=1e-06)
        self.mlp = ConvMlp(dim, hidden=4 * dim)
        self.gamma = nn.Parameter(torch.full((dim,), 1e-06))

    def forward(self, x: Tensor) -> Tensor:
        y = self.mlp(self.norm(self.conv_dw(x))) * self.gamma.reshape(1, -1, 1, 1)
        return x + y


class ConvnextStage(nn.Module):
    def __init__(self, dim: int, width: int, depth: int = 2) -> None:
        super().__init__()
        self.downsample = (
            nn.Sequential(
                LayerNorm2d(dim, eps=1e-06), nn.Conv2d(dim, width, 2, stride=2)
            )
            if dim != width
            else nn.Identity()
        )
        self.blocks = nn.Sequential(*[ConvnextBlock(width) for _ in range(depth)])

    def forward(self, x: Tensor) -> Tensor:
        return self.blocks(self.downsample(x))


class Convnext(nn.Module):
    """ConvNeXt (arXiv 2201.03545): large depthwise convolutions in blocks that are made
    like a transformer's.
    """

    def __init__(self) -> None:
        super().__init__()
        self.num_features = 320
        self.stem = nn.Sequential(
            nn.Conv2d(3, 40, 4, stride=4), LayerNorm2d(40, eps=1e-06)
        )
        self.stages = nn.Sequential(
            ConvnextStage(40, width=40),
            ConvnextStage(40, width=80),
            ConvnextStage(80, width=160, depth=6),
            ConvnextStage(160, width=320),
        )
        self.head = nn.ModuleDict(
            {"norm": nn.LayerNorm(320, eps=1e-06), "fc": nn.Linear(320, 1000)}
        )
        self.apply(initialise)

    def forward(self, x: Tensor) -> Tensor:  # [batch, 3, 224, 224]
        x = self.forward_features(x)
        return self.head.fc(self.head.norm(x.mean((2, 3))))  # [batch, 1000]

    def forward_features(self, x: Tensor) -> Tensor:
        return self.stages(self.stem(x))  # [batch, 320, 7, 7]

    def reset_classifier(self, classes: int) -> None:
        self.head.fc = nn.Linear(320, classes) if classes else nn.Identity()
        self.head.fc.apply(initialise)


def build() -> Convnext:
    return Convnext()


if __name__ == "__main__":
    print(build().eval()(torch.randn(1, 3, 224, 224)).shape)
