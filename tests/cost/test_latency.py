"""Latencies: pieces of graphs, what is kept of their times, and sums that are calibrated by whole models."""

import sqlite3
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import pytest
import torch

from archdsl import zoo
from archdsl.building import emitted
from archdsl.cost import latency
from archdsl.cost.fitting import line_through, median_error, rank_correlation, ranks
from archdsl.cost.latency_record import keep_time, kept_time
from archdsl.cost.pieces import pieces_of
from archdsl.cost.timed_pass import TimedPass, pass_here
from archdsl.kept_times import NO_FOLDER, user_record
from archdsl.targets import open_target
from archdsl_compiler.digest import digest
from archdsl_compiler.emit.execute import instantiate
from archdsl_compiler.graph import Module
from archdsl_compiler.passes.contract import BUILDING, pipeline
from archdsl_compiler.tuning import record as record_module
from archdsl_compiler.tuning.conditions import Conditions
from archdsl_compiler.tuning.measuring import Timing
from archdsl_compiler.tuning.record import FILE
from archdsl_compiler.types import TensorType

HERE = TimedPass(1, "float32", "cpu", Conditions("cpu", "a machine", (), 1, "2", "", "default"))
pytestmark = pytest.mark.usefixtures("one_thread")


@pytest.fixture(autouse=True)
def empty_record(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = tmp_path / "cache"
    folder.mkdir(mode=0o700)
    monkeypatch.setenv("ARCHDSL_CACHE", str(folder))
    return folder / FILE


@pytest.mark.parametrize("name", ["mobilenetv2_100", "caformer_s18", "swin_tiny_patch4_window7_224", "pvt_v2_b0"])
def test_pieces_are_all_of_a_model_and_can_be_run(name: str):
    target = open_target(f"zoo:{name}")
    graph = target.graph()
    pieces = list(pieces_of(graph))
    assert sum(piece.macs for piece in pieces) == graph.macs
    assert sum(piece.params for piece in pieces) == graph.params
    different = {digest(piece): piece for piece in pieces}
    assert len(different) < len(pieces) or name == "pvt_v2_b0"
    smallest = sorted(different.values(), key=lambda piece: piece.macs)
    for piece in (*smallest[:3], smallest[-1]):
        model: Any = instantiate(emitted(target, pipeline(BUILDING).apply(piece)))
        assert len(latency.time_passes(model, piece.input_types, replace(HERE, batch=2))) >= latency.FEWEST


def test_equal_pieces_of_two_models_are_one():
    one, two = (
        {digest(piece) for piece in pieces_of(open_target(f"zoo:{name}").graph())}
        for name in ("poolformer_s12", "poolformer_s24")
    )
    assert one == two
    assert "poolformer_s24" in zoo.names()


def timing(seconds: float) -> Timing:
    return Timing(seconds, seconds, 1)


def test_a_time_is_kept_for_its_pass_and_the_first_one_counts(empty_record: Path):
    assert kept_time("a", HERE) is None
    assert keep_time("a", HERE, timing(0.5)) == 0.5
    assert keep_time("a", HERE, timing(0.7)) == 0.5
    assert kept_time("a", HERE) == 0.5
    others = (
        *(replace(HERE, batch=2), replace(HERE, dtype="bfloat16")),
        replace(HERE, conditions=replace(HERE.conditions, machine="another")),
    )
    assert [kept_time("a", other) for other in others] == [None] * 3
    assert empty_record.exists()


def test_a_record_that_cannot_be_used_costs_only_time(empty_record: Path, monkeypatch: pytest.MonkeyPatch):
    empty_record.write_bytes(b"no database at all" * 100)
    assert keep_time("a", HERE, timing(0.5)) == 0.5
    assert kept_time("a", HERE) == 0.5, "a new one was begun"
    monkeypatch.setattr(record_module, "PATIENCE", 0.01)
    with sqlite3.connect(empty_record) as other:
        other.execute("BEGIN EXCLUSIVE")
        assert keep_time("b", HERE, timing(0.6)) == 0.6
    other.close()
    monkeypatch.setenv("ARCHDSL_CACHE", str(empty_record))
    assert keep_time("c", HERE, timing(0.7)) == 0.7
    assert kept_time("c", HERE) == 0.7
    assert [NO_FOLDER] == user_record().notes


def test_a_pass_is_of_this_process():
    here = pass_here(8, None, "cpu")
    assert (8, "float32", "cpu", 1) == (here.batch, here.dtype, here.device, here.conditions.threads)
    assert "bfloat16" == pass_here(1, "bfloat16", "cpu").dtype


@dataclass
class Told:
    """A source that says what a function of the graph says."""

    slope: float = 1.0
    start: float = 0.0
    asked: list[Module] = field(default_factory=list[Module])

    def seconds(self, graph: Module, timed: TimedPass) -> float:
        self.asked.append(graph)
        return self.start + self.slope * graph.macs * 1e-9


def graphs(folder: Path) -> list[Module]:
    path = folder / "nets.arch"
    path.write_text(
        "block part(width: int)(x: [b, c]) { return x |> linear(width) as fc |> relu }\n"
        "model net(depth: int = 1, width: int = 64)(x: [b, 8]) {\n"
        "  for i in 0..<depth { x = x |> part(width) as parts[i] }\n"
        "  return x |> linear(4) as head\n"
        "}\n",
        encoding="utf-8",
    )
    return [open_target(str(path), settings={"depth": d, "width": w}).graph() for d in (1, 2, 4, 6) for w in (32, 96)]


def test_calibration_finds_the_line_from_sums_to_wholes(tmp_path: Path):
    found = graphs(tmp_path)
    sums = latency.Summed(Told())
    known = latency.calibrated(found, sums, Told(slope=0.7, start=2e-6), HERE)
    assert (known.line.slope, known.line.start) == pytest.approx((0.7, 2e-6))
    assert known.error == pytest.approx(0.0, abs=1e-9)
    assert known.ranks == pytest.approx(1.0)
    assert known.models == 8
    assert known.seconds(sums.seconds(found[0], HERE)) == pytest.approx(0.7 * found[0].macs * 1e-9 + 2e-6)
    few = latency.calibrated(found[:1], sums, Told(slope=0.7, start=2e-6), HERE)
    assert few.seconds(sums.seconds(found[0], HERE)) == pytest.approx(0.7 * found[0].macs * 1e-9 + 2e-6)
    assert few.seconds(0.0) == 0.0


def test_a_time_is_measured_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    times = iter(range(1, 100))
    monkeypatch.setattr(latency, "time_passes", lambda model, types, timed: [float(next(times))] * 3)
    built: list[Module] = []
    source = latency.Measured(built.append)
    whole = graphs(tmp_path)
    first = latency.Summed(source).seconds(whole[-1], HERE)
    count = len(built)
    assert count == len({digest(piece) for piece in pieces_of(whole[-1])})
    again = latency.Measured(built.append)
    assert latency.Summed(again).seconds(whole[-1], HERE) == first
    assert len(built) == count
    latency.Summed(again).seconds(whole[-3], HERE)
    assert len(built) == count, "the same pieces, fewer of them"


def test_lines_ranks_and_errors():
    assert ranks([3.0, 1.0, 3.0, 2.0]) == [3.5, 1.0, 3.5, 2.0]
    assert rank_correlation([1, 2, 3, 4], [10, 20, 30, 40]) == 1.0
    assert rank_correlation([1, 2, 3, 4], [4, 3, 2, 1]) == -1.0
    assert rank_correlation([1, 2, 3], [1, 3, 2]) == pytest.approx(0.5)
    assert median_error([1.1, 2.0, 2.7], [1.0, 2.0, 3.0]) == pytest.approx(0.1)
    line = line_through([(1.0, 3.0), (2.0, 5.0), (4.0, 9.0)])
    assert (line.slope, line.start) == pytest.approx((2.0, 1.0))
    assert line_through([(2.0, 3.0), (2.0, 3.0), (2.0, 3.0)])(4.0) == pytest.approx(6.0)


def test_the_clock_is_that_of_the_model(monkeypatch: pytest.MonkeyPatch):
    class Slow(torch.nn.Module):
        def forward(self, x: torch.Tensor) -> torch.Tensor:
            torch.mm(torch.ones(200, 200), torch.ones(200, 200))
            return x

    monkeypatch.setattr(latency, "LONG_ENOUGH", 0.05)
    times = latency.time_passes(Slow(), [TensorType((1, 3))], HERE)
    assert latency.FEWEST <= len(times) <= latency.MOST
    assert all(time > 1e-6 for time in times)
