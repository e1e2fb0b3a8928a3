"""Tiles of neighbours: which are tried, what they are expected to cost, and what is laid out before."""

import pytest
import torch

from archdsl_compiler.emit.prelude import NeighborhoodAttention
from archdsl_compiler.kernels.contract import Case, Mode, Place, kernel, kernels_for
from archdsl_compiler.kernels.neighborhood import _counts, picture_by_picture
from archdsl_compiler.kernels.regions.contract import cut
from archdsl_compiler.kernels.regions.neighborhood import Neighborhood
from archdsl_compiler.tuning.formats import Operand
from tests.compiler.kernels.flat_models import graph_of

TEXT = """\
model net()(x: [b, {height}, {width}, 2, 4]) {{
  let bias = param([2, 13, 13]) as rpb
  return neighborhood_attention(x, x, x, {bias}, kernel=7, dilation={dilation})
}}
"""


def case_of(height: int, width: int, dilation: int = 1, bias: str = "none") -> Case:
    parts = cut(graph_of(TEXT.format(height=height, width=width, dilation=dilation, bias=bias)))
    (region,) = (each for each in parts.running if each.kind == "neighborhood")
    map_ = Operand((1, height, width, 2, 4), (height * width * 8, width * 8, 8, 4, 1), "float32")
    inputs = tuple(map_ if place not in region.constants else _bias() for place in range(len(region.inputs)))
    return Case(region, Mode(), inputs, (map_,), Place("cpu", 1, frozenset()))


def _bias() -> Operand:
    return Operand((2, 13, 13), (169, 13, 1), "float32")


def tried(case: Case) -> dict[str, float]:
    return {each.name: each.factor(case) for each in kernels_for("neighborhood") if each.kinds and each.applies(case)}


@pytest.mark.parametrize(
    ("size", "expected"),
    [
        ((7, 7), ["as_one"]),
        ((14, 14), ["as_one", "by_8", "by_4"]),
        ((56, 56), ["as_one", "by_16", "by_8", "by_4"]),
        ((112, 96), ["by_16", "by_8", "by_4"]),
    ],
)
def test_tiles_are_tried_where_they_differ_and_their_mask_has_room(size: tuple[int, int], expected: list[str]):
    assert [f"neighborhood_{name}" for name in expected] == list(tried(case_of(*size)))


@pytest.mark.parametrize(
    ("size", "dilation", "quickest"),
    [((14, 14), 1, "as_one"), ((28, 28), 1, "by_8"), ((56, 56), 1, "by_8"), ((16, 15), 2, "as_one")],
)
def test_the_rule_of_thumb_takes_the_whole_of_small_maps_alone(size: tuple[int, int], dilation: int, quickest: str):
    factors = tried(case_of(*size, dilation))
    assert f"neighborhood_{quickest}" == min(factors, key=factors.__getitem__)


@pytest.mark.parametrize("tile", [4, 8, 16, 100])
@pytest.mark.parametrize(("size", "kernel", "dilation"), [((28, 33), (7, 5), (1, 1)), ((17, 30), (3, 5), (2, 3))])
def test_what_is_computed_is_counted_as_the_layer_computes_it(
    size: tuple[int, int], kernel: tuple[int, int], dilation: tuple[int, int], tile: int
):
    layer = NeighborhoodAttention(size, kernel, dilation, tile=tile)
    pairs = layer.tiles * layer.mask.shape[2] * layer.mask.shape[3]
    found = _counts(Neighborhood(size, kernel, dilation, None, 0, 1, 2, None), tile)
    assert (pairs, len(layer.asked)) == found


def test_the_portable_form_stands_for_the_tiles_that_it_takes():
    case = case_of(56, 56)
    names = [each.name for each in kernels_for("neighborhood") if each.kinds and each.written(case) is not None]
    assert ["neighborhood_by_8"] == names
    assert case.region.piece is kernel("neighborhood_by_8").written(case)


def test_a_constant_bias_is_laid_out_once(monkeypatch: pytest.MonkeyPatch):
    case = case_of(16, 15, bias="bias")
    (place,) = case.region.constants
    bias, x = torch.randn(2, 13, 13), torch.randn(3, 16, 15, 2, 4)
    run = kernel("neighborhood_by_4").make(case, {}, {place: bias})
    expected = NeighborhoodAttention((16, 15), 7, biased=True)(x, x, x, bias)
    monkeypatch.delattr(NeighborhoodAttention, "biases")
    torch.testing.assert_close(run(x, bias), expected)


def test_pictures_one_by_one_are_pictures_together():
    layer = NeighborhoodAttention((16, 15), 5, 2)
    q, k, v = torch.randn(3, 4, 16, 15, 2, 4).unbind(0)
    torch.testing.assert_close(picture_by_picture(layer)(q, k, v), layer(q, k, v))
