"""Fashion-MNIST from the four files that it is published as, as Debian installs them."""

import gzip
from pathlib import Path
from typing import Final

import torch
from torch import Tensor

from archdsl.parts import Part
from archdsl.train.data.contract import DataSet, InMemory, UnusableData, Wanted

INSTALLED: Final = "/usr/share/datasets/fashion-mnist"
CLASSES: Final = ("t-shirt", "trousers", "pullover", "dress", "coat", "sandal", "shirt", "sneaker", "bag", "ankle boot")


def load(part: Part, _wanted: Wanted) -> DataSet:
    given = part.settings.get("path")
    folder = Path(str(given)) if given is not None else Path(INSTALLED)
    if not folder.is_dir():
        how = "on Debian and Ubuntu: apt-get install dataset-fashion-mnist; elsewhere give the folder of its files"
        raise UnusableData(f'Fashion-MNIST is not in `{folder}`; {how}: fashion_mnist("FOLDER")')
    train, test = (
        InMemory(
            _idx(folder, f"{name}-images-idx3-ubyte").unsqueeze(1), _idx(folder, f"{name}-labels-idx1-ubyte").long()
        )
        for name in ("train", "t10k")
    )
    return DataSet(train, None, test, CLASSES, 1, (train.images.shape[2], train.images.shape[3]))


def _idx(folder: Path, name: str) -> Tensor:
    """A file of bytes with its shape in front, packed or not."""
    try:
        packed = folder / f"{name}.gz"
        content = gzip.decompress(packed.read_bytes()) if packed.exists() else (folder / name).read_bytes()
    except (OSError, EOFError) as error:
        raise UnusableData(f"`{folder / name}` cannot be read: {error}; install it again") from None
    axes = content[3] if content[:3] == b"\0\0\x08" else 0
    shape = [int.from_bytes(content[4 + 4 * axis : 8 + 4 * axis], "big") for axis in range(axes)]
    values = torch.frombuffer(bytearray(content[4 + 4 * axes :]), dtype=torch.uint8)
    if not axes or values.numel() != torch.Size(shape).numel():
        raise UnusableData(f"`{folder / name}` is no sound idx file; install it again")
    return values.reshape(shape)
