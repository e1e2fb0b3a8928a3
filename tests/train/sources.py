"""Small copies of every data source as it lies on a disk, made by tests."""

import gzip
import pickle
import sys
from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy
import pytest
import torch

from archdsl.parts import Part
from archdsl.train.data.contract import Wanted

WANTED = Wanted(3, (8, 8), allow_extern=True)
numbers = numpy.random.default_rng(0)


def idx(values: Any) -> bytes:
    head = b"\0\0\x08" + bytes([values.ndim])
    return head + b"".join(size.to_bytes(4, "big") for size in values.shape) + values.tobytes()


def pictures(count: int, *shape: int) -> tuple[Any, Any]:
    """Bytes whose brightness follows the class."""
    labels = numpy.arange(count) % 5
    noise = numbers.integers(0, 60, (count, *shape))
    return (noise + 40 * labels.reshape(-1, *(1 for _ in shape))).astype(numpy.uint8), labels


def digits(_folder: Path) -> Part:
    return Part("digits")


def fashion_mnist(folder: Path) -> Part:
    for name, count in (("train", 60), ("t10k", 20)):
        images, labels = pictures(count, 28, 28)
        (folder / f"{name}-images-idx3-ubyte.gz").write_bytes(gzip.compress(idx(images)))
        (folder / f"{name}-labels-idx1-ubyte").write_bytes(idx(labels.astype(numpy.uint8)))
    return Part("fashion_mnist", {"path": str(folder)})


def cifar10(folder: Path) -> Part:
    home = folder / "cifar-10-batches-bin"
    home.mkdir()
    for name in (*(f"data_batch_{number}" for number in range(1, 6)), "test_batch"):
        images, labels = pictures(20, 3 * 32 * 32)
        (home / f"{name}.bin").write_bytes(numpy.hstack([labels[:, None].astype(numpy.uint8), images]).tobytes())
    return Part("cifar10", {"path": str(folder)})


def cifar100(folder: Path) -> Part:
    for name, count in (("train", 60), ("test", 20)):
        images, labels = pictures(count, 3 * 32 * 32)
        found = {b"data": images, b"fine_labels": labels.tolist()}
        (folder / name).write_bytes(pickle.dumps(found, protocol=2))
    names = {b"fine_label_names": [f"class {number}".encode() for number in range(100)]}
    (folder / "meta").write_bytes(pickle.dumps(names, protocol=2))
    return Part("cifar100", {"path": str(folder)})


def image_folder(folder: Path) -> Part:
    for split, count in (("train", 30), ("validation", 10)):
        images, labels = pictures(count, 12, 10, 3)
        for number, (image, label) in enumerate(zip(images, labels, strict=True)):
            home = folder / split / f"class_{label}"
            home.mkdir(parents=True, exist_ok=True)
            (home / f"{number}.ppm").write_bytes(b"P6\n# a comment\n10 12\n255\n" + image.tobytes())
    return Part("image_folder", {"path": str(folder)})


def imagenet(folder: Path) -> Part:
    image_folder(folder)
    (folder / "validation").rename(folder / "val")
    return Part("imagenet", {"path": str(folder)})


def arrays(folder: Path) -> Part:
    images, labels = pictures(40, 8, 8, 3)
    numpy.savez(folder / "data.npz", x_train=images, y_train=labels, x_test=images[:10], y_test=labels[:10])
    return Part("arrays", {"path": str(folder / "data.npz")})


def extern(_folder: Path) -> Part:
    settings = {"name": "made", "reference": "tests.train.sources:made", "settings": {"count": 40}}
    return Part("extern", settings)


def made(count: int) -> dict[str, tuple[Any, Any]]:
    """What an `extern function` of the tests gives: tensors and arrays."""
    images, labels = pictures(count, 3, 8, 8)
    return {
        "train": (torch.from_numpy(images), torch.from_numpy(labels)),
        "validation": (images[:10] / 255, labels[:10]),
    }


class Image:
    """A feature of the stood-in library, by whose name columns of pictures are found."""


class ClassLabel:
    names = ("a", "b", "c", "d", "e")


class Rows(list[dict[str, Any]]):
    features = {"picture": Image(), "kind": ClassLabel()}  # noqa: RUF012


class Picture:
    """As much of a picture of Pillow's as is asked for."""

    def __init__(self, values: Any) -> None:
        self.values, self.height, self.width = values, *values.shape[:2]

    def convert(self, mode: str) -> "Picture":
        assert mode == "RGB"
        return self

    def resize(self, sides: tuple[int, int], _how: object) -> "Picture":
        assert sides == (self.width, self.height)
        return self

    def __array__(self, dtype: object = None, copy: object = None) -> Any:
        return self.values


def hf(_folder: Path) -> Part:
    return Part("hf", {"name": "somebody/pictures"})


def stand_in_libraries(monkeypatch: pytest.MonkeyPatch) -> None:
    """`datasets` and Pillow, as far as a source calls them."""
    images, labels = pictures(40, 8, 8, 3)
    rows = Rows({"picture": Picture(image), "kind": int(label)} for image, label in zip(images, labels, strict=True))
    datasets, pillow, image = ModuleType("datasets"), ModuleType("PIL"), ModuleType("PIL.Image")
    vars(datasets)["load_dataset"] = lambda name: {"train": rows} if name == "somebody/pictures" else {}
    vars(image)["Resampling"] = type("Resampling", (), {"BILINEAR": 2})
    for name, module in (("datasets", datasets), ("PIL", pillow), ("PIL.Image", image)):
        monkeypatch.setitem(sys.modules, name, module)
    monkeypatch.setattr("archdsl.train.data.decoding.find_spec", lambda _name: True)


SOURCES: dict[str, Callable[[Path], Part]] = {
    each.__name__: each
    for each in (digits, fashion_mnist, cifar10, cifar100, image_folder, imagenet, arrays, extern, hf)
}
