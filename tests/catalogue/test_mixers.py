"""Every mixer of the standard library builds, keeps the shape of any map, and can be trained."""

from pathlib import Path

import pytest
import torch

import archdsl
from archdsl.resources import resource
from archdsl.source import Source
from archdsl.syntax import nodes
from archdsl.syntax.parse import parse

PATH = resource("std/mixers.arch")
MIXERS = [
    item.name.text
    for item in parse(Source(str(PATH), PATH.read_text(encoding="utf-8"))).file.items
    if isinstance(item, nodes.Declaration) and item.kind.text == "mixer"
]
NET = """\
from std.mixers import {name}

model net(width: int = 64, height: int = 10)(x: [b, width, height, 9]) {{
  return x |> {name}() as mix
}}
"""
LOCAL_MLP = """\
from std.layers import local_mlp

model net()(x: [b, 6, 5, 4]) {
  return x |> local_mlp() as mlp
}
"""
# Names of the published checkpoints that a mixer's state dict has.
NAMES = {
    "lka": {"conv0", "conv1", "conv_spatial"},
    "local_attention": {"kv", "local_conv", "proj", "q"},
    "modulation": {"bn", "proj", "proj0", "proj1", "s", "v", *(f"local_conv_{i}" for i in range(1, 5))},
    "neighborhood": {"proj", "qkv", "rpb"},
    "separable_conv": {"dwconv", "pwconv1", "pwconv2"},
}


def built(tmp_path: Path, text: str, **settings: int) -> torch.nn.Module:
    file = tmp_path / "net.arch"
    file.write_text(text, encoding="utf-8")
    torch.manual_seed(0)
    return archdsl.build(str(file), **settings)


@pytest.mark.parametrize("name", MIXERS)
def test_a_mixer_keeps_the_shape_and_learns(name: str, tmp_path: Path, one_thread: None):
    model = built(tmp_path, NET.format(name=name))
    x = torch.randn(2, 64, 10, 9, requires_grad=True)
    result = model(x)
    assert x.shape == result.shape
    result.square().sum().backward()
    learning = {"x": x, **dict(model.named_parameters())}
    assert [] == [own for own, p in learning.items() if p.grad is None or not bool(p.grad.isfinite().all())]


@pytest.mark.parametrize("name", MIXERS)
def test_places_see_each_other(name: str, tmp_path: Path, one_thread: None):
    model = built(tmp_path, NET.format(name=name)).eval()
    x = torch.randn(1, 64, 10, 9)
    changed = x.clone()
    changed[:, :, 0, 0] += 1.0
    with torch.inference_mode():
        moved = (model(changed) - model(x)).abs().sum(dim=(0, 1)) > 0
    assert (True, True) == (bool(moved[0, 1]), bool(moved[1, 1]))


@pytest.mark.parametrize("name", NAMES)
def test_a_mixer_has_the_names_of_its_checkpoints(name: str, tmp_path: Path):
    model = built(tmp_path, NET.format(name=name))
    assert NAMES[name] == {key.removeprefix("mix.").partition(".")[0] for key in model.state_dict()}


def test_attention_with_a_local_branch_is_attention_and_a_convolution_of_the_values(tmp_path: Path, one_thread: None):
    model = built(tmp_path, NET.format(name="local_attention")).eval().double()
    x = torch.randn(2, 64, 10, 9, dtype=torch.float64)
    part = model.get_submodule("mix")
    tokens = x.flatten(2).transpose(1, 2)
    q = part.q(tokens).unflatten(-1, (2, 32)).transpose(1, 2)
    k, v = part.kv(tokens).chunk(2, dim=-1)
    far = torch.nn.functional.scaled_dot_product_attention(
        q, k.unflatten(-1, (2, 32)).transpose(1, 2), v.unflatten(-1, (2, 32)).transpose(1, 2)
    )
    near = part.local_conv(v.transpose(1, 2).reshape(x.shape)).flatten(2).transpose(1, 2)
    expected = part.proj(far.transpose(1, 2).flatten(2) + near).transpose(1, 2).reshape(x.shape)
    assert torch.allclose(expected, model(x), atol=1e-10)


def test_modulation_mixes_the_scales_of_one_channel(tmp_path: Path, one_thread: None):
    model = built(tmp_path, NET.format(name="modulation")).eval().double()
    x = torch.randn(2, 64, 10, 9, dtype=torch.float64)
    part = model.get_submodule("mix")
    last = x.permute(0, 2, 3, 1)
    heads = part.s(last).permute(0, 3, 1, 2).chunk(4, dim=1)
    seen = [part.get_submodule(f"local_conv_{i + 1}")(head) for i, head in enumerate(heads)]
    mixed = torch.stack(seen, dim=2).flatten(1, 2)
    gate = part.proj1(torch.nn.functional.gelu(part.bn(part.proj0(mixed)))).permute(0, 2, 3, 1)
    assert torch.allclose(part.proj(gate * part.v(last)).permute(0, 3, 1, 2), model(x), atol=1e-10)


def test_the_depthwise_convolution_of_a_local_mlp_is_a_residual(tmp_path: Path, one_thread: None):
    model = built(tmp_path, LOCAL_MLP).eval().double()
    x = torch.randn(2, 6, 5, 4, dtype=torch.float64)
    part = model.get_submodule("mlp")
    wide = part.fc1(x.permute(0, 2, 3, 1)).permute(0, 3, 1, 2)
    inside = torch.nn.functional.gelu(wide + part.get_submodule("dwconv.dwconv")(wide))
    assert torch.allclose(part.fc2(inside.permute(0, 2, 3, 1)).permute(0, 3, 1, 2), model(x), atol=1e-10)
