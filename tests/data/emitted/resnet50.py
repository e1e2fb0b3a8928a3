"""resnet50: 25,557,032 parameters, 4,089,184,256 multiply-accumulates.

Made by archdsl 0.1.0 from zoo:resnet50.
"""

import torch
import torch.nn.functional as F
from torch import Tensor, nn


def initialise(module: nn.Module) -> None:
    if isinstance(module, nn.Conv2d):
        nn.init.kaiming_normal_(module.weight, mode="fan_out")


def batch_norm2(*sizes: int, **settings) -> nn.BatchNorm2d:
    layer = nn.BatchNorm2d(*sizes, **settings)
    nn.init.zeros_(layer.weight)
    return layer


class Bottleneck(nn.Module):
    """A 3x3 convolution at a quarter of the block's width, and a way around."""

    def __init__(self, dim: int, width: int, variant: bool, stride: int = 1) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(dim, width, 1, bias=False)
        self.bn1 = nn.BatchNorm2d(width)
        self.conv2 = nn.Conv2d(width, width, 3, stride=stride, padding=1, bias=False)
        self.bn2 = nn.BatchNorm2d(width)
        self.conv3 = nn.Conv2d(width, 4 * width, 1, bias=False)
        self.bn3 = batch_norm2(4 * width)
        self.downsample = (
            nn.Sequential(
                nn.Conv2d(dim, 4 * width, 1, stride=stride, bias=False),
                nn.BatchNorm2d(4 * width),
            )
            if variant
            else nn.Identity()
        )

    def forward(self, x: Tensor) -> Tensor:
        y = self.conv2(F.relu(self.bn1(self.conv1(x))))
        y = self.bn3(self.conv3(F.relu(self.bn2(y)))) + self.downsample(x)
        return F.relu(y)


class Resnet(nn.Module):
    """ResNet (arXiv 1512.03385): stages of convolutions, each block with a way around
    it.
    """

    def __init__(self) -> None:
        super().__init__()
        self.num_features = 2048
        self.conv1 = nn.Conv2d(3, 64, 7, stride=2, padding=3, bias=False)
        self.bn1 = nn.BatchNorm2d(64)
        self.layer1 = nn.Sequential(
            Bottleneck(64, width=64, variant=True),
            Bottleneck(256, width=64, variant=False),
            Bottleneck(256, width=64, variant=False),
        )
        self.layer2 = nn.Sequential(
            Bottleneck(256, width=128, variant=True, stride=2),
            Bottleneck(512, width=128, variant=False),
            Bottleneck(512, width=128, variant=False),
            Bottleneck(512, width=128, variant=False),
        )
        self.layer3 = nn.Sequential(
            Bottleneck(512, width=256, variant=True, stride=2),
            Bottleneck(1024, width=256, variant=False),
            Bottleneck(1024, width=256, variant=False),
            Bottleneck(1024, width=256, variant=False),
            Bottleneck(1024, width=256, variant=False),
            Bottleneck(1024, width=256, variant=False),
        )
        self.layer4 = nn.Sequential(
            Bottleneck(1024, width=512, variant=True, stride=2),
            Bottleneck(2048, width=512, variant=False),
            Bottleneck(2048, width=512, variant=False),
        )
        self.fc = nn.Linear(2048, 1000)
        self.apply(initialise)

    def forward(self, x: Tensor) -> Tensor:  # [batch, 3, 224, 224]
        x = self.forward_features(x)
        return self.fc(x.mean((2, 3)))  # [batch, 1000]

    def forward_features(self, x: Tensor) -> Tensor:
        x = F.max_pool2d(F.relu(self.bn1(self.conv1(x))), 3, stride=2, padding=1)
        return self.layer4(self.layer3(self.layer2(self.layer1(x))))

    def reset_classifier(self, classes: int) -> None:
        self.fc = nn.Linear(2048, classes) if classes else nn.Identity()


def build() -> Resnet:
    return Resnet()


if __name__ == "__main__":
    print(build().eval()(torch.randn(1, 3, 224, 224)).shape)
