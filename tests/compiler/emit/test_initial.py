"""How parameters begin that no layer of PyTorch makes: bare ones, and those that an op gives to its caller."""

from pathlib import Path

import torch
from torch import nn

import archdsl

SOURCE = """\
block own_norm()(x: [b, c, h, w]) {
  return relu(x |> batch_norm() as _)
}

block own_conv()(x: [b, c, h, w]) {
  return relu(x |> conv(c, 3) as _)
}

model small(classes: int = 5)(x: [b, 3, 16, 16]) {
  let scale = param([], init=2.0) as scale
  let narrow = param([64], init=1.0, dtype=bfloat16) as narrow
  let steps = param([4], init=3, dtype=int64) as steps
  x = x |> conv(64, 3) as stem |> own_norm() as norm |> own_conv() as conv
  x = x * scale + rearrange(float32(narrow), "c -> c 1 1") + float32(sum(steps, axes=0))
  return x |> mean(axes=(2, 3)) |> linear(classes) as head
}
"""


def built(folder: Path) -> dict[str, torch.Tensor]:
    file = folder / "small.arch"
    file.write_text(SOURCE, encoding="utf-8")
    torch.manual_seed(0)
    return archdsl.build(file).state_dict()


def test_bare_parameters_begin_as_written_in_their_dtype(tmp_path: Path) -> None:
    state = built(tmp_path)
    expected = {
        "scale": torch.tensor(2.0),
        "narrow": torch.ones(64, dtype=torch.bfloat16),
        "steps": torch.full((4,), 3),
    }
    assert {name: value.dtype for name, value in expected.items()} == {name: state[name].dtype for name in expected}
    assert [] == [name for name, value in expected.items() if not torch.equal(value, state[name])]


def test_a_norm_of_the_caller_begins_without_effect(tmp_path: Path) -> None:
    state = built(tmp_path)
    expected = nn.BatchNorm2d(64).state_dict()
    assert [] == [name for name, value in expected.items() if not torch.equal(value, state[f"norm.{name}"])]


def test_a_convolution_of_the_caller_begins_as_pytorchs_layer(tmp_path: Path) -> None:
    state = built(tmp_path)
    bound = (64 * 9) ** -0.5
    for name in ("weight", "bias"):
        value = state[f"conv.{name}"]
        assert 0.8 * bound < float(value.abs().max()) <= bound
        assert abs(float(value.std()) - bound / 3**0.5) < 0.2 * bound
