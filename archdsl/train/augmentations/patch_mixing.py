"""Squares of a grid taken from another picture of the batch; the labels follow the area that was really taken."""

from typing import cast

import torch
from torch import Generator

from archdsl.parts import Part
from archdsl.train.augmentations.contract import Batch, drawn, others

MIXES = True


def augment(batch: Batch, part: Part, numbers: Generator) -> Batch:
    if drawn(numbers) >= cast(float, part["probability"]):
        return batch
    count, _, height, width = batch.images.shape
    rows, columns = (min(cast(int, part["grid"]), side) for side in (height, width))
    replaced = round(drawn(numbers) * cast(float, part["largest"]) * rows * columns)
    order = others(batch, numbers)
    # Each picture draws its own squares, and all of them equally many.
    ranks = torch.rand(count, rows * columns, generator=numbers).argsort(1).argsort(1)
    squares = (ranks < replaced).view(count, rows, columns)
    row_of, column_of = (torch.arange(side) * lines // side for side, lines in ((height, rows), (width, columns)))
    taken = squares[:, row_of][:, :, column_of].unsqueeze(1)
    share = taken.float().mean((1, 2, 3)).unsqueeze(1)
    images = torch.where(taken, batch.images[order], batch.images)
    return Batch(images, (1 - share) * batch.shares + share * batch.shares[order])
