"""Pictures in a NumPy archive, and arrays in general: what a source may call them and how they may lie."""

import zipfile
from collections.abc import Mapping
from typing import Any, Final

import numpy
import torch
from torch import Tensor

from archdsl.parts import Part
from archdsl.train.data.contract import DataSet, InMemory, UnusableData, Wanted, numbered
from archdsl.train.plain_numbers import of_array

IMAGES: Final = ("images", "x", "data")
LABELS: Final = ("labels", "y", "targets")
SPLITS: Final = {"train": ("train",), "validation": ("validation", "valid", "val"), "test": ("test",)}
FEW: Final = (1, 3, 4)
"""How many channels a picture may have, which tells their axis."""
FORMS: Final = "`images` and `labels`, or both for each split: `train_images`, `train_labels`, `validation_images` ..."


def load(part: Part, _wanted: Wanted) -> DataSet:
    path = str(part["path"])
    try:
        with numpy.load(path, allow_pickle=False) as archive:
            found: dict[str, Any] = {name: archive[name] for name in archive.files}
    except (OSError, ValueError, zipfile.BadZipFile, AttributeError) as error:
        why = "it holds one array" if isinstance(error, AttributeError) else str(error)
        raise UnusableData(f"`{path}` cannot be read as a NumPy archive: {why}; write it by numpy.savez") from None
    return data_set(path, _splits(path, found))


def _splits(path: str, found: Mapping[str, Any]) -> dict[str, tuple[Any, Any]]:
    """Images and labels of each split by the names that are usual."""
    whole = _pair(found, "")
    splits = {
        name: pair for name, words in SPLITS.items() for word in words if (pair := _pair(found, word)) is not None
    }
    if "train" not in splits and whole is not None:
        splits["train"] = whole
    if "train" not in splits:
        raise UnusableData(f"`{path}` has the arrays {', '.join(found) or 'of nothing'}; it needs {FORMS}")
    return splits


def _pair(found: Mapping[str, Any], split: str) -> tuple[Any, Any] | None:
    both: list[Any] = []
    for words in (IMAGES, LABELS):
        names = [form for word in words for form in ((f"{split}_{word}", f"{word}_{split}") if split else (word,))]
        both += [found[name] for name in names if name in found][:1]
    return (both[0], both[1]) if len(both) == 2 else None


def data_set(what: str, splits: Mapping[str, tuple[Any, Any]], classes: tuple[str, ...] | None = None) -> DataSet:
    """Arrays or tensors of images and labels by split, in any of the usual layouts."""
    made = {name: in_memory(what, images, labels) for name, (images, labels) in splits.items()}
    count = max(int(split.labels.max()) for split in made.values()) + 1
    shapes = {tuple(split.images.shape[1:]) for split in made.values()}
    if len(shapes) > 1:
        raise UnusableData(f"the splits of {what} have pictures of different shapes: {', '.join(map(str, shapes))}")
    channels, height, width = shapes.pop()
    names = classes or numbered(count)
    return DataSet(made["train"], made.get("validation"), made.get("test"), names, channels, (height, width))


def in_memory(what: str, images: Any, labels: Any) -> InMemory:
    """Images [n, h, w], [n, c, h, w] or [n, h, w, c], bytes or reals up to 1 or 255, and a whole number for each."""
    pictures, classes = _tensor(what, images), _tensor(what, labels)
    classes = classes.squeeze(1) if classes.ndim == 2 and classes.shape[1] == 1 else classes
    if pictures.ndim == 3:
        pictures = pictures.unsqueeze(1)
    elif pictures.ndim == 4 and pictures.shape[1] not in FEW and pictures.shape[3] in FEW:
        pictures = pictures.permute(0, 3, 1, 2).contiguous()
    if pictures.ndim != 4 or classes.ndim != 1 or len(pictures) != len(classes) or not len(pictures):
        shapes = f"{list(pictures.shape)} and labels {list(classes.shape)}"
        raise UnusableData(f"{what} has images {shapes}; it needs [n, height, width] or four axes, and n labels")
    if classes.is_floating_point() or int(classes.min()) < 0:
        raise UnusableData(f"the labels of {what} are not whole numbers from 0")
    if pictures.dtype != torch.uint8:
        pictures = pictures.float()
        if not bool(pictures.isfinite().all()):
            raise UnusableData(f"the images of {what} hold values that are no finite numbers")
        pictures = pictures / 255 if float(pictures.max()) > 2 else pictures
    return InMemory(pictures, classes.long())


def _tensor(what: str, values: Any) -> Tensor:
    if isinstance(values, Tensor):
        return values
    try:
        return of_array(numpy.ascontiguousarray(values))
    except (TypeError, ValueError) as error:
        raise UnusableData(f"{what} holds what is no array of numbers: {error}") from None
