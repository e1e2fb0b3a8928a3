"""`archdsl.build`: models with weights, settings and decisions, and what is wrong with a call."""

import copy
from pathlib import Path

import pytest
import torch
from safetensors.torch import save_file

import archdsl
from archdsl.assembly import Loading, assembled, model_of_text
from archdsl.resolved.writing import resolved_source
from archdsl.targets import open_target
from archdsl.weights.report import WeightsMismatch
from tests.small_net import write_net

ROOT = Path(__file__).parent.parent


@pytest.fixture
def net(tmp_path: Path) -> str:
    return write_net(tmp_path)


def test_a_model_is_built_with_settings(net: str):
    model = archdsl.build(net, classes=7)
    assert ((2, 7), True, None, None) == (
        tuple(model(torch.randn(2, 3, 8, 8)).shape),
        model.training,
        model.weights_report,
        model.data_config,
    )


def test_weights_of_a_file_are_loaded(net: str, tmp_path: Path):
    first = archdsl.build(net)
    save_file(first.state_dict(), tmp_path / "w.safetensors")
    second = archdsl.build(net, weights=tmp_path / "w.safetensors")
    pictures = torch.randn(2, 3, 8, 8)
    assert torch.equal(first.eval()(pictures), second.eval()(pictures))
    assert tuple(first.state_dict()) == second.weights_report.loaded


def test_weights_for_other_classes_are_adapted(net: str):
    state = archdsl.build(net).state_dict()
    model = archdsl.build(net, weights=state, adapt=True, classes=3)
    assert ["head.weight", "head.bias"] == [adapted.name for adapted in model.weights_report.adapted]
    with pytest.raises(WeightsMismatch, match="--adapt"):
        archdsl.build(net, weights=state, classes=3)


def test_parts_are_skipped(net: str):
    state = archdsl.build(net, width=6).state_dict()
    model = archdsl.build(net, weights=state, skip=["parts.*", "head.weight"])
    assert (("head.bias",), 13) == (model.weights_report.loaded, len(model.weights_report.initialised))


def test_what_was_built_can_be_copied_with_its_report(net: str):
    model = archdsl.build(net, weights=archdsl.build(net).state_dict())
    assert model.weights_report == copy.deepcopy(model).weights_report


def test_a_space_is_built_with_its_decisions(net: str):
    by_genome = archdsl.build(f"{net}:nets", genome={"width": 6})
    by_pick = archdsl.build(f"{net}:nets", pick="first")
    assert [6, 4] == [model.state_dict()["head.weight"].shape[1] for model in (by_genome, by_pick)]


def test_a_seed_gives_the_same_weights_and_leaves_the_others_alone(net: str):
    target = open_target(net)
    torch.manual_seed(3)
    expected = torch.rand(1)
    torch.manual_seed(3)
    first, second = (assembled(target, seed=5).model.state_dict()["head.weight"] for _ in range(2))
    assert torch.equal(first, second)
    assert torch.equal(expected, torch.rand(1))


def test_a_deployed_model_has_no_norms_and_the_same_results(net: str):
    model = archdsl.build(net)
    for _ in range(3):
        model(torch.randn(4, 3, 8, 8) * 2 + 1)
    deployed = archdsl.build(net, weights=model.state_dict(), deploy=True)
    assert [] == [name for name in deployed.state_dict() if "norm" in name]
    pictures = torch.randn(2, 3, 8, 8)
    assert torch.allclose(model.eval()(pictures), deployed(pictures), atol=1e-5)
    assert (False, 14) == (deployed.training, len(deployed.weights_report.loaded))


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"skip": ["head.*"]}, "`skip` says how weights are loaded, and there are none: give --weights FILE"),
        ({"adapt": True}, "`adapt` says how weights are loaded"),
        ({"match": "order"}, "`match` says how weights are loaded"),
        ({"weights": {}, "match": "size"}, 'weights are matched by "name" or by "order", not by \'size\''),
        ({"weights": {}, "skip": "head.*"}, "`skip` is a list of patterns, not one string"),
        ({"weights": {}}, "the state dict holds no tensors"),
        ({"weights": "nowhere.pth"}, "`nowhere.pth` does not exist"),
    ],
)
def test_calls_that_make_no_sense_are_told(options: dict[str, object], words: str, net: str):
    with pytest.raises(archdsl.UsageError) as raised:
        archdsl.build(net, **options)
    assert words in str(raised.value)


def test_passes_are_told_once_each(net: str):
    ran: list[str] = []
    for deploy in (False, True):
        assembled(
            open_target(net),
            Loading(),
            deploy=deploy,
            between=lambda step, _root, _next: ran.append(step.name if step else "start"),
        )
    assert (["start", "start"], 2) == ([name for name in ran if name == "start"], ran.count("merge-common"))


STAGES = """\
stage level(wide: int)(x: [b, h, w, c]) {
  return x
    |> rearrange("b h w c -> b c h w")
    |> conv(wide, 3, stride=2) as conv
    |> rearrange("b c h w -> b h w c")
    |> layer_norm() as norm
}

model pyramid(classes: int = 10)(x: [b, 3, 16, 16]) {
  x = rearrange(x, "b c h w -> b h w c")
  for i, wide in enumerate([4, 8]) {
    x = x |> level(wide) as levels[i]
  }
  return x |> mean(axes=(1, 2)) |> linear(classes) as head
}
"""


@pytest.mark.parametrize("deploy", [False, True])
def test_features_are_maps_with_channels_first(deploy: bool, net: str, tmp_path: Path):
    file = tmp_path / "pyramid.arch"
    file.write_text(STAGES, encoding="utf-8")
    whole = archdsl.build(file)
    model = archdsl.build(file, features_only=True, weights=whole.state_dict(), deploy=deploy)
    pictures = torch.randn(2, 3, 16, 16)
    seen: list[torch.Tensor] = []
    for level in whole.levels:
        level.register_forward_hook(lambda _module, _given, result: seen.append(result.permute(0, 3, 1, 2)))
    whole(pictures)
    assert [(2, 4, 8, 8), (2, 8, 4, 4)] == [tuple(found.shape) for found in model(pictures)]
    assert [True, True] == [torch.allclose(*pair) for pair in zip(seen, model(pictures), strict=True)]
    assert [("levels.0", 4, 2), ("levels.1", 8, 4)] == [(f.path, f.channels, f.reduction) for f in model.feature_info]
    assert ("head.weight", "head.bias") == model.weights_report.skipped


def test_a_model_without_stages_has_no_features(net: str):
    with pytest.raises(archdsl.UsageError, match="`net` has no stages, whose feature maps `features_only` gives"):
        archdsl.build(net, features_only=True)


def test_a_resolved_text_is_built_with_the_same_first_values_for_a_seed():
    opened = open_target(f"{ROOT}/examples/quickstart.arch:small", pick="first")
    text = resolved_source(opened.program, opened.name, opened.settings, opened.genome)
    first, again, other = (model_of_text(text, seed=seed).model.state_dict() for seed in (1, 1, 2))
    assert first.keys() == again.keys()
    assert all(torch.equal(first[name], again[name]) for name in first)
    assert not all(torch.equal(first[name], other[name]) for name in first)
