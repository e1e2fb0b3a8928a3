"""efficientvit_m0: 2,349,436 parameters, 79,193,600 multiply-accumulates.

Made by archdsl 0.1.0 from zoo:efficientvit_m0.
"""

import torch
import torch.nn.functional as F
from torch import Tensor, nn


def initialise(module: nn.Module) -> None:
    if isinstance(module, nn.Linear):
        nn.init.trunc_normal_(module.weight, std=0.02)
        nn.init.zeros_(module.bias)


def batch_norm2(*sizes: int, **settings) -> nn.BatchNorm2d:
    layer = nn.BatchNorm2d(*sizes, **settings)
    nn.init.zeros_(layer.weight)
    return layer


class ConvBn(nn.Module):
    """Convolution without bias, then batch norm, under two names: every family has its
    own.
    """

    def __init__(
        self, dim: int, out: int, kernel: int = 1, stride: int = 1, groups: int = 1
    ) -> None:
        super().__init__()
        self.conv = nn.Conv2d(
            dim,
            out,
            kernel,
            stride=stride,
            padding=kernel // 2,
            groups=groups,
            bias=False,
        )
        self.bn = nn.BatchNorm2d(out)

    def forward(self, x: Tensor) -> Tensor:
        return self.bn(self.conv(x))


class ConvBn2(nn.Module):
    """Convolution without bias, then batch norm, under two names: every family has its
    own.
    """

    def __init__(self, dim: int, out: int) -> None:
        super().__init__()
        self.conv = nn.Conv2d(dim, out, 1, bias=False)
        self.bn = batch_norm2(out)

    def forward(self, x: Tensor) -> Tensor:
        return self.bn(self.conv(x))


class Local(nn.Module):
    """Each place and its neighbours, channel by channel."""

    def __init__(self, dim: int) -> None:
        super().__init__()
        self.conv = nn.Conv2d(dim, dim, 3, padding=1, groups=dim, bias=False)
        self.bn = batch_norm2(dim)

    def forward(self, x: Tensor) -> Tensor:
        return self.bn(self.conv(x))


class Local2(nn.Module):
    """Each place and its neighbours, channel by channel."""

    def __init__(self, dim: int) -> None:
        super().__init__()
        self.conv = nn.Conv2d(dim, dim, 3, padding=1, groups=dim, bias=False)
        self.bn = nn.BatchNorm2d(dim)

    def forward(self, x: Tensor) -> Tensor:
        return self.bn(self.conv(x))


class Ffn(nn.Module):
    def __init__(self, dim: int) -> None:
        super().__init__()
        self.pw1 = ConvBn(dim, out=2 * dim)
        self.pw2 = ConvBn2(2 * dim, out=dim)

    def forward(self, x: Tensor) -> Tensor:
        return self.pw2(F.relu(self.pw1(x)))


class CascadedAttention(nn.Module):
    """Each head sees its share of the channels plus what the head before it found."""

    def __init__(self, dim: int, height: int = 7) -> None:
        super().__init__()
        self.size = dim // 4
        self.height = height
        self.attention_biases = nn.Parameter(torch.zeros(4, height * height))
        self.qkvs = nn.ModuleList(
            [ConvBn(dim // 4, out=2 * 16 + dim // 4) for _ in range(4)]
        )
        self.dws = nn.ModuleList(
            [ConvBn(16, out=16, kernel=5, groups=16) for _ in range(4)]
        )
        self.proj = nn.ModuleList([nn.Identity(), ConvBn2(dim, out=dim)])
        y = torch.arange(height)
        z = y.repeat_interleave(height)
        y = y.repeat(height)
        z = (z.unsqueeze(-1) - z).abs() * height + (y.unsqueeze(-1) - y).abs()
        self.register_buffer("index", z, persistent=False)

    def forward(self, x: Tensor) -> Tensor:
        y, z, u, v = self.attention_biases[:, self.index].unbind(0)
        part, a, b, value_1 = x.chunk(4, dim=1)
        q, k, value_2 = self.qkvs[0](part).split([16, 16, self.size], dim=1)
        q = self.dws[0](q).flatten(2).transpose(1, 2) * 0.25 @ k.flatten(2) + y
        answer = q.softmax(dim=-1) @ value_2.flatten(2).transpose(1, 2)
        answer = answer.transpose(1, 2).unflatten(-1, (self.height, -1))
        q, k, y = self.qkvs[1](a + answer).split([16, 16, self.size], dim=1)
        q = self.dws[1](q).flatten(2).transpose(1, 2) * 0.25 @ k.flatten(2) + z
        q = q.softmax(dim=-1) @ y.flatten(2).transpose(1, 2)
        q = q.transpose(1, 2).unflatten(-1, (self.height, -1))
        y, k, z = self.qkvs[2](b + q).split([16, 16, self.size], dim=1)
        y = self.dws[2](y).flatten(2).transpose(1, 2) * 0.25 @ k.flatten(2) + u
        y = y.softmax(dim=-1) @ z.flatten(2).transpose(1, 2)
        y = y.transpose(1, 2).unflatten(-1, (self.height, -1))
        z, k, u = self.qkvs[3](value_1 + y).split([16, 16, self.size], dim=1)
        z = self.dws[3](z).flatten(2).transpose(1, 2) * 0.25 @ k.flatten(2) + v
        z = z.softmax(dim=-1) @ u.flatten(2).transpose(1, 2)
        z = z.transpose(1, 2).unflatten(-1, (self.height, -1))
        return self.proj[1](F.relu(torch.cat([answer, q, y, z], dim=1)))


class WindowCascade(nn.Module):
    """The same in windows; a map of exactly one window is used as it is."""

    def __init__(self, dim: int, height: int = 7, variant: bool = False) -> None:
        super().__init__()
        self.variant = variant
        self.attn = CascadedAttention(dim, height=height)

    def forward(self, x: Tensor) -> Tensor:
        if self.variant:
            x = x.unflatten(-1, (-1, 7)).unflatten(2, (-1, 7)).permute(0, 2, 4, 1, 3, 5)
            x = x.flatten(0, 2)
        x = self.attn(x)
        if self.variant:
            x = x.unflatten(0, (-1, 2, 2)).permute(0, 3, 1, 4, 2, 5).flatten(4)
            x = x.flatten(2, 3)
        return x


class Residual(nn.Module):
    """A residual around any mixer, which sits at `m`."""

    def __init__(self, dim: int) -> None:
        super().__init__()
        self.m = Local(dim)

    def forward(self, x: Tensor) -> Tensor:
        return x + self.m(x)


class FfnResidual(nn.Module):
    """A residual around any mixer, which sits at `m`."""

    def __init__(self, dim: int) -> None:
        super().__init__()
        self.m = Ffn(dim)

    def forward(self, x: Tensor) -> Tensor:
        return x + self.m(x)


class WindowCascadeResidual(nn.Module):
    """A residual around any mixer, which sits at `m`."""

    def __init__(self, dim: int, height: int = 7, variant: bool = False) -> None:
        super().__init__()
        self.m = WindowCascade(dim, height=height, variant=variant)

    def forward(self, x: Tensor) -> Tensor:
        return x + self.m(x)


class Residual2(nn.Module):
    """A residual around any mixer, which sits at `m`."""

    def __init__(self, dim: int) -> None:
        super().__init__()
        self.m = Local2(dim)

    def forward(self, x: Tensor) -> Tensor:
        return x + self.m(x)


class EfficientvitBlock(nn.Module):
    def __init__(self, dim: int, height: int = 7, variant: bool = False) -> None:
        super().__init__()
        self.dw0 = Residual(dim)
        self.ffn0 = FfnResidual(dim)
        self.mixer = WindowCascadeResidual(dim, height=height, variant=variant)
        self.dw1 = Residual(dim)
        self.ffn1 = FfnResidual(dim)

    def forward(self, x: Tensor) -> Tensor:
        x = self.dw1(self.mixer(self.ffn0(self.dw0(x))))
        return self.ffn1(x)


class SqueezeExcite(nn.Module):
    """Scale every channel by what the whole map says about it."""

    def __init__(self, dim: int, hidden: int) -> None:
        super().__init__()
        self.fc1 = nn.Conv2d(dim, hidden, 1)
        self.fc2 = nn.Conv2d(hidden, dim, 1)

    def forward(self, x: Tensor) -> Tensor:
        y = self.fc2(F.relu(self.fc1(x.mean((2, 3), keepdim=True))))
        return x * y.sigmoid()


class PatchMerge(nn.Module):
    def __init__(self, dim: int, out: int) -> None:
        super().__init__()
        self.conv1 = ConvBn(dim, out=4 * dim)
        self.conv2 = ConvBn(4 * dim, out=4 * dim, kernel=3, stride=2, groups=4 * dim)
        self.se = SqueezeExcite(4 * dim, hidden=dim)
        self.conv3 = ConvBn(4 * dim, out=out)

    def forward(self, x: Tensor) -> Tensor:
        x = F.relu(self.conv2(F.relu(self.conv1(x))))
        return self.conv3(self.se(x))


class Downsample(nn.Module):
    def __init__(self, dim: int, out: int) -> None:
        super().__init__()
        self.res1 = nn.Sequential(Residual2(dim), FfnResidual(dim))
        self.patchmerge = PatchMerge(dim, out=out)
        self.res2 = nn.Sequential(Residual2(out), FfnResidual(out))

    def forward(self, x: Tensor) -> Tensor:
        return self.res2(self.patchmerge(self.res1(x)))


class EfficientvitStage(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.blocks = nn.Sequential(EfficientvitBlock(64, variant=True))

    def forward(self, x: Tensor) -> Tensor:  # [batch, 64, 14, 14]
        return self.blocks(x)


class DownsampleEfficientvitStage(nn.Module):
    def __init__(self, dim: int, depth: int, out: int, height: int) -> None:
        super().__init__()
        self.downsample = Downsample(dim, out=out)
        self.blocks = nn.Sequential(
            *[EfficientvitBlock(out, height=height) for _ in range(depth)]
        )

    def forward(self, x: Tensor) -> Tensor:
        return self.blocks(self.downsample(x))


class Efficientvit(nn.Module):
    """EfficientViT (arXiv 2305.07027): one attention between many feed-forward layers,
    whose heads work one after the other.
    """

    def __init__(self) -> None:
        super().__init__()
        self.num_features = 192
        self.patch_embed = nn.ModuleDict(
            {
                "conv1": ConvBn(3, out=8, kernel=3, stride=2),
                "conv2": ConvBn(8, out=16, kernel=3, stride=2),
                "conv3": ConvBn(16, out=32, kernel=3, stride=2),
                "conv4": ConvBn(32, out=64, kernel=3, stride=2),
            }
        )
        self.stages = nn.Sequential(
            EfficientvitStage(),
            DownsampleEfficientvitStage(64, depth=2, out=128, height=7),
            DownsampleEfficientvitStage(128, depth=3, out=192, height=4),
        )
        self.head = nn.ModuleDict(
            {"bn": nn.BatchNorm1d(192), "linear": nn.Linear(192, 1000)}
        )
        self.apply(initialise)

    def forward(self, x: Tensor) -> Tensor:  # [batch, 3, 224, 224]
        x = self.forward_features(x)
        return self.head.linear(self.head.bn(x.mean((2, 3))))  # [batch, 1000]

    def forward_features(self, x: Tensor) -> Tensor:
        x = F.relu(self.patch_embed.conv2(F.relu(self.patch_embed.conv1(x))))
        return self.stages(self.patch_embed.conv4(F.relu(self.patch_embed.conv3(x))))

    def reset_classifier(self, classes: int) -> None:
        self.head.linear = nn.Linear(192, classes) if classes else nn.Identity()
        self.head.linear.apply(initialise)


def build() -> Efficientvit:
    return Efficientvit()


if __name__ == "__main__":
    print(build().eval()(torch.randn(1, 3, 224, 224)).shape)
