"""Data sets of the Hugging Face hub, through its library `datasets`, which keeps and fetches them."""

from importlib import import_module
from typing import Any, Final

import torch

from archdsl.parts import Part
from archdsl.train.data.contract import DataSet, InMemory, UnusableData, Wanted
from archdsl.train.data.decoding import check_readable, of_image

SPLITS: Final = {"train": ("train",), "validation": ("validation", "valid", "val"), "test": ("test",)}


def load(part: Part, wanted: Wanted) -> DataSet:
    name = str(part["name"])
    try:
        library: Any = import_module("datasets")
    except ImportError:
        raise UnusableData(f"`hf({name!r})` takes the library `datasets`: pip install datasets pillow") from None
    check_readable(f"`hf({name!r})`", (".png",))
    try:
        found: Any = library.load_dataset(name)
    except Exception as error:
        raise UnusableData(f"`datasets` cannot load {name!r}: {type(error).__name__}: {error}") from error
    homes = {split: next((found[word] for word in words if word in found), None) for split, words in SPLITS.items()}
    if homes["train"] is None:
        raise UnusableData(f"{name!r} has no split `train`; it has {', '.join(found)}")
    image, label, classes = _columns(name, homes["train"].features)
    made = {
        split: InMemory(
            torch.stack([of_image(row[image], wanted) for row in home]),
            torch.tensor([int(row[label]) for row in home]),
        )
        for split, home in homes.items()
        if home is not None
    }
    return DataSet(made["train"], made.get("validation"), made.get("test"), classes, wanted.channels, wanted.size)


def _columns(name: str, features: Any) -> tuple[str, str, tuple[str, ...]]:
    """The columns of pictures and of classes, by what the data set says of them."""
    image = next((column for column, kind in features.items() if type(kind).__name__ == "Image"), None)
    label = next((column for column, kind in features.items() if type(kind).__name__ == "ClassLabel"), None)
    if image is None or label is None:
        raise UnusableData(
            f"{name!r} has the columns {', '.join(features)}; one of pictures and one of classes is needed"
        )
    return image, label, tuple(features[label].names)
