"""A rectangle of each picture taken from another of the batch; the labels follow the area that was really taken."""

import math
from typing import cast

from torch import Generator

from archdsl.parts import Part
from archdsl.train.augmentations.contract import Batch, beta, drawn, others

MIXES = True


def augment(batch: Batch, part: Part, numbers: Generator) -> Batch:
    height, width = batch.images.shape[2:]
    side = math.sqrt(1 - beta(cast(float, part["alpha"]), numbers))
    rows, columns = (_cut(length, side, drawn(numbers)) for length in (height, width))
    order = others(batch, numbers)
    images = batch.images.clone()
    images[:, :, rows, columns] = batch.images[order][:, :, rows, columns]
    taken = (rows.stop - rows.start) * (columns.stop - columns.start) / (height * width)
    return Batch(images, (1 - taken) * batch.shares + taken * batch.shares[order])


def _cut(length: int, side: float, middle: float) -> slice:
    """A stretch around a place; it may stick out, and then is shorter."""
    half, at = round(length * side) / 2, middle * length
    return slice(max(0, math.floor(at - half + 0.5)), min(length, math.floor(at + half + 0.5)))
