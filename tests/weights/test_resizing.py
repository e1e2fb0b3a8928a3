"""Tables of positions in another size, against PyTorch's own interpolation."""

import pytest
import torch
from torch.nn import functional

from archdsl.weights.resizing import resized


def bicubic(maps: torch.Tensor, side: int) -> torch.Tensor:
    return functional.interpolate(maps, size=(side, side), mode="bicubic", align_corners=False, antialias=True)


@pytest.mark.parametrize(("before", "after"), [(14, 12), (14, 24)])
def test_tokens_of_a_map_after_a_class_token(before: int, after: int):
    table = torch.randn(1, 1 + before**2, 6)
    found = resized(table, (1, 1 + after**2, 6), "1 (h w) c", 1)
    assert found is not None
    maps = table[:, 1:].reshape(1, before, before, 6).permute(0, 3, 1, 2)
    expected = bicubic(maps, after).permute(0, 2, 3, 1).reshape(1, after**2, 6)
    assert torch.equal(torch.cat([table[:, :1], expected], dim=1), found)


def test_relative_positions():
    table = torch.randn(13 * 13, 3)
    found = resized(table, (23 * 23, 3), "(h w) heads")
    assert found is not None
    expected = bicubic(table.T.reshape(1, 3, 13, 13), 23).reshape(3, 23 * 23).T
    assert torch.equal(expected, found)


def test_axes_that_stand_apart_need_no_square():
    table = torch.randn(1, 14, 10, 4, dtype=torch.float64)
    found = resized(table, (1, 7, 12, 4), "1 h w c")
    assert found is not None
    maps = functional.interpolate(
        table.permute(0, 3, 1, 2).float(), size=(7, 12), mode="bicubic", align_corners=False, antialias=True
    )
    assert torch.equal(maps.permute(0, 2, 3, 1).double(), found)
    heads = torch.randn(3, 5, 5)
    spread = resized(heads, (3, 9, 9), "heads h w")
    assert spread is not None
    assert torch.equal(bicubic(heads[None], 9)[0], spread)


@pytest.mark.parametrize(
    ("before", "after", "rule", "prefix"),
    [
        ((1, 197, 6), (1, 145, 8), "1 (h w) c", 1),
        ((1, 197, 6), (1, 145, 6), "1 (h w) c", 0),
        ((1, 197, 6), (1, 146, 6), "1 (h w) c", 1),
        ((1, 1, 6), (1, 145, 6), "1 (h w) c", 1),
        ((197, 6), (1, 145, 6), "1 (h w) c", 1),
        ((1, 4, 4, 6), (1, 5, 5, 7), "1 h w c", 0),
        ((4, 4), (5, 5), "a b", 0),
    ],
)
def test_shapes_that_the_rule_does_not_lead_to(before: tuple[int], after: tuple[int], rule: str, prefix: int):
    assert resized(torch.zeros(before), after, rule, prefix) is None
