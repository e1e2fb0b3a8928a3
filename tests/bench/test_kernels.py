"""The bench of tuned models on small ones: what is measured is right, kept, and told when it is not."""

import json
from itertools import count
from pathlib import Path
from statistics import geometric_mean

import pytest
import torch
from torch import nn

import archdsl
from archdsl import zoo
from archdsl.source import Source
from archdsl.syntax.format import format_text
from archdsl.syntax.parse import parse
from archdsl_compiler.tuning.stopwatch import Stopwatch
from tests.bench.kernels import figures, large_kernels, models, speeds
from tests.bench.kernels.alternation import LEAST_ROUNDS, Samples, in_turn
from tests.bench.kernels.apart import apart
from tests.bench.kernels.asked import Asked
from tests.bench.kernels.models import MODELS, Setting
from tests.bench.kernels.planned import groups, told, tuned
from tests.bench.kernels.rivals import RIVALS, onnxruntime
from tests.bench.kernels.rows import rows_of
from tests.bench.kernels.summary import best_rival, ending, faster, least_and_mean, line, regions
from tests.bench.kernels.sums import CALIBRATING, agreement, calibrated, measured
from tests.bench.kernels.tuning_times import BOUNDS, built

SMALL = """\
model small()(x: [b, 3, 16, 16]) {
  return x |> conv(8, 3, stride=2) as stem |> gelu |> mean(axes=(2, 3)) |> linear(5) as head
}
"""
SPACE = """\

model wide(width: int)(x: [b, 3, 16, 16]) {
  return x |> conv(width, 3) as stem |> gelu |> mean(axes=(2, 3)) |> linear(5) as head
}

space widths() {
  return wide(choose(8, 16))
}
"""
KEY = {"figure": 1, "model": "swin", "threads": 1, "batch": 1}
ROW = {
    "key": KEY,
    "baseline": "timm",
    "samples": {
        "timm": [4.0, 6.0, 4.0],
        "tuned": [2.0, 2.0, 2.0],
        "auto": [4.0, 4.0, 4.0],
        "openvino": [3.0, 3.0, 3.0],
    },
    "errors": {"tuned": 1e-6, "auto": 0.0, "openvino": 0.0},
    "failures": {"freeze": "RuntimeError: no\nmore"},
    "plans": {},
}


@pytest.fixture
def small(tmp_path: Path) -> str:
    (tmp_path / "small.arch").write_text(SMALL, encoding="utf-8")
    return f"{tmp_path / 'small.arch'}:small"


def asked(path: Path | None = None) -> Asked:
    return Asked(("efficientvit_m0",), (1,), (1,), rows_of(path), 0.0)


def test_all_are_called_once_in_each_round_and_timed_by_the_watch():
    order: list[str] = []
    ticks = count()
    found = in_turn(
        {name: lambda name=name: order.append(name) for name in "abc"}, 0.0, Stopwatch(lambda: float(next(ticks)))
    )
    rounds = [order[start : start + 3] for start in range(3, len(order), 3)]
    assert [["a", "b", "c"]] * LEAST_ROUNDS == [sorted(each) for each in rounds]
    assert 3 <= len({tuple(each) for each in rounds})
    assert [Samples((1.0,) * LEAST_ROUNDS)] * 3 == list(found.values())


def test_a_ratio_is_the_median_over_rounds():
    ours, theirs = Samples((2.0, 9.0, 3.0)), Samples((4.0, 9.0, 9.0))
    assert (2.0, 3.0, 2.0) == (ours.times_as_fast(theirs), ours.median, ours.least)


def test_what_was_measured_is_not_measured_again(tmp_path: Path):
    path = tmp_path / "rows.jsonl"
    key = {"figure": 9}
    rows_of(path).add({"key": key, "a": 1})
    path.write_text(path.read_text(encoding="utf-8") + '{"key": {"figure": 8}, "a"', encoding="utf-8")
    again = asked(path)
    assert {"key": key, "a": 1} == again.row(key, "no_such_module:function", {})
    assert [{"key": key, "a": 1}] == again.rows.found


def test_a_process_that_ends_is_told(tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    assert {"a": 1} == apart("json:loads", s='{"a": 1}')
    assert "failed" in apart("os:abort")
    path = tmp_path / "rows.jsonl"
    assert asked(path).row({"figure": 9}, "no_such_module:function", {}) is None
    assert ("figure 9: the process ended with 1", False) == (capsys.readouterr().err.splitlines()[-1], path.exists())


def test_the_models_are_those_of_the_other_bench_and_have_goldens():
    assert 10 == len(MODELS)
    assert set(MODELS) <= set(zoo.names())
    state = models.state_of("efficientvit_m0")
    archdsl.build("zoo:efficientvit_m0").load_state_dict(state)
    assert {"patch_embed.conv1.bn.running_var"} <= {name for name in state if not bool((state[name] == 1).all())}


def test_a_result_that_is_no_number_is_infinitely_wrong():
    right = torch.tensor([2.0, -4.0])
    assert (0.0, 0.25) == (models.error(right, right), models.error(torch.tensor([1.0, -4.0]), right))
    assert float("inf") == models.error(torch.tensor([float("nan"), 1.0]), right)


def test_a_row_has_times_and_says_what_failed(monkeypatch: pytest.MonkeyPatch):
    def broken(*_: object):
        raise RuntimeError("it cannot")

    monkeypatch.setattr(models, "timm", lambda: None)
    monkeypatch.setitem(RIVALS, "broken", broken)
    monkeypatch.setitem(RIVALS, "wrong", lambda module, *_: lambda given: module(given) * 1.1)
    monkeypatch.setitem(
        RIVALS, "slow", lambda module, *_: lambda given: (module(given), module(given), module(given))[0]
    )
    row = {"key": KEY} | json.loads(
        json.dumps(speeds.speed("efficientvit_m0", 1, ("untuned", "broken", "wrong", "slow"), 0.0))
    )
    assert "ours, untuned" == row["baseline"]
    assert ["ours, untuned", "untuned", "slow"] == list(row["samples"])
    assert {"broken": "RuntimeError: it cannot", "wrong": "the error is 0.1"} == row["failures"]
    slow, same = faster(row, "slow"), faster(row, "untuned")
    assert slow is not None
    assert same is not None
    assert 0.5 > slow
    assert 0.5 < same < 2.0
    assert "slow" == best_rival(row)
    assert "  broken: RuntimeError: it cannot" in line(row, ["untuned", "slow"]).splitlines()


def test_a_tuned_model_and_where_its_time_goes(small: str):
    naive = archdsl.build(small).eval()
    model, plan = tuned(small, naive.state_dict(), Setting())
    picture = torch.randn(3, 3, 16, 16)
    with torch.inference_mode():
        assert 1e-4 > models.error(model(picture), naive(picture))
    assert sum(each.milliseconds for each in plan.regions) == pytest.approx(sum(each["ms"] for each in groups(plan)))
    row = {**ROW, "plans": {"tuned": told(plan)}}
    assert 1 + len(groups(plan)) == len(regions(row, 100))


def test_a_table_and_what_is_promised():
    other = {**ROW, "key": {**KEY, "model": "vit"}, "samples": {"timm": [1.0] * 3, "tuned": [2.0] * 3}}
    rows = [ROW, other]
    assert (2.0, 0.5, None) == (faster(ROW, "tuned"), faster(other, "tuned"), faster(other, "auto"))
    assert 0.75 == faster(ROW, "auto", "best rival")
    mean, least = least_and_mean(rows, "tuned", None, 1.0, 1.25, "here")
    assert (geometric_mean([2.0, 0.5]), 0.5) == pytest.approx((mean.value, least.value))
    assert [False, False] == [mean.holds(), least.holds()]
    assert [] == list(least_and_mean(rows, "frozen", None, 1.0, 1.0, "here"))
    both = ["tuned", "auto"]
    shown, failed = line(ROW, both).splitlines()
    assert ["swin", "4000.0", "2.000", "(1e-06)", "1.000", "(0e+00)"] == shown.split()
    assert "  freeze: RuntimeError: no" == failed
    assert ["vit", "1000.0", "0.500", "(1e-06)", "-"] == line(other, both).splitlines()[0].split()
    assert ["least", "0.500", "1.000"] == ending(rows, both)[1].split()


def test_sums_and_wholes():
    found = agreement([(1.0, 1.05), (2.0, 2.1), (3.0, 4.0)])
    assert (1.0, 2 / 3) == (found.correlation, found.within)
    assert (0.05 / 1.05, 1 / 1.05) == pytest.approx((found.median_error, found.ratio))


def test_sums_are_calibrated_by_the_first():
    pairs = [(float(number), 2.0 * number + 1.0) for number in range(1, 12)]
    assert [true for _, true in pairs[CALIBRATING:]] == pytest.approx([guess for guess, _ in calibrated(pairs)])


def test_a_figure_reads_rows_of_the_file(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]):
    """Without measuring anything."""
    given = asked()
    row = {**ROW, "key": {**KEY, "model": "efficientvit_m0", "dtype": "fp32"}}
    given.rows.add(row)
    monkeypatch.setattr(figures, "bf16_here", lambda: False)
    assert [2.0, 2.0] == [measure.value for measure in figures.plans(given)]
    printed = capsys.readouterr().out
    assert "efficientvit_m0" in printed
    assert "figure 1 in bf16: not measured" in printed


def test_bounds_of_tuning():
    taken = {"untuned": 2.0, "torch, empty": 61.0, "torch, full": 2.5}
    assert [61.0, 0.5, None] == [value(taken) for value, _ in BOUNDS.values()]
    assert [60.0, 1.0, 300.0] == [bound for _, bound in BOUNDS.values()]


def test_the_file_of_large_kernels_is_clean_and_canonical():
    path = large_kernels.FILE
    source = Source(path.name, path.read_text(encoding="utf-8"))
    assert ((), source.text) == (parse(source).diagnostics, format_text(source))


@pytest.mark.slow
@pytest.mark.parametrize("rival", ["openvino", "onnxruntime"])
@pytest.mark.filterwarnings("default")  # theirs
def test_a_rival_computes_the_same(rival: str):
    module = nn.Sequential(nn.Conv2d(3, 4, 3), nn.GELU()).eval()
    given = torch.randn(2, 3, 8, 8)
    with torch.inference_mode():
        assert 1e-5 > models.error(RIVALS[rival](module, given, Setting(2))(given), module(given))


@pytest.mark.slow
@pytest.mark.parametrize("rival", ["compile", "freeze", "autotuned"])
@pytest.mark.filterwarnings("default")  # theirs
def test_a_compiled_rival_computes_the_same(rival: str):
    module = nn.Sequential(nn.Conv2d(3, 4, 3), nn.GELU()).eval()
    given = torch.randn(2, 3, 8, 8)
    with torch.inference_mode():
        assert 1e-5 > models.error(RIVALS[rival](module, given, Setting(2))(given), module(given))


def test_onnx_runtime_says_that_it_has_no_bfloat16():
    with pytest.raises(ValueError, match="bf16"):
        onnxruntime(nn.Linear(2, 2), torch.ones(1, 2), Setting(dtype="bf16"))


@pytest.mark.slow
def test_large_kernels_are_measured(small: str):
    row = {"key": {}} | large_kernels.large_kernels("small", 0.0, small.removesuffix(":small"))
    assert faster(row, "tuned")
    assert 1e-4 > row["errors"]["tuned"]


@pytest.mark.slow
def test_a_candidate_has_a_sum_and_a_time(tmp_path: Path):
    space = tmp_path / "space.arch"
    space.write_text(SMALL + SPACE, encoding="utf-8")
    (row,) = measured(f"{space}:widths", [0])["candidates"]
    assert 0.0 < row["sum"] < 1.0
    assert 0.0 < row["whole"] < 1.0
    assert 0.0 == row["ruled"]


@pytest.mark.slow
def test_building_is_timed():
    row = built("efficientvit_m0", "untuned")
    assert 0.0 < row["processor"]
    assert 0.0 < row["wall"] < 60.0
