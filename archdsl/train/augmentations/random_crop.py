"""Pictures moved by some pixels; what comes in at the edge is black."""

from dataclasses import replace
from typing import cast

import torch
from torch import Generator
from torch.nn import functional

from archdsl.parts import Part
from archdsl.train.augmentations.contract import Batch


def augment(batch: Batch, part: Part, numbers: Generator) -> Batch:
    padding = cast(int, part["padding"])
    count, _, height, width = batch.images.shape
    padded = functional.pad(batch.images, (padding,) * 4)
    tops, lefts = (torch.randint(2 * padding + 1, (count, 1), generator=numbers) for _ in range(2))
    rows, columns = tops + torch.arange(height), lefts + torch.arange(width)
    which = torch.arange(count).view(-1, 1, 1)
    moved = padded.permute(0, 2, 3, 1)[which, rows.unsqueeze(2), columns.unsqueeze(1)]
    return replace(batch, images=moved.permute(0, 3, 1, 2).contiguous())
