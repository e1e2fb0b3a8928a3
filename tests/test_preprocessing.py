"""What a model says of the pictures that it wants."""

import json
from pathlib import Path

import pytest

import archdsl
from archdsl.preprocessing import input_size

NET = """\
model net(
  sides: list[int] = [32, 32],
  preprocess: preprocessing = pictures(crop=0.9),
)(x: [b, 3, sides[0], sides[1]]) {
  return x |> mean(axes=(2, 3))
}

let half = [0.5, 0.5, 0.5]

let large = net(sides=[64, 48], preprocess=pictures(mean=half, std=half, interpolation="bilinear"))
"""


@pytest.fixture
def net(tmp_path: Path) -> str:
    path = tmp_path / "net.arch"
    path.write_text(NET, encoding="utf-8")
    return str(path)


def test_it_is_a_plain_object_with_the_defaults(net):
    expected = {
        "mean": [0.485, 0.456, 0.406],
        "std": [0.229, 0.224, 0.225],
        "crop": 0.9,
        "interpolation": "bicubic",
        "size": 32,
    }
    assert expected == archdsl.data_config(f"{net}:net")
    assert expected == json.loads(json.dumps(archdsl.data_config(f"{net}:net")))


def test_a_variant_says_its_own(net):
    found = archdsl.data_config(f"{net}:large")
    assert found is not None
    assert ([0.5] * 3, "bilinear", 0.875, [64, 48]) == (
        found["mean"],
        found["interpolation"],
        found["crop"],
        found["size"],
    )


def test_the_size_follows_the_settings(net):
    assert 16 == (archdsl.data_config(f"{net}:net", sides=[16, 16]) or {})["size"]


def test_a_model_of_tokens_has_no_size(tmp_path):
    path = tmp_path / "tokens.arch"
    path.write_text("model tokens()(x: [b, 7]) {\n  return x |> linear(2) as head\n}\n", encoding="utf-8")
    assert [] == input_size(archdsl.elaborate(archdsl.load(path), "tokens"))
    assert None is archdsl.data_config(path)
