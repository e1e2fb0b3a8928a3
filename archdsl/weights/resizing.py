"""Tables of positions for another size of map, by the rule on their parameter: `resize="1 (h w) c"` names the axes,
`prefix` counts the rows before them that belong to no place. Places are interpolated, bicubic and smoothed."""

import re
from typing import Final

import torch
from torch import Tensor
from torch.nn import functional

PLACES: Final = ("h", "w")
AXIS: Final = re.compile(r"\([^)]*\)|\S+")


def resized(table: Tensor, shape: tuple[int, ...], rule: str, prefix: int = 0) -> Tensor | None:
    """The table in another shape, in the dtype that it had; None where the rule does not lead there: other axes differ,
    or a joined axis is no square."""
    axes = AXIS.findall(rule)
    if len(axes) != table.dim() or len(axes) != len(shape):
        return None
    joined = next((place for place, axis in enumerate(axes) if axis.strip("()").split() == list(PLACES)), None)
    if joined is not None:
        return _of_joined(table, shape, joined, prefix)
    if not set(PLACES) <= set(axes):
        return None
    rows, columns = axes.index("h"), axes.index("w")
    if any(size != shape[axis] for axis, size in enumerate(table.shape) if axis not in (rows, columns)):
        return None
    return _interpolated(table, rows, columns, (shape[rows], shape[columns]))


def _of_joined(table: Tensor, shape: tuple[int, ...], axis: int, prefix: int) -> Tensor | None:
    """Rows and columns are one axis, after `prefix` rows of another kind."""
    if any(size != shape[other] for other, size in enumerate(table.shape) if other != axis):
        return None
    before, after = (_side(size - prefix) for size in (table.shape[axis], shape[axis]))
    if before is None or after is None:
        return None
    first, places = table.narrow(axis, 0, prefix), table.narrow(axis, prefix, before * before)
    spread = places.reshape(*table.shape[:axis], before, before, *table.shape[axis + 1 :])
    return torch.cat([first, _interpolated(spread, axis, axis + 1, (after, after)).flatten(axis, axis + 1)], dim=axis)


def _side(places: int) -> int | None:
    side = round(places**0.5) if places > 0 else 0
    return side if side and side * side == places else None


def _interpolated(table: Tensor, rows: int, columns: int, size: tuple[int, int]) -> Tensor:
    """All other axes are channels."""
    others = [axis for axis in range(table.dim()) if axis not in (rows, columns)]
    order = [*others, rows, columns]
    maps = table.permute(order).float()
    flat = maps.reshape(1, -1, maps.shape[-2], maps.shape[-1])
    scaled = functional.interpolate(flat, size=size, mode="bicubic", align_corners=False, antialias=True)
    back = [order.index(axis) for axis in range(table.dim())]
    return scaled.reshape(*maps.shape[:-2], *size).permute(back).to(table.dtype)
