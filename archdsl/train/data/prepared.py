"""Data made ready for training: every split there, and the numbers by which pictures are normalised."""

from dataclasses import dataclass
from typing import Final

import torch
from torch import Tensor

from archdsl.parts import Part, as_json
from archdsl.train.data.contract import DataSet, Selection, Split, UnusableData, Wanted
from archdsl.train.data.registry import load_data
from archdsl.train.plain_numbers import reals

TEST_SHARE: Final = 0.2
"""Of a source without a test split."""
MOST_LOOKED_AT: Final = 10_000
"""Pictures from which mean and spread are taken."""
_AT_A_TIME: Final = 2_000
_SEED: Final = 2_016
"""Of the shuffle before a split: one for all runs, so that what was held out stays held out."""


@dataclass(frozen=True, slots=True, eq=False)
class Prepared:
    """The splits, by name; one that is empty is not there. `train` is what is trained on."""

    source: Part
    splits: dict[str, Split]
    classes: tuple[str, ...]
    channels: int
    size: tuple[int, int]
    mean: tuple[float, ...]
    std: tuple[float, ...]
    validation: float

    @property
    def name(self) -> str:
        return self.source.name

    @property
    def train(self) -> Split:
        return self.splits["train"]

    def normalised(self, pictures: Tensor) -> Tensor:
        mean, std = (torch.tensor(values).view(1, -1, 1, 1) for values in (self.mean, self.std))
        return (pictures - mean) / std

    def summary(self) -> dict[str, object]:
        """What was done to pictures, as summaries write it."""
        return {
            "source": as_json(self.source),
            "mean": list(self.mean),
            "std": list(self.std),
            "crop": 1.0,
            "interpolation": "bilinear",
            "size": self.size[0] if self.size[0] == self.size[1] else list(self.size),
            "channels": self.channels,
            "classes": list(self.classes),
            "validation": self.validation,
        }


def prepare(
    part: Part, wanted: Wanted, validation: float = 0.2, samples: int | None = None, given: DataSet | None = None
) -> Prepared:
    """Load a source, if its data is not given, and complete its splits. The same settings give the same splits,
    whatever the machine."""
    data = load_data(part, wanted) if given is None else given
    train, held = data.train, {"validation": data.validation, "test": data.test}
    for name, share in (("test", TEST_SHARE), ("validation", validation)):
        if held[name] is None and share > 0:
            taken, left = evenly(train.labels, round(len(train.labels) * share))
            train, held[name] = Selection(train, left), Selection(train, taken)
    if not len(train.labels):
        raise UnusableData(f"`{part.name}` leaves no pictures for training; lower `validation` ({validation:g})")
    mean, std = _moments(train)
    if samples is not None and samples < len(train.labels):
        train = Selection(train, evenly(train.labels, samples)[0])
    splits = {
        "train": train,
        **{name: split for name, split in held.items() if split is not None and len(split.labels)},
    }
    return Prepared(part, splits, data.classes, data.channels, data.size, mean, std, validation)


def evenly(labels: Tensor, count: int) -> tuple[Tensor, Tensor]:
    """The numbers of so many pictures, drawn evenly over the classes, and those of the others."""
    total = len(labels)
    order = torch.randperm(total, generator=torch.Generator().manual_seed(_SEED))
    order = order[torch.argsort(labels[order], stable=True)]
    # Places are taken wherever the running share passes a whole number.
    passed = torch.arange(total + 1) * min(count, total) // max(1, total)
    taken = passed[1:] > passed[:-1]
    return order[taken].sort().values, order[~taken].sort().values


def _moments(split: Split) -> tuple[tuple[float, ...], tuple[float, ...]]:
    """Mean and standard deviation of each channel; a channel without any spread is not stretched."""
    total = len(split.labels)
    numbers = torch.arange(total)[:: max(1, -(-total // MOST_LOOKED_AT))]
    sums: list[Tensor] = []
    squares: list[Tensor] = []
    for start in range(0, len(numbers), _AT_A_TIME):
        pictures = split.pictures(numbers[start : start + _AT_A_TIME]).double()
        sums.append(pictures.mean((2, 3)).sum(0))
        squares.append(pictures.square().mean((2, 3)).sum(0))
    mean = torch.stack(sums).sum(0) / len(numbers)
    std = (torch.stack(squares).sum(0) / len(numbers) - mean.square()).clamp(min=0).sqrt()
    std = torch.where(std < 1e-6, torch.ones_like(std), std)
    return _rounded(mean), _rounded(std)


def _rounded(values: Tensor) -> tuple[float, ...]:
    return tuple(round(value, 6) for value in reals(values))
