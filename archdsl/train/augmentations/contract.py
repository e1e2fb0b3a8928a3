"""What an augmentation is: a module whose `augment` changes a batch, with numbers from the generator it is given alone.

One that blends pictures of a batch with each other, and with them their labels, says so by `MIXES = True`: of several
such, each batch gets one, drawn evenly, as published recipes do."""

from collections.abc import Callable
from dataclasses import dataclass
from random import Random
from typing import TypeAlias

import torch
from torch import Generator, Tensor

from archdsl.parts import Part


@dataclass(frozen=True, slots=True, eq=False)
class Batch:
    """Pictures from 0 to 1, [n, channels, height, width], and the share that each class has in each, [n, classes]."""

    images: Tensor
    shares: Tensor


Augment: TypeAlias = Callable[[Batch, Part, Generator], Batch]


def drawn(numbers: Generator) -> float:
    """A number from 0 to 1."""
    return float(torch.rand((), generator=numbers))


def beta(alpha: float, numbers: Generator) -> float:
    """A number of the beta distribution whose parameters are both `alpha`; with 0 it is 0 or 1."""
    if alpha <= 0:
        return round(drawn(numbers))
    return Random(int(torch.randint(2**62, (), generator=numbers))).betavariate(alpha, alpha)


def others(batch: Batch, numbers: Generator) -> Tensor:
    """A partner for each picture of the batch: all of them in another order."""
    return torch.randperm(len(batch.images), generator=numbers)
