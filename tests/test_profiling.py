"""Profiles: totals of published models, and rows of a small one counted by hand."""

from pathlib import Path

import pytest

import archdsl
from tests.zoo import goldens

SMALL = """\
block twice(out: int)(x: [b, n, c]) -> [b, n, out] {
  return x |> linear(out) as fc1 |> gelu |> linear(out) as fc2
}

mixer tied()(x: [b, n, c]) {
  let same = linear(c) as same
  return x |> same |> same
}

model small(width: int = 4, classes: int = 2)(x: [b, 3, 8, 8]) {
  x = x |> conv(width, 4, stride=4) as stem |> rearrange("b c h w -> b (h w) c")
  for i in 0..<2 {
    x = x + (x |> twice(width) as blocks[i])
  }
  return x |> tied() as tied |> mean(axes=1) |> linear(classes) as head
}
"""


@pytest.fixture
def small(tmp_path: Path) -> Path:
    path = tmp_path / "small.arch"
    path.write_text(SMALL, encoding="utf-8")
    return path


@pytest.mark.parametrize("variant", ["van_b0", "gcvit_xxtiny"])
def test_totals_are_those_of_the_published_model(variant):
    golden = goldens.read()[variant]
    profile = archdsl.profile(golden["target"], **golden["settings"])
    assert (golden["params"], golden["macs"]) == (profile.params, profile.macs)


def test_rows_are_counted_by_hand(small):
    profile = archdsl.profile(small)
    linear = (20, 64, 64)
    expected = [
        ("", "small", 0, 1, 196 + 80 + 20 + 10, 768 + 2 * 128 + 128 + 8),
        ("stem", "conv", 1, 1, 196, 768),
        ("blocks.0", "twice", 1, 1, 40, 128),
        ("blocks.0.fc1", "linear", 2, 1, *linear[:2]),
        ("blocks.0.fc2", "linear", 2, 1, *linear[:2]),
        ("blocks.1", "twice", 1, 1, 40, 128),
        ("blocks.1.fc1", "linear", 2, 1, *linear[:2]),
        ("blocks.1.fc2", "linear", 2, 1, *linear[:2]),
        ("tied", "tied", 1, 1, 20, 128),
        ("tied.same", "linear", 2, 2, 20, 128),
        ("head", "linear", 1, 1, 10, 8),
    ]
    assert expected == [(m.path, m.name, m.depth, m.calls, m.params, m.macs) for m in profile.modules]


def test_activations_and_shapes_are_those_of_one_picture(small):
    profile = archdsl.profile(small)
    rows = {m.path: m for m in profile.modules}
    assert (((1, 3, 8, 8),), ((1, 2),)) == (profile.inputs, profile.outputs)
    assert ((1, 4, 2, 2),) == rows["stem"].outputs
    assert (64, 3 * 64, 64, 2 * 64, 8) == tuple(
        rows[path].activations for path in ("stem", "blocks.1", "blocks.1.fc2", "tied.same", "head")
    )
    assert profile.activations == rows[""].activations == 64 + 2 * (3 * 64 + 64) + 128 + 16 + 8


def test_shares_are_parts_of_the_multiply_accumulates(small):
    profile = archdsl.profile(small)
    assert (1.0, 1.0) == (profile.modules[0].share, sum(m.share for m in profile.modules if m.depth == 1))


def test_an_op_applied_to_several_shapes_is_one_row(tmp_path):
    path = tmp_path / "net.arch"
    path.write_text(
        "model net()(x: [b, 3, 8, 8]) {\n  let same = conv(3, 1) as same\n  return same(x) |> avg_pool(2) |> same\n}\n",
        encoding="utf-8",
    )
    row = archdsl.profile(path).modules[1]
    assert ("same", 2, 12, 9 * (64 + 16)) == (row.path, row.calls, row.params, row.macs)


def test_parts_under_an_underscore_are_the_callers(tmp_path):
    path = tmp_path / "net.arch"
    path.write_text(
        "mixer mix()(x: [b, c, h, w]) {\n  return x |> conv(c, 1) as conv\n}\n"
        "model net()(x: [b, 3, 8, 8]) {\n  return x |> mix() as _\n}\n",
        encoding="utf-8",
    )
    assert [("", 0), ("conv", 1)] == [(m.path, m.depth) for m in archdsl.profile(path).modules]


def test_settings_are_keyword_arguments(small):
    assert (
        archdsl.profile(small, width=8, classes=3).params
        == archdsl.profile(f"{small}:small", classes=3, width=8).params
    )
    with pytest.raises(archdsl.ArchError, match="`small` has no setting `clases`"):
        archdsl.profile(small, clases=3)


def test_a_candidate_of_a_space_has_its_decisions(tmp_path, small):
    path = tmp_path / "space.arch"
    path.write_text(f"{SMALL}space s() {{\n  return small(choose(4, 8) as width)\n}}\n", encoding="utf-8")
    assert {"width": 8} == archdsl.profile(f"{path}:s", genome={"width": 8}).decisions
    assert archdsl.profile(small).params == archdsl.profile(path, pick="first").params


def test_the_zoo_is_a_module_of_the_package():
    assert ["van_b0", "van_b1", "van_b2"] == archdsl.zoo.names("van_b?")


def test_a_model_that_says_nothing_of_preprocessing_has_none(small):
    assert None is archdsl.data_config(small)
