"""Pictures mirrored left to right."""

from dataclasses import replace
from typing import cast

import torch
from torch import Generator

from archdsl.parts import Part
from archdsl.train.augmentations.contract import Batch


def augment(batch: Batch, part: Part, numbers: Generator) -> Batch:
    chosen = torch.rand(len(batch.images), 1, 1, 1, generator=numbers) < cast(float, part["probability"])
    return replace(batch, images=torch.where(chosen, batch.images.flip(-1), batch.images))
