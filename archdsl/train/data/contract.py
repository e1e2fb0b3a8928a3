"""What a data source is: a module whose `load` gives a `DataSet`. It reads what lies on this machine and downloads
nothing; what is missing is told with how it is got."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol, TypeAlias

import torch
from torch import Tensor

from archdsl.diagnostics.record import UsageError
from archdsl.parts import Part


class UnusableData(UsageError):
    """Data that is not there or not what was promised, and what to do."""


class Split(Protocol):
    """Some pictures with their labels."""

    @property
    def labels(self) -> Tensor:
        """The class of each, from 0."""
        ...

    def pictures(self, numbers: Tensor) -> Tensor:
        """Those of these numbers as reals, [n, channels, height, width], usually from 0 to 1."""
        ...


@dataclass(frozen=True, slots=True, eq=False)
class InMemory:
    """Pictures as a tensor of bytes or reals."""

    images: Tensor
    labels: Tensor

    def pictures(self, numbers: Tensor) -> Tensor:
        found = self.images[numbers]
        return found.float().div_(255) if found.dtype == torch.uint8 else found.float()


@dataclass(frozen=True, slots=True, eq=False)
class Selection:
    """Some pictures of a split."""

    whole: Split
    numbers: Tensor

    @property
    def labels(self) -> Tensor:
        return self.whole.labels[self.numbers]

    def pictures(self, numbers: Tensor) -> Tensor:
        return self.whole.pictures(self.numbers[numbers])


@dataclass(frozen=True, slots=True, eq=False)
class DataSet:
    """The splits of a source; one that it does not have is None, and is taken from the training pictures."""

    train: Split
    validation: Split | None
    test: Split | None
    classes: tuple[str, ...]
    channels: int
    size: tuple[int, int]


@dataclass(frozen=True, slots=True)
class Wanted:
    """What a model takes, for sources whose pictures have no size of their own. Python of others is run only with
    permission."""

    channels: int
    size: tuple[int, int]
    allow_extern: bool = False


Load: TypeAlias = Callable[[Part, Wanted], DataSet]


def numbered(classes: int) -> tuple[str, ...]:
    """Names for classes that have none."""
    return tuple(str(number) for number in range(classes))
