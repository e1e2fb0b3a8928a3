"""A part of each picture, of any size and shape, resized to the whole."""

import math
from dataclasses import replace
from typing import Final, cast

import torch
from torch import Generator
from torch.nn import functional

from archdsl.parts import Part
from archdsl.train.augmentations.contract import Batch

WIDEST: Final = 4 / 3
"""The part's width over its height, at most; its height over its width is as much at most."""


def augment(batch: Batch, part: Part, numbers: Generator) -> Batch:
    count = len(batch.images)
    smallest = cast(float, part["smallest"])
    area = smallest + (1 - smallest) * torch.rand(count, generator=numbers)
    shape = torch.exp((2 * torch.rand(count, generator=numbers) - 1) * math.log(WIDEST))
    width, height = (area * shape).sqrt().clamp(max=1), (area / shape).sqrt().clamp(max=1)
    # Places go from -1 to 1, so the middle of a part of width w lies between w - 1 and 1 - w.
    across, down = ((2 * torch.rand(count, generator=numbers) - 1) * (1 - side) for side in (width, height))
    zero = torch.zeros(count)
    places = torch.stack([torch.stack([width, zero, across], 1), torch.stack([zero, height, down], 1)], 1)
    grid = functional.affine_grid(places, list(batch.images.shape), align_corners=False)
    cut = functional.grid_sample(batch.images, grid, mode="bilinear", padding_mode="border", align_corners=False)
    return replace(batch, images=cut)
