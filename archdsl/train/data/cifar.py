"""CIFAR-10 and CIFAR-100 from their published files, the Python or the binary version, unpacked."""

import pickle
from pathlib import Path
from typing import Any, Final, cast

import numpy
import torch

from archdsl.parts import Part
from archdsl.train.data.contract import DataSet, InMemory, UnusableData, Wanted, numbered

SIDE: Final = 32
PLACES: Final = {
    "cifar10": ("cifar-10-batches-py", "cifar-10-batches-bin"),
    "cifar100": ("cifar-100-python", "cifar-100-binary"),
}
TRAIN: Final = {"cifar10": tuple(f"data_batch_{number}" for number in range(1, 6)), "cifar100": ("train",)}
TEST: Final = {"cifar10": "test_batch", "cifar100": "test"}
NAMES: Final = {"cifar10": ("batches.meta", "label_names"), "cifar100": ("meta", "fine_label_names")}
SOURCE: Final = "https://www.cs.toronto.edu/~kriz/cifar.html"
_ARRAYS: Final = (
    "numpy",
    "numpy.core.multiarray",
    "numpy._core.multiarray",
    "numpy.core.numeric",
    "numpy._core.numeric",
)
_MADE_OF: Final = ("_reconstruct", "ndarray", "dtype", "_frombuffer")


def load(part: Part, _wanted: Wanted) -> DataSet:
    name = part.name
    folder = _folder(name, part.settings.get("path"))
    train = _joined([_batch(name, folder, file) for file in TRAIN[name]])
    test = _joined([_batch(name, folder, TEST[name])])
    return DataSet(train, None, test, _classes(name, folder), 3, (SIDE, SIDE))


def _folder(name: str, given: object) -> Path:
    """The folder of the files: the given one, or one in it that is called as the archive is."""
    advice = f'fetch it from {SOURCE}, unpack it and give its folder: {name}("FOLDER")'
    if given is None:
        raise UnusableData(f"`{name}` comes with no system; {advice}")
    for folder in (Path(str(given)), *(Path(str(given)) / place for place in PLACES[name])):
        if any((folder / f"{TEST[name]}{ending}").is_file() for ending in ("", ".bin")):
            return folder
    raise UnusableData(f"`{given}` does not hold the files of `{name}`; {advice}")


def _batch(name: str, folder: Path, file: str) -> tuple[Any, Any]:
    """Pictures as rows of bytes, and their classes."""
    binary = folder / f"{file}.bin"
    try:
        if binary.is_file():
            before = 1 if name == "cifar10" else 2
            rows = numpy.frombuffer(binary.read_bytes(), numpy.uint8).reshape(-1, before + 3 * SIDE * SIDE)
            return rows[:, before:], rows[:, before - 1]
        found = _unpickled(folder / file)
        return found[b"data"], found[b"labels" if name == "cifar10" else b"fine_labels"]
    except (OSError, ValueError, KeyError, TypeError, EOFError, pickle.UnpicklingError) as error:
        raise UnusableData(f"`{folder / file}` is no sound file of `{name}`: {error}; fetch it again") from None


def _joined(batches: list[tuple[Any, Any]]) -> InMemory:
    images = numpy.concatenate([images for images, _ in batches]).reshape(-1, 3, SIDE, SIDE)
    labels = numpy.concatenate([numpy.asarray(labels) for _, labels in batches])
    return InMemory(torch.tensor(images), torch.tensor(labels).long())


def _classes(name: str, folder: Path) -> tuple[str, ...]:
    file, key = NAMES[name]
    try:
        return tuple(word.decode() for word in _unpickled(folder / file)[key.encode()])
    except (OSError, KeyError, TypeError, ValueError, AttributeError, pickle.UnpicklingError):
        return numbered(10 if name == "cifar10" else 100)


class _Arrays(pickle.Unpickler):
    """Reads arrays and plain values; a pickle that would run anything else is refused."""

    def find_class(self, module_name: str, global_name: str) -> Any:
        if module_name in _ARRAYS and global_name in _MADE_OF:
            return super().find_class(module_name, global_name)
        if (module_name, global_name) == ("_codecs", "encode"):
            return super().find_class(module_name, global_name)
        raise pickle.UnpicklingError(f"it would run {module_name}.{global_name}")


def _unpickled(path: Path) -> dict[bytes, Any]:
    with path.open("rb") as file:
        return cast("dict[bytes, Any]", _Arrays(file, encoding="bytes").load())
