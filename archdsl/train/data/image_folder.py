"""Folders of picture files, one for each class; ImageNet unpacked in its usual form is one."""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Final

import torch
from torch import Tensor

from archdsl.parts import Part
from archdsl.train.data.contract import DataSet, InMemory, Split, UnusableData, Wanted
from archdsl.train.data.decoding import ENDINGS, check_readable, decoded
from archdsl.train.plain_numbers import whole_numbers

SPLITS: Final = {"train": ("train",), "validation": ("validation", "valid", "val"), "test": ("test",)}
MOST_BYTES: Final = 2 * 2**30
"""Decoded pictures are kept up to so many."""


@dataclass(slots=True, eq=False)
class Files:
    """Pictures in files, decoded when they are first asked for."""

    paths: Sequence[Path]
    labels: Tensor
    wanted: Wanted
    _kept: Tensor | None = field(default=None, repr=False)
    _known: Tensor | None = field(default=None, repr=False)

    def pictures(self, numbers: Tensor) -> Tensor:
        shape = (self.wanted.channels, *self.wanted.size)
        if len(self.paths) * torch.Size(shape).numel() > MOST_BYTES:
            found = torch.stack([decoded(self.paths[number], self.wanted) for number in whole_numbers(numbers)])
            return found.float().div_(255)
        if self._kept is None or self._known is None:
            self._kept = torch.zeros((len(self.paths), *shape), dtype=torch.uint8)
            self._known = torch.zeros(len(self.paths), dtype=torch.bool)
        for number in whole_numbers(numbers[~self._known[numbers]]):
            self._kept[number] = decoded(self.paths[number], self.wanted)
            self._known[number] = True
        return self._kept[numbers].float().div_(255)


def fits_in_memory(data: DataSet) -> bool:
    """Whether all its pictures, decoded, are few enough to be kept."""
    count = sum(len(split.labels) for split in (data.train, data.validation, data.test) if split is not None)
    return count * data.channels * data.size[0] * data.size[1] <= MOST_BYTES


def decoded_whole(data: DataSet) -> DataSet:
    """The same pictures without their files."""

    def whole(split: Split) -> Split:
        if not isinstance(split, Files):
            return split
        numbers = torch.arange(len(split.paths))
        return InMemory(split.pictures(numbers).mul(255).round().to(torch.uint8), split.labels)

    validation, test = (None if split is None else whole(split) for split in (data.validation, data.test))
    return replace(data, train=whole(data.train), validation=validation, test=test)


def load(part: Part, wanted: Wanted) -> DataSet:
    given = part.settings.get("path")
    if given is None:
        advice = f'fetch and unpack it, and give the folder above `train` and `val`: {part.name}("FOLDER")'
        raise UnusableData(f"`{part.name}` comes with no system; {advice}")
    root = Path(str(given))
    if not root.is_dir():
        raise UnusableData(f"`{root}` is no folder; give the one above the classes or above `train` and `validation`")
    homes = {
        name: next((root / word for word in words if (root / word).is_dir()), None) for name, words in SPLITS.items()
    }
    train = homes["train"] or root
    classes = tuple(sorted(folder.name for folder in train.iterdir() if _has_pictures(folder)))
    if len(classes) < 2:
        raise UnusableData(f"`{train}` has {len(classes)} folders of pictures; it needs one for each class")
    splits = {"train": _split(train, classes, wanted)}
    splits |= {
        name: _split(home, classes, wanted) for name, home in homes.items() if home is not None and home != train
    }
    check_readable(f"`{root}`", [path.suffix.lower() for split in splits.values() for path in split.paths])
    others: dict[str, Split] = {**splits}
    return DataSet(splits["train"], others.get("validation"), others.get("test"), classes, wanted.channels, wanted.size)


def _has_pictures(folder: Path) -> bool:
    return folder.is_dir() and any(path.suffix.lower() in ENDINGS for path in folder.rglob("*"))


def _files(folder: Path) -> list[Path]:
    return sorted(path for path in folder.rglob("*") if path.suffix.lower() in ENDINGS)


def _split(home: Path, classes: Sequence[str], wanted: Wanted) -> Files:
    unknown = sorted({folder.name for folder in home.iterdir() if _has_pictures(folder)} - set(classes))
    if unknown:
        raise UnusableData(f"`{home}` has the class {unknown[0]!r}, which the training pictures lack")
    found = [(path, label) for label, name in enumerate(classes) for path in _files(home / name)]
    if not found:
        raise UnusableData(f"`{home}` holds no pictures; files end in {', '.join(sorted(ENDINGS))}")
    return Files([path for path, _ in found], torch.tensor([label for _, label in found]), wanted)
