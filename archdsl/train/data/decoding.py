"""Picture files as tensors. Pillow reads them where it is installed; PGM and PPM need nothing."""

import re
from collections.abc import Sequence
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from typing import Any, Final

import numpy
import torch
from torch import Tensor
from torch.nn import functional

from archdsl.train.data.contract import UnusableData, Wanted
from archdsl.train.plain_numbers import of_array

PLAIN: Final = frozenset({".pgm", ".ppm"})
ENDINGS: Final = PLAIN | {".jpg", ".jpeg", ".png", ".bmp", ".webp", ".gif", ".tif", ".tiff"}
_HEADER: Final = re.compile(rb"P([56])\s+(?:#[^\n]*\n\s*)*(\d+)\s+(\d+)\s+(\d+)\s")


def check_readable(what: str, endings: Sequence[str]) -> None:
    """Refuse files that nothing here can read, before the first is opened."""
    if set(endings) - PLAIN and find_spec("PIL") is None:
        raise UnusableData(f"reading {what} takes Pillow, which is not installed: pip install 'archdsl[images]'")


def decoded(path: Path, wanted: Wanted) -> Tensor:
    """A picture as bytes [channels, height, width]: resized until it covers the model's size, its middle cut out."""
    try:
        if path.suffix.lower() in PLAIN:
            return _fitted(_plain(path), wanted)
        with import_module("PIL.Image").open(path) as image:
            return of_image(image, wanted)
    except (OSError, ValueError, SyntaxError) as error:
        raise UnusableData(f"the picture `{path}` cannot be read: {error}") from None


def of_image(image: Any, wanted: Wanted) -> Tensor:
    """A picture that Pillow has read."""
    height, width = wanted.size
    factor = max(height / image.height, width / image.width)
    sides = max(width, round(image.width * factor)), max(height, round(image.height * factor))
    resized = image.convert("L" if wanted.channels == 1 else "RGB").resize(
        sides, import_module("PIL.Image").Resampling.BILINEAR
    )
    return _middle(of_array(numpy.array(resized)).reshape(sides[1], sides[0], -1).permute(2, 0, 1), wanted)


def _plain(path: Path) -> Tensor:
    content = path.read_bytes()
    header = _HEADER.match(content)
    if header is None or int(header[4]) > 255:
        raise ValueError("it is no binary PGM or PPM of bytes")
    channels, width, height = (1 if header[1] == b"5" else 3), int(header[2]), int(header[3])
    values = torch.frombuffer(bytearray(content[header.end() :]), dtype=torch.uint8)
    if values.numel() < channels * width * height:
        raise ValueError("it was cut off")
    return values[: channels * width * height].reshape(height, width, channels).permute(2, 0, 1)


def _fitted(picture: Tensor, wanted: Wanted) -> Tensor:
    if picture.shape[0] != wanted.channels:
        picture = picture.float().mean(0, keepdim=True).round().to(torch.uint8)
        picture = picture.expand(wanted.channels, -1, -1)
    (height, width), (own_height, own_width) = wanted.size, picture.shape[1:]
    factor = max(height / own_height, width / own_width)
    sides = max(height, round(own_height * factor)), max(width, round(own_width * factor))
    if sides != (own_height, own_width):
        resized = functional.interpolate(picture.float().unsqueeze(0), sides, mode="bilinear", antialias=True)
        picture = resized.squeeze(0).round().clamp(0, 255).to(torch.uint8)
    return _middle(picture, wanted)


def _middle(picture: Tensor, wanted: Wanted) -> Tensor:
    (height, width), (own_height, own_width) = wanted.size, picture.shape[1:]
    top, left = (own_height - height) // 2, (own_width - width) // 2
    return picture[:, top : top + height, left : left + width].contiguous()
