"""Each picture blended with another of the batch, and the labels with it."""

from typing import cast

from torch import Generator

from archdsl.parts import Part
from archdsl.train.augmentations.contract import Batch, beta, others

MIXES = True


def augment(batch: Batch, part: Part, numbers: Generator) -> Batch:
    own = beta(cast(float, part["alpha"]), numbers)
    order = others(batch, numbers)
    return Batch(
        own * batch.images + (1 - own) * batch.images[order],
        own * batch.shares + (1 - own) * batch.shares[order],
    )
