"""Neighborhood attention by tiles beside its definition place by place: sizes, borders, other dtypes, gradients, and
models that hold it."""

import math
import pickle
from pathlib import Path

import pytest
import torch
from torch import nn

import archdsl
from archdsl.building import source_of
from archdsl.targets import open_target
from archdsl_compiler.emit.prelude import NeighborhoodAttention, neighborhood_axis
from tests.compiler.neighbors import asked, attended

TILES = (None, 1, 4, 100)
SIZES = [
    # height and width, kernel, dilation
    ((8, 8), (3, 3), (1, 1)),
    ((14, 14), (7, 7), (1, 1)),
    ((15, 13), (5, 5), (1, 1)),
    ((17, 29), (3, 9), (1, 1)),
    ((7, 7), (7, 7), (1, 1)),
    ((5, 21), (5, 1), (1, 1)),
    ((1, 16), (1, 15), (1, 1)),
    ((16, 16), (5, 5), (2, 2)),
    ((15, 17), (3, 5), (3, 2)),
    ((23, 19), (7, 3), (3, 1)),
    ((21, 16), (7, 5), (3, 3)),
    ((9, 31), (3, 3), (3, 7)),
]
MODEL = """\
from std.mixers import neighborhood

model net(kernels: list[int] = [3, 5], dilation: int = 2)(x: [b, 12, 16, 15]) {
  for i, kernel in enumerate(kernels) {
    x = x + (x |> neighborhood(3, kernel, dilation) as blocks[i])
  }
  return x + (x |> neighborhood(2, offset_bias=false) as last)
}
"""
TWICE = """\
model net()(x: [b, 8, 9, 2, 4]) {
  let near = neighborhood_attention(x, x, x, kernel=3)
  let far = neighborhood_attention(x, near, x, kernel=3, dilation=2, scale=0.5)
  return linear(far, 4) as neighborhood_attention
}
"""


def drawn(size: tuple[int, int], batch: int, heads: int, channels: int = 4, other: int = 4) -> list[torch.Tensor]:
    """q, k and v."""
    numbers = torch.Generator().manual_seed(0)
    return [
        torch.randn(batch, *size, heads, count, dtype=torch.float64, generator=numbers)
        for count in (channels, channels, other)
    ]


def biases(heads: int, kernel: tuple[int, int]) -> torch.Tensor:
    offsets = [2 * length - 1 for length in kernel]
    return torch.randn(heads, *offsets, dtype=torch.float64, generator=torch.Generator().manual_seed(1))


@pytest.mark.parametrize("tile", TILES)
@pytest.mark.parametrize(("size", "kernel", "dilation"), SIZES)
def test_tiles_are_the_definition(size, kernel, dilation, tile: int | None, one_thread: None):
    for batch, heads in ((1, 1), (3, 2)):
        inputs, bias = drawn(size, batch, heads), biases(heads, kernel)
        layer = NeighborhoodAttention(size, kernel, dilation, tile=tile).double()
        expected = attended(*inputs, kernel=kernel, dilation=dilation)
        torch.testing.assert_close(layer(*inputs), expected, atol=1e-12, rtol=1e-12)
        layer = NeighborhoodAttention(size, kernel, dilation, 0.7, biased=True, tile=tile).double()
        expected = attended(*inputs, bias, kernel=kernel, dilation=dilation, scale=0.7)
        torch.testing.assert_close(layer(*inputs, bias), expected, atol=1e-12, rtol=1e-12)


def test_a_kernel_over_the_whole_map_is_attention():
    q, k, v = drawn((9, 9), 2, 3)
    tokens = (x.flatten(1, 2).transpose(1, 2) for x in (q, k, v))
    expected = nn.functional.scaled_dot_product_attention(*tokens).transpose(1, 2).unflatten(1, (9, 9))
    torch.testing.assert_close(NeighborhoodAttention((9, 9), 9).double()(q, k, v), expected)


def test_values_may_have_other_channels():
    inputs = drawn((16, 15), 2, 2, 4, 6)
    found = NeighborhoodAttention((16, 15), 5).double()(*inputs)
    torch.testing.assert_close(found, attended(*inputs, kernel=(5, 5)))


def test_inputs_may_be_views():
    q, k, v = torch.randn(2, 16, 15, 3, 2, 4, dtype=torch.float64).permute(3, 0, 1, 2, 4, 5)
    found = NeighborhoodAttention((16, 15), 5).double()(q, k, v)
    torch.testing.assert_close(found, attended(q, k, v, kernel=(5, 5)))


@pytest.mark.parametrize("size", [(8, 7), (15, 16)], ids=["one tile", "tiles"])
@pytest.mark.parametrize("dilation", [1, 2])
def test_gradients_are_those_of_the_definition(size: tuple[int, int], dilation: int, one_thread: None):
    given = [*drawn(size, 2, 2), biases(2, (3, 3))]
    weights = torch.randn(2, *size, 2, 4, dtype=torch.float64)
    layer = NeighborhoodAttention(size, 3, dilation, biased=True)
    found, expected = (
        torch.autograd.grad((result * weights).sum(), given)
        for result in (
            layer(*(x.requires_grad_() for x in given)),
            attended(*given, kernel=(3, 3), dilation=(dilation, dilation)),
        )
    )
    torch.testing.assert_close(found, expected)


@pytest.mark.parametrize(("dtype", "limit"), [(torch.float32, 1e-5), (torch.bfloat16, 3e-2), (torch.float16, 5e-3)])
@pytest.mark.parametrize("biased", [False, True])
def test_other_dtypes_are_near_it(dtype: torch.dtype, limit: float, biased: bool):
    inputs = drawn((15, 16), 2, 2)
    given = [*inputs, biases(2, (5, 5))] if biased else inputs
    expected = attended(*given, kernel=(5, 5))
    layer = NeighborhoodAttention((15, 16), 5, biased=biased)
    for model in (layer, pickle.loads(pickle.dumps(layer)).to(dtype)):
        found = model(*(x.to(dtype) for x in given))
        assert dtype == found.dtype
        assert limit > ((found.double() - expected).abs().max() / expected.abs().max()).item()


def test_it_goes_under_autocast():
    layer, inputs = NeighborhoodAttention((15, 16), 5), [x.float() for x in drawn((15, 16), 1, 2)]
    with torch.autocast("cpu", torch.bfloat16):
        found = layer(*inputs)
    torch.testing.assert_close(found.float(), layer(*inputs), atol=3e-2, rtol=3e-2)


def test_a_map_of_another_size_is_told():
    layer = NeighborhoodAttention((15, 16), 5)
    with pytest.raises(ValueError, match=r"a map of \(16, 16\), not \(15, 16\)"):
        layer(*(x.float() for x in drawn((16, 16), 1, 1)))


@pytest.mark.parametrize("tile", [1, 3, 7, 50])
@pytest.mark.parametrize(("size", "kernel", "dilation"), [(29, 7, 1), (14, 3, 4), (11, 11, 1), (20, 5, 3)])
def test_an_axis_in_tiles_asks_what_it_should(size: int, kernel: int, dilation: int, tile: int):
    places, others, kinds, offsets = (x.tolist() for x in neighborhood_axis(size, kernel, dilation, tile))
    expected = asked(size, kernel, dilation)
    seen: set[int] = set()
    for own, reached, kind in zip(places, others, kinds, strict=True):
        assert len(own) <= tile
        for place, row in zip(own, offsets[kind], strict=True):
            pairs = [(other, offset) for other, offset in zip(reached, row, strict=True) if offset >= 0]
            away = [(other - place) // dilation + kernel - 1 for other in expected[place]]
            assert list(zip(expected[place], away, strict=True)) == pairs
            seen.add(place)
    assert set(range(size)) == seen


def test_tiles_alike_share_their_mask():
    layer = NeighborhoodAttention((56, 56), 7)
    assert (49, (1, 9, 64, 196)) == (layer.tiles, tuple(layer.mask.shape))
    assert (1, (1, 1, 196, 196)) == ((small := NeighborhoodAttention((14, 14), 7)).tiles, tuple(small.mask.shape))
    assert {} == layer.state_dict()


# ---- models that hold it


def written(tmp_path: Path, text: str) -> str:
    file = tmp_path / "net.arch"
    file.write_text(text, encoding="utf-8")
    return str(file)


def test_the_source_makes_its_tables_once(tmp_path: Path):
    source = source_of(open_target(written(tmp_path, MODEL)))
    made = [line.strip() for line in source.splitlines() if "NeighborhoodAttention(" in line and "class" not in line]
    assert [
        "self.neighborhood_attention = NeighborhoodAttention(",
        "self.neighborhood_attention = NeighborhoodAttention((16, 15), 7)",
    ] == made
    assert "            (16, 15), kernel, dilation=2, biased=True\n" in source
    assert "self.neighborhood_attention(q, k, v, self.rpb)" in source


def test_names_in_the_state_dict_stay_free(tmp_path: Path):
    model = archdsl.build(written(tmp_path, TWICE)).double()
    assert ["neighborhood_attention.bias", "neighborhood_attention.weight"] == sorted(model.state_dict())
    x = torch.randn(2, 8, 9, 2, 4, dtype=torch.float64)
    near = attended(x, x, x, kernel=(3, 3))
    far = attended(x, near, x, kernel=(3, 3), dilation=(2, 2), scale=0.5)
    torch.testing.assert_close(model(x), model.get_submodule("neighborhood_attention")(far))


def test_the_mixer_is_attention_of_the_neighbours_between_two_linears(tmp_path: Path):
    model = archdsl.build(written(tmp_path, MODEL)).double()
    x = torch.randn(2, 12, 16, 15, dtype=torch.float64)
    expected = x
    for part, heads, kernel, dilation in (
        (model.get_submodule("blocks.0"), 3, 3, 2),
        (model.get_submodule("blocks.1"), 3, 5, 2),
        (model.get_submodule("last"), 2, 7, 1),
    ):
        qkv = part.qkv(expected.permute(0, 2, 3, 1)).unflatten(-1, (3, heads, -1)).unbind(3)
        bias = getattr(part, "rpb", None)
        mixed = attended(*qkv, bias, kernel=(kernel, kernel), dilation=(dilation, dilation))
        expected = expected + part.proj(mixed.flatten(3)).permute(0, 3, 1, 2)
    torch.testing.assert_close(model(x), expected)


def test_its_products_are_counted(tmp_path: Path):
    graph = open_target(written(tmp_path, MODEL)).graph()
    linears = 3 * 240 * 12 * (36 + 12)
    attention = 240 * 2 * 12 * (9 + 25 + 49)
    assert linears + attention == graph.macs


@pytest.mark.slow
def test_models_with_it_are_exported(tmp_path: Path, one_thread: None):
    from onnxruntime import InferenceSession

    target = written(tmp_path, MODEL)
    model = archdsl.build(target).eval()
    weights = model.state_dict()
    program = torch.export.load(archdsl.export(target, "pt2", tmp_path / "net.pt2", weights=weights)).module()
    session = InferenceSession(
        archdsl.export(target, "onnx", tmp_path / "net.onnx", weights=weights), providers=["CPUExecutionProvider"]
    )
    compiled = torch.compile(model, backend="eager", fullgraph=True)
    for batch in (1, 3):
        x = torch.randn(batch, 12, 16, 15)
        with torch.inference_mode():
            expected = model(x)
            torch.testing.assert_close(program(x), expected)
            torch.testing.assert_close(compiled(x), expected)
        (found,) = session.run(None, {"x": x.numpy()})
        torch.testing.assert_close(torch.as_tensor(found), expected, atol=1e-4, rtol=1e-4)


def test_no_number_is_nan_where_scores_are_large():
    q, k, v = (50.0 * x for x in drawn((15, 16), 1, 1))
    found = NeighborhoodAttention((15, 16), 5)(q.float(), k.float(), v.float())
    assert math.isfinite(found.abs().max().item())
