"""Exports of tuned models: plain PyTorch in the forms that the plan chose, and a head that says what has none."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load_file

import archdsl
from archdsl.assembly import assembled
from archdsl.cli.main import run
from archdsl.plain_form import in_plain_form
from archdsl.plan_files import read_plan, write_plan
from archdsl.targets import open_target
from archdsl_compiler.emit.execute import instantiate
from archdsl_compiler.tuning.plan import Plan
from tests.small_net import write_net

pytestmark = pytest.mark.usefixtures("one_thread")
ROOT = Path(__file__).parent.parent
ATTENTION = f"{ROOT / 'examples/attention.arch'}:tiny"
RULES = archdsl.Tune(measure=False)


@pytest.fixture
def net(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    monkeypatch.chdir(tmp_path)
    return Path(write_net(tmp_path)).name


def planned(target: str, path: Path, kernels: dict[str, str], layout: str = "natural", **changes: Any) -> archdsl.Tune:
    """A plan in a file that runs each kind of region by a certain kernel."""
    plan: Plan = archdsl.build(target, tune=RULES).plan
    regions = tuple(
        each.model_copy(update={"kernel": kernels.get(each.kind, "plain"), "mode": f"float32/{layout}"})
        for each in plan.regions
    )
    write_plan(path, plan.model_copy(update={"regions": regions, **changes}))
    return archdsl.Tune(plan=path)


def head(source: str) -> list[str]:
    return source.split('"""')[1].splitlines()[2:-1]


def assert_equal_results(target: str, source: str, size: int, tmp_path: Path, tune: archdsl.Tune) -> None:
    """The source with exported weights gives what the model gives."""
    model = archdsl.build(target)
    path = archdsl.export(
        target, "safetensors", tmp_path / "w.safetensors", tune=tune, weights=model.state_dict(), force=True
    )
    written = instantiate(source).eval()
    written.load_state_dict(load_file(path))
    given = torch.randn(3, 3, size, size)
    with torch.no_grad():
        expected = model.eval()(given)
        assert float((written(given) - expected).abs().max() / expected.abs().max()) < 1e-5


def test_a_kernel_with_a_form_of_plain_pytorch_is_written_so(tmp_path: Path):
    tune = planned(ATTENTION, tmp_path / "p.json", {"attention": "fused_attention"})
    source = archdsl.export(ATTENTION, tune=tune)
    assert ("F.scaled_dot_product_attention(" in source, "softmax" in source) == (True, False)
    told = [
        "Folded for inference, after a plan: torch, float32 on cpu, batch 1, 1 thread.",
        "Written as the plan has it: fused_attention x4.",
    ]
    assert told == head(source)[:2]
    assert_equal_results(ATTENTION, source, 32, tmp_path, tune)


def test_a_kernel_without_one_is_told_and_its_region_written_as_it_is(tmp_path: Path):
    tune = planned(ATTENTION, tmp_path / "p.json", {"product": "linear_transposed"})
    plan = read_plan(tmp_path / "p.json")
    regions = tuple(r.model_copy(update={"kernel": "plain"}) if "conv" in r.ops else r for r in plan.regions)
    write_plan(tmp_path / "p.json", plan.model_copy(update={"regions": regions}))
    source = archdsl.export(ATTENTION, tune=tune)
    count = sum(region.kernel == "linear_transposed" for region in regions)
    assert (
        True,
        f"Replaced by the portable form, for want of one in plain PyTorch: linear_transposed x{count}.",
    ) == ("softmax" in source, " ".join(head(source)[1:3]).split(" Made")[0])
    assert_equal_results(ATTENTION, source, 32, tmp_path, tune)


def test_channels_lie_last_where_the_plan_has_them_so(net: str, tmp_path: Path):
    tune = planned(net, tmp_path / "p.json", {}, "last")
    source = archdsl.export(net, tune=tune)
    assert "    return Net().to(memory_format=torch.channels_last)\n" in source
    assert "Maps lie channels last, as in the plan, for the weights do." in head(source)
    assert_equal_results(net, source, 8, tmp_path, tune)
    inner = instantiate(source).eval().parts(torch.randn(2, 3, 8, 8))
    assert inner.is_contiguous(memory_format=torch.channels_last)
    assert "channels_last" not in archdsl.export(net, tune=planned(net, tmp_path / "q.json", {}))


def test_a_refused_plan_is_told(net: str, tmp_path: Path):
    slow = planned(net, tmp_path / "p.json", {}, "last", engine="eager", refused="the model itself is faster")
    assert [
        "Folded for inference. Its plan (eager, float32 on cpu, batch 1, 1 thread) is not used:",
        "the model itself is faster.",
    ] == head(archdsl.export(net, tune=slow))


def test_an_engine_is_told(net: str):
    built = assembled(open_target(net), tune=RULES)
    assert built.tuned is not None
    plan = built.tuned.plan.model_copy(update={"engine": "openvino", "regions": (), "conversions": ()})
    source = in_plain_form(built, replace(built.tuned, plan=plan)).source
    assert "The plan runs it by openvino; this is the model itself." == head(source)[1]


def test_a_deployed_model_with_a_plan_is_exported(net: str, tmp_path: Path):
    model = archdsl.build(net)
    path = tmp_path / "w.safetensors"
    tune = archdsl.Tune(measure=False)
    for deploy in (False, True):
        archdsl.export(net, "safetensors", path, weights=model.state_dict(), tune=tune, deploy=deploy, force=True)
        assert ["head.bias", "head.weight", "parts.0.conv.bias"] == sorted(load_file(path))[:3]


def test_the_command_exports_by_a_plan(net: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    assert 0 == run(["export", net, "--tune", "--threads", "1", "--plan", "p.json"])
    first = capsys.readouterr().out
    assert 0 == run(["export", net, "--plan", "p.json", "-o", "net.py"])
    assert first == Path("net.py").read_text(encoding="utf-8")
    assert 2 == run(["export", net, "--dtype", "bf16"])
    assert "--dtype says how a model is tuned; give --tune too" in capsys.readouterr().err


@pytest.mark.slow
def test_other_formats_are_compared_with_the_plain_form(net: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    planned(net, tmp_path / "p.json", {}, "last")
    for form in ("onnx", "pt2"):
        assert 0 == run(["export", net, "--plan", "p.json", "--format", form, "-o", f"net.{form}"])
        assert "agrees with the model at batch 2 and 3" in capsys.readouterr().err
