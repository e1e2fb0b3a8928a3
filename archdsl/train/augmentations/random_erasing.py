"""A rectangle of noise in some of the pictures."""

import math
from dataclasses import replace
from typing import Final, cast

import torch
from torch import Generator

from archdsl.parts import Part
from archdsl.train.augmentations.contract import Batch

AREA: Final = (0.02, 1 / 3)
"""The share of the picture that a rectangle has."""
WIDEST: Final = 3.3
"""Its width over its height, at most; its height over its width is as much at most."""


def augment(batch: Batch, part: Part, numbers: Generator) -> Batch:
    count, _, height, width = batch.images.shape
    chosen = torch.rand(count, generator=numbers) < cast(float, part["probability"])
    area = (AREA[0] + (AREA[1] - AREA[0]) * torch.rand(count, generator=numbers)) * height * width
    shape = torch.exp((2 * torch.rand(count, generator=numbers) - 1) * math.log(WIDEST))
    wide = (area * shape).sqrt().round().clamp(1, width)
    high = (area / shape).sqrt().round().clamp(1, height)
    left = (torch.rand(count, generator=numbers) * (width - wide + 1)).floor()
    top = (torch.rand(count, generator=numbers) * (height - high + 1)).floor()
    columns, rows = torch.arange(width), torch.arange(height)
    inside_columns = (columns >= left[:, None]) & (columns < (left + wide)[:, None])
    inside_rows = (rows >= top[:, None]) & (rows < (top + high)[:, None])
    erased = (inside_rows[:, None, :, None] & inside_columns[:, None, None, :]) & chosen.view(-1, 1, 1, 1)
    noise = torch.rand(batch.images.shape, generator=numbers)
    return replace(batch, images=torch.where(erased, noise, batch.images))
