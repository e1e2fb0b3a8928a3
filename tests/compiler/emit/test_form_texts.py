"""How forms read: as a person would write them, without what PyTorch does anyway."""

import math
from typing import Any

import pytest

from archdsl_compiler.emit.code import Default, Number, render
from archdsl_compiler.emit.forms.contract import Layer, symbolic
from archdsl_compiler.emit.forms.registry import form_of
from archdsl_compiler.sizes import BATCH as B
from archdsl_compiler.sizes import apply
from archdsl_compiler.types import TensorType
from tests.compiler.emit.test_forms import leaf, text_of, view_of
from tests.compiler.ops.cases import real, truth, whole

REARRANGED: list[tuple[str, TensorType, dict[str, Any], str]] = [
    ("b c h w -> b c h w", real(B, 2, 3, 4), {}, "v0"),
    ("b c h w -> b (h w) c", real(B, 3, 4, 5), {}, "v0.flatten(2).transpose(1, 2)"),
    ("b (h w) c -> b c h w", real(B, 12, 5), {"h": 3}, "v0.transpose(1, 2).unflatten(-1, (3, -1))"),
    ("b c h w -> b h w c", real(B, 3, 4, 5), {}, "v0.permute(0, 2, 3, 1)"),
    ("b h n d -> b n (h d)", real(B, 3, 4, 5), {}, "v0.transpose(1, 2).flatten(2)"),
    ("b n (h d) -> b h n d", real(B, 7, 12), {"h": 3}, "v0.unflatten(-1, (3, -1)).transpose(1, 2)"),
    (
        "b n (three h d) -> three b h n d",
        real(B, 7, 36),
        {"three": 3, "h": 4},
        "v0.unflatten(-1, (3, 4, -1)).permute(2, 0, 3, 1, 4)",
    ),
    (
        "b (y p) (x q) c -> b (y x) (p q) c",
        real(B, 14, 21, 3),
        {"p": 7, "q": 7},
        "v0.unflatten(2, (-1, 7)).unflatten(1, (-1, 7)).transpose(2, 3).flatten(3, 4).flatten(1, 2)",
    ),
    (
        "b (y x) (p q) c -> b (y p) (x q) c",
        real(B, 6, 49, 3),
        {"y": 2, "p": 7},
        "v0.unflatten(2, (7, -1)).unflatten(1, (2, -1)).transpose(2, 3).flatten(3, 4).flatten(1, 2)",
    ),
    ("b n c -> (b n) c", real(B, 3, 4), {}, "v0.flatten(0, 1)"),
    ("(b n) c -> b n c", real(B * 6, 4), {"b": B}, "v0.unflatten(0, (-1, 6))"),
    ("(b n) c -> b n c", real(B * 6, 4), {"n": 6}, "v0.unflatten(0, (-1, 6))"),
    ("b c h w -> b (c h w)", real(B, 3, 4, 5), {}, "v0.flatten(1)"),
    ("b c h w -> (b c h w)", real(B, 3, 4, 5), {}, "v0.flatten()"),
    ("b c 1 1 -> b c", real(B, 3, 1, 1), {}, "v0.squeeze((2, 3))"),
    ("() b c -> b c", real(1, B, 3), {}, "v0.squeeze(0)"),
    ("b 1 h d -> b h 1 d", real(B, 1, 3, 4), {}, "v0.transpose(1, 2)"),
    ("n i -> n 1 i", real(4, 5), {}, "v0.unsqueeze(1)"),
    ("n i -> n i 1", real(4, 5), {}, "v0.unsqueeze(-1)"),
    ("c -> c 1 1", real(5), {}, "v0[:, None, None]"),
    ("b c h w -> b 1 c (h w) 1", real(B, 3, 4, 5), {}, "v0.flatten(2)[:, None, :, :, None]"),
    ("... h w -> ... w h", real(B, 3, 4, 5), {}, "v0.transpose(-2, -1)"),
    ("b ... c -> b c ...", real(B, 3, 4, 5), {}, "v0.permute(0, 3, 1, 2)"),
    ("b ... c -> b (...) c", real(B, 3, 4, 5), {}, "v0.flatten(1, 2)"),
    ("b ... -> b ...", real(B), {}, "v0"),
]
REPEATED: list[tuple[str, TensorType, dict[str, Any], str]] = [
    ("n c -> n k c", real(B, 4), {"k": 3}, "v0.unsqueeze(1).expand(-1, 3, -1)"),
    ("1 n c -> b n c", real(1, 4, 5), {"b": B}, "v0.expand(batch, -1, -1)"),
    ("n c -> b n c", real(4, 5), {"b": B}, "v0.unsqueeze(0).expand(batch, -1, -1)"),
    ("x -> (y x)", real(4), {"y": 3}, "v0.repeat(3)"),
    ("y -> (y x)", real(4), {"x": 3}, "v0.repeat_interleave(3)"),
    ("s -> (before s after)", real(4), {"before": 2, "after": 3}, "v0.repeat_interleave(3).repeat(2)"),
    ("n c -> (r n) c", real(B, 4), {"r": 3}, "v0.repeat(3, 1)"),
    ("n c -> (n r) c", real(B, 4), {"r": 3}, "v0.repeat_interleave(3, 0)"),
    (
        "n (c d) -> n d (c r)",
        real(B, 4),
        {"c": 2, "r": 3},
        "v0.unflatten(-1, (2, -1)).transpose(1, 2).repeat_interleave(3, -1)",
    ),
    ("b c -> b k c", real(B, 4), {"k": 1}, "v0.unsqueeze(1)"),
    ("b c -> b c", real(B, 4), {}, "v0"),
]


@pytest.mark.parametrize(("pattern", "x", "sizes", "text"), REARRANGED)
def test_rearrange_takes_the_fewest_calls(pattern: str, x: TensorType, sizes: dict[str, Any], text: str) -> None:
    assert text == text_of(view_of("rearrange", x, pattern=pattern, **sizes))


@pytest.mark.parametrize(("pattern", "x", "sizes", "text"), REPEATED)
def test_repeat_copies_only_what_it_joins(pattern: str, x: TensorType, sizes: dict[str, Any], text: str) -> None:
    assert text == text_of(view_of("repeat", x, pattern=pattern, **sizes))


MAP = real(B, 8, 14, 14)
TOKENS = real(B, 7, 8)
HEADS = real(B, 14, 15, 2, 4)
CALLS: list[tuple[str, tuple[Any, ...], dict[str, Any], str]] = [
    ("linear", (TOKENS,), {"out": 4}, "nn.Linear(8, 4)(v0)"),
    ("linear", (TOKENS,), {"out": 4, "bias": False}, "nn.Linear(8, 4, bias=False)(v0)"),
    ("conv", (MAP,), {"out": 4, "kernel": 1}, "nn.Conv2d(8, 4, 1)(v0)"),
    ("conv", (MAP,), {"out": 4, "kernel": 3, "stride": 2}, "nn.Conv2d(8, 4, 3, stride=2, padding=1)(v0)"),
    ("conv", (MAP,), {"out": 8, "kernel": 7, "groups": 8}, "nn.Conv2d(8, 8, 7, padding=3, groups=8)(v0)"),
    ("conv", (MAP,), {"out": 4, "kernel": (1, 7)}, "nn.Conv2d(8, 4, (1, 7), padding=(0, 3))(v0)"),
    ("conv", (MAP,), {"out": 4, "kernel": 3, "padding": "same"}, "nn.Conv2d(8, 4, 3, padding=1)(v0)"),
    ("conv", (MAP,), {"out": 4, "kernel": 3, "stride": 2, "padding": "same"}, "SameConv2d(8, 4, 3, stride=2)(v0)"),
    ("batch_norm", (MAP,), {}, "nn.BatchNorm2d(8)(v0)"),
    ("batch_norm", (MAP,), {"eps": 1e-3, "momentum": 0.01}, "nn.BatchNorm2d(8, eps=0.001, momentum=0.01)(v0)"),
    ("batch_norm", (TOKENS,), {"axis": -1}, "BatchNormLast(8)(v0)"),
    ("layer_norm", (TOKENS,), {"eps": 1e-6}, "nn.LayerNorm(8, eps=1e-06)(v0)"),
    ("layer_norm", (MAP,), {"axis": 1}, "LayerNorm2d(8)(v0)"),
    ("layer_norm", (TOKENS,), {"affine": False}, "F.layer_norm(v0, v0.shape[-1:])"),
    ("group_norm", (MAP,), {"groups": 1}, "nn.GroupNorm(1, 8)(v0)"),
    ("gelu", (MAP,), {}, "F.gelu(v0)"),
    ("gelu", (MAP,), {"approximate": "tanh"}, 'F.gelu(v0, approximate="tanh")'),
    ("sigmoid", (MAP,), {}, "v0.sigmoid()"),
    ("softmax", (MAP,), {"axis": -1}, "v0.softmax(dim=-1)"),
    ("mean", (MAP,), {"axes": (2, 3)}, "v0.mean((2, 3))"),
    ("mean", (MAP,), {"axes": (2, 3), "keep": True}, "v0.mean((2, 3), keepdim=True)"),
    ("variance", (MAP,), {"axes": 1}, "v0.var(1, unbiased=False)"),
    ("avg_pool", (MAP,), {"kernel": 2}, "F.avg_pool2d(v0, 2)"),
    ("max_pool", (MAP,), {"kernel": 3, "stride": 2, "padding": 1}, "F.max_pool2d(v0, 3, stride=2, padding=1)"),
    ("adaptive_pool", (MAP,), {"size": 1}, "F.adaptive_avg_pool2d(v0, 1)"),
    ("resize", (MAP,), {"size": 28}, 'F.interpolate(v0, scale_factor=2, mode="bilinear")'),
    ("resize", (MAP,), {"size": (7, 9)}, 'F.interpolate(v0, size=(7, 9), mode="bilinear")'),
    ("resize", (MAP,), {"size": 14}, "v0"),
    ("roll", (MAP,), {"shift": (-3, -3), "axes": (2, 3)}, "v0.roll((-3, -3), (2, 3))"),
    ("roll", (MAP,), {"shift": (0, 2), "axes": (2, 3)}, "v0.roll(2, 3)"),
    ("roll", (MAP,), {"shift": 0, "axes": (2, 3)}, "v0"),
    ("pad", (MAP,), {"after": (1, 2), "axes": (2, 3)}, "F.pad(v0, (0, 2, 0, 1))"),
    ("pad", (TOKENS,), {"before": 1, "axes": 1, "value": 0.5}, "F.pad(v0, (0, 0, 1, 0), value=0.5)"),
    ("pad", (MAP,), {"after": (0, 0), "axes": (2, 3)}, "v0"),
    ("reshape", (TOKENS,), {"shape": (B, 56)}, "v0.reshape(-1, 56)"),
    ("reshape", (TOKENS,), {"shape": (B, 4, -1)}, "v0.reshape(v0.shape[0], 4, -1)"),
    ("reshape", (TOKENS,), {"shape": (B * 7, 2, 4)}, "v0.reshape(-1, 2, 4)"),
    ("reshape", (real(8),), {"shape": (1, 8, 1, 1)}, "v0.reshape(1, -1, 1, 1)"),
    ("reshape", (TOKENS,), {"shape": (B, 7, 8)}, "v0"),
    ("expand", (real(1, 7, 8),), {"size": B, "axis": 0}, "v0.expand(batch, -1, -1)"),
    ("concat", ([TOKENS, TOKENS],), {"axis": 1}, "torch.cat([v0, v1], dim=1)"),
    ("stack", ([TOKENS, TOKENS],), {}, "torch.stack([v0, v1])"),
    ("split", (TOKENS,), {"parts": 2, "axis": -1}, "v0.chunk(2, dim=-1)"),
    ("split", (TOKENS,), {"parts": (3, 5), "axis": -1}, "v0.split([3, 5], dim=-1)"),
    ("split", (TOKENS,), {"parts": (4, 4), "axis": -1}, "v0.split([4, 4], dim=-1)"),
    ("transpose", (TOKENS,), {}, "v0.transpose(-2, -1)"),
    ("index", (TOKENS,), {"places": ("all", 0)}, "v0[:, 0]"),
    ("index", (TOKENS,), {"places": ("all", ("slice", 1, None))}, "v0[:, 1:]"),
    ("index", (MAP,), {"places": ("all", "all", ("slice", None, 7), ("slice", None, 14))}, "v0[:, :, :7]"),
    ("index", (MAP,), {"places": ("all", "all", ("slice", None, 14), ("slice", None, 99))}, "v0"),
    ("index", (MAP,), {"places": ("rest", ("slice", -2, None))}, "v0[..., -2:]"),
    ("index", (MAP,), {"places": ("all", "all", ("range", 0, 14, 2), ("range", 1, 14, 2))}, "v0[:, :, ::2, 1::2]"),
    ("index", (real(9, 4), whole(5, 5)), {"places": ("tensor", "rest")}, "v0[v1]"),
    ("index", (TOKENS, whole(5)), {"places": ("all", "tensor")}, "v0.index_select(1, v1)"),
    ("index", (TOKENS, whole(5)), {"places": (0, "tensor")}, "v0[0, v1]"),
    ("index", (real(9, 4), whole()), {"places": ("tensor", 0)}, "v0.index_select(0, v1).squeeze(0)[0]"),
    ("add", (TOKENS, TOKENS), {}, "v0 + v1"),
    ("power", (TOKENS, -0.5), {}, "v0**-0.5"),
    ("subtract", (1, TOKENS), {}, "1 - v0"),
    ("logical_and", (truth(B), truth(B)), {}, "v0 & v1"),
    ("logical_not", (truth(B),), {}, "~v0"),
    ("clip", (TOKENS,), {"low": 0.01}, "v0.clamp(min=0.01)"),
    ("where", (truth(B, 7), 0.0, -100.0), {}, "torch.where(v0, 0.0, -100.0)"),
    ("maximum", (TOKENS, 0.0), {}, "v0.clamp(min=0.0)"),
    ("mean_all", ([TOKENS, TOKENS],), {}, "(v0 + v1) / 2"),
    ("add_all", ([truth(B), truth(B)],), {}, "v0.long() + v1.long()"),
    ("top_k", (TOKENS,), {"k": 2, "axis": -1}, "v0.topk(2)"),
    (
        "scatter",
        (TOKENS, whole(B, 7, 8)),
        {"size": 9, "axis": -1},
        "v0.new_zeros(*v0.shape[:-1], 9).scatter(-1, v1, v0)",
    ),
    ("einsum", ([MAP, MAP],), {"pattern": "b h n d, b h m d -> b h n m"}, 'torch.einsum("bhnd,bhmd->bhnm", v0, v1)'),
    (
        "einsum",
        ([TOKENS, real(B, 8, 5)],),
        {"pattern": "batch tokens top, batch top out -> tokens batch out"},
        'torch.einsum("bta,bao->tbo", v0, v1)',
    ),
    (
        "scaled_dot_product",
        (real(B, 2, 5, 4), real(B, 2, 6, 4), real(B, 2, 6, 4)),
        {},
        "F.scaled_dot_product_attention(v0, v1, v2)",
    ),
    (
        "scaled_dot_product",
        (real(B, 2, 5, 4), real(B, 2, 6, 4), real(B, 2, 6, 4), real(2, 5, 6)),
        {"scale": 1.0},
        "F.scaled_dot_product_attention(v0, v1, v2, attn_mask=v3.unsqueeze(0), scale=1.0)",
    ),
    (
        "neighborhood_attention",
        (HEADS, HEADS, HEADS, None),
        {"kernel": 3},
        "NeighborhoodAttention((14, 15), 3)(v0, v1, v2)",
    ),
    (
        "neighborhood_attention",
        (HEADS, HEADS, HEADS, real(2, 5, 9)),
        {"kernel": (3, 5), "dilation": 2, "scale": 0.5},
        "NeighborhoodAttention((14, 15), (3, 5), dilation=2, scale=0.5, biased=True)(v0, v1, v2, v3)",
    ),
    ("drop_path", (TOKENS,), {"rate": 0.1}, "drop_path(v0, 0.1, self.training)"),
    ("add_noise", (TOKENS,), {"std": 0.1}, "v0 + 0.1 * torch.randn_like(v0)"),
    ("rfft2", (MAP,), {"axes": (2, 3)}, 'torch.fft.rfft2(v0, norm="ortho")'),
    ("rfft2", (MAP,), {"axes": (1, 2)}, 'torch.fft.rfft2(v0, dim=(1, 2), norm="ortho")'),
]


@pytest.mark.parametrize(("name", "tensors", "settings", "text"), CALLS)
def test_calls_read_as_written_by_hand(
    name: str, tensors: tuple[Any, ...], settings: dict[str, Any], text: str
) -> None:
    assert text == text_of(view_of(name, *tensors, **settings))


SIZES: list[tuple[Any, str]] = [
    (B, "batch"),
    (B * 2, "batch * 2"),
    (B * 2 + 1, "batch * 2 + 1"),
    (B * B, "batch * batch"),
    (B * 3 - 2, "batch * 3 - 2"),
    ((B + 1) // 2, "(batch + 1) // 2"),
    (apply("max", B, 4), "max(batch, 4)"),
    (apply("ceil", B / 2), "-int(-(batch / 2) // 1)"),
]


@pytest.mark.parametrize(("size", "text"), SIZES)
def test_sizes_that_depend_on_the_batch_are_computed(size: Any, text: str) -> None:
    found = render(symbolic(size), leaf)
    assert text == found
    for batch in (1, 2, 7):
        assert eval(str(size), {"batch": batch, "max": max, "ceil": math.ceil}) == eval(found, {"batch": batch})


def numbers_of(name: str, *tensors: Any, hints: dict[str, str], **settings: Any) -> list[str]:
    """The hints of the numbers in the text of a form; those that say nothing are empty."""
    found: list[str] = []

    def noted(part: Any) -> str:
        if isinstance(part, Number):
            found.append(part.hint)
        return leaf(part)

    view = view_of(name, *tensors, hints=hints, **settings)
    written = form_of(view.call.op)(view)
    render(written.constructor if isinstance(written, Layer) else written, noted)
    return found


def test_numbers_remember_how_the_source_wrote_them() -> None:
    assert ["", "2 * c"] == numbers_of("linear", TOKENS, out=16, hints={"out": "2 * c"})
    assert ["-up", "-left"] == numbers_of("roll", MAP, shift=(-3, -2), axes=(1, 2), hints={"shift": "(-up, -left)"})
    assert ["heads"] == numbers_of("rearrange", TOKENS, pattern="b n (h d) -> b h n d", h=2, hints={"h": "heads"})
    conv = numbers_of("conv", MAP, out=8, kernel=5, hints={"kernel": "kernel", "out": "out"})
    assert ["", "out", "kernel", "kernel // 2"] == conv
    cut = numbers_of(
        "index", MAP, places=("all", "all", ("slice", None, 7), ("slice", None, 9)), hints={"places": "x[:, :, :h, :w]"}
    )
    assert ["h", "w"] == cut


def test_a_default_stays_a_number_that_can_differ() -> None:
    view = view_of("conv", MAP, out=8, kernel=3)
    written = form_of(view.call.op)(view)
    assert isinstance(written, Layer)
    stride = dict(written.constructor.named)["stride"]  # type: ignore[union-attr]
    assert stride == Default(1, "", "stride")
