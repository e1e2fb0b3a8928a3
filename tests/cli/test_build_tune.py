"""`archdsl build --tune`, `--plan` and `--explain-plan`: what is printed, what is written, and what is refused."""

import json
import os
from pathlib import Path

import pytest
import torch

import archdsl
from archdsl.build_summary import read_summary
from archdsl.cli import waiting
from archdsl.cli.main import run
from archdsl.kept_times import user_record
from archdsl.plan_files import read_plan
from archdsl_compiler.tuning import pricing
from tests.small_net import write_net

ONE = ["--threads", "1"]


@pytest.fixture
def net(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, one_thread: None) -> str:
    monkeypatch.chdir(tmp_path)
    return Path(write_net(tmp_path)).name


def test_the_summary_tells_how_the_model_runs(net: str, capsys: pytest.CaptureFixture[str]):
    assert 0 == run(["build", net, "--tune", *ONE])
    lines = capsys.readouterr().out.splitlines()
    place = next(number for number, line in enumerate(lines) if line.startswith("  tuned"))
    assert "float32 on cpu, batch 1, 1 thread" in lines[place]
    assert "  measured: " in lines[place + 1]
    assert " ms" in lines[place + 2]


def test_a_folder_holds_the_plan_and_the_weights_of_the_model(net: str):
    assert 0 == run(["build", net, "--tune", *ONE, "--batch", "2", "-o", "out"])
    assert ["model.arch", "model.py", "model.safetensors", "plan.json", "summary.json"] == sorted(os.listdir("out"))
    plan, summary = read_plan("out/plan.json"), read_summary("out/summary.json")
    assert summary.tuned is not None
    assert (2, plan.engine, plan.plan_milliseconds, plan.notes, len(plan.regions)) == (
        summary.tuned.batch,
        summary.tuned.engine,
        summary.tuned.plan_milliseconds,
        summary.tuned.notes,
        sum(summary.tuned.kernels.values()),
    )
    again = archdsl.build("out/model.arch", weights="out/model.safetensors", tune=archdsl.Tune(plan="out/plan.json"))
    assert plan.regions == again.plan.regions
    given = torch.randn(3, 3, 8, 8)
    assert torch.allclose(archdsl.build(net, weights=again.state_dict()).eval()(given), again(given), atol=1e-5)


def test_a_plan_is_explained_by_region(net: str, capsys: pytest.CaptureFixture[str]):
    assert 0 == run(["build", net, "--explain-plan", *ONE, "--batch", "5"])
    text = capsys.readouterr().out
    lines = text.splitlines()
    assert "plan: torch, float32 on cpu, batch 5, 1 thread" == lines[0]
    assert 4 == sum(line.startswith("  > ") for line in lines)
    assert ("parts.0.conv  conv, relu", True) == (lines[2], max(map(len, lines)) <= 100)
    assert "untuned: by rules of thumb" in text


def test_equal_regions_are_told_once(net: str, capsys: pytest.CaptureFixture[str]):
    loop = "  for i in 0..<6 {\n    x = x |> linear(8) as layers[i] |> relu\n  }\n"
    Path("deep.arch").write_text(f"model deep()(x: [b, 8]) {{\n{loop}  return x\n}}\n", encoding="utf-8")
    assert 0 == run(["build", "deep.arch", "--explain-plan", *ONE])
    lines = capsys.readouterr().out.splitlines()
    assert ["layers.0 x6  linear, relu"] == [line for line in lines if line.startswith("layers")]
    assert "    also layers.1, layers.2, layers.3, layers.4, layers.5" in lines


def test_a_plan_is_given_as_one_object(net: str, capsys: pytest.CaptureFixture[str]):
    assert 0 == run(["build", net, "--tune", *ONE, "--explain-plan", "--plan", "p.json", "--json"])
    shown = json.loads(capsys.readouterr().out)
    assert json.loads(Path("p.json").read_text(encoding="utf-8")) == shown
    assert {"regions", "conversions", "eager_milliseconds"} <= shown.keys()
    assert 0 == run(["build", net, "--plan", "p.json", "--json"])
    assert shown["dtype"] == json.loads(capsys.readouterr().out)["tuned"]["dtype"]
    assert 0 == run(["build", net, "--plan", "p.json"])
    assert "as `p.json` says, nothing was measured now" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("arguments", "status", "told"),
    [
        (["--batch", "8"], 2, "--batch says how a model is tuned; give --tune too"),
        (["--engine", "auto"], 2, "--engine says how a model is tuned; give --tune too"),
        (["--budget", "5m"], 2, "--budget says how a model is tuned; give --tune too"),
        (["--plan", "none.json"], 2, "there is no plan at `none.json`; with --tune one is made and written there"),
        (["--plan", "net.arch"], 1, "`net.arch` is no plan: `the file`"),
        (["--plan", "."], 1, "`.` cannot be read: is a directory"),
        (["--tune", "--dtype", "fp8"], 2, "dtypes are fp32, bf16, fp16, not 'fp8'"),
        (["--tune", "--batch", "0"], 2, "batch is a whole number from 1 on, not 0"),
    ],
    ids=lambda each: each[0] if isinstance(each, list) else "",
)
def test_what_makes_no_sense_is_told(
    net: str, arguments: list[str], status: int, told: str, capsys: pytest.CaptureFixture[str]
):
    assert status == run(["build", net, *arguments])
    captured = capsys.readouterr()
    assert ("", True) == (captured.out, told in captured.err), captured.err


def test_a_plan_of_another_model_is_told(net: str, capsys: pytest.CaptureFixture[str]):
    assert 0 == run(["build", net, "--tune", *ONE, "--plan", "p.json"])
    assert 1 == run(["build", net, "--set", "width=6", "--plan", "p.json", "-o", "out"])
    assert "`p.json` cannot be used for `net`: the plan is of another model" in capsys.readouterr().err
    assert not Path("out").exists()


def test_whoever_stops_it_loses_nothing_and_gets_no_folder(
    net: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
):
    (tmp_path / "cache").mkdir(mode=0o700)
    monkeypatch.setenv("ARCHDSL_CACHE", str(tmp_path / "cache"))
    race = pricing.race
    calls: list[int] = []

    def stopped(*given: object, **named: object) -> object:
        calls.append(1)
        if len(calls) == 3:
            raise KeyboardInterrupt
        return race(*given, **named)  # type: ignore[arg-type]

    monkeypatch.setattr(pricing, "race", stopped)
    assert 130 == run(["build", net, "--tune", *ONE, "-o", "out"])
    assert "Stopped; what was measured until now is kept." in capsys.readouterr().err
    assert not Path("out").exists()
    monkeypatch.setattr(pricing, "race", race)
    kept = {key.region for _, key, row in user_record().rows() if row.timing is not None}
    assert 2 == len(kept)
    assert 0 == run(["build", net, "--tune", *ONE])
    assert 2 < len({key.region for _, key, row in user_record().rows() if row.timing is not None})


def test_whoever_waits_is_told(
    net: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
):
    (tmp_path / "cache").mkdir(mode=0o700)
    monkeypatch.setenv("ARCHDSL_CACHE", str(tmp_path / "cache"))
    monkeypatch.setattr(waiting, "PATIENCE", 0.0)
    monkeypatch.setattr(waiting, "SELDOM", 0.0)
    assert 0 == run(["build", net, "--tune", *ONE])
    assert "tuning net: 1 of 4, " in capsys.readouterr().err
