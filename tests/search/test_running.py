"""Searches from beginning to end, with an evaluator that does as it is told."""

import csv
import json
import time
from pathlib import Path
from typing import Any

import pytest

from archdsl.diagnostics.record import UnusableFile, UsageError
from archdsl.search import journal as journals
from archdsl.search.contract import Trial
from archdsl.search.events import read_events
from archdsl.search.front_files import FrontFiles
from archdsl.search.fronts import front, losses
from archdsl.search.journal import finished_trials
from archdsl.search.mirror import Mirror
from archdsl.search.running import Ended
from tests.search.fakes import fake
from tests.search.home_fakes import fake_at_home
from tests.search.small_search import run_small, write_small


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return write_small(tmp_path)


@pytest.fixture(autouse=True)
def _no_mirror(monkeypatch: pytest.MonkeyPatch) -> None:
    """It has tests of its own, and costs seconds."""
    monkeypatch.setattr(Mirror, "start", lambda _: None)
    monkeypatch.setattr(Mirror, "finish", lambda *_: True)


def what_was_evaluated(folder: Path) -> list[tuple[int, dict[str, Any], Any]]:
    """Number, genome and values of each trial: what two runs of the same search have in common."""
    return [(t.number, dict(t.genome), t.values) for t in finished_trials(folder / "trials.jsonl")]


def test_the_folder_tells_all_of_a_search(path: Path, tmp_path: Path):
    ended = run_small(path, tmp_path / "out", (fake_at_home(fail=(3,), weights=True),))
    folder = tmp_path / "out"
    trials = finished_trials(folder / "trials.jsonl")
    assert ("finished", list(range(20))) == (ended.reason, [trial.number for trial in trials])
    with (folder / "trials.csv").open(newline="", encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    assert ["number", "state", "hash", "seconds", "error", "params", "macs", "good", "cost", "a", "b"] == list(rows[0])
    assert [(str(t.number), t.state, t.hash, t.error) for t in trials] == [
        (row["number"], row["state"], row["hash"], row["error"]) for row in rows
    ]
    assert {"no row for a=3"} == {row["error"] for row in rows if row["state"] == "failed"}
    assert [str(t.genome["b"]) for t in trials] == [row["b"] for row in rows]
    listed = json.loads((folder / "pareto.json").read_text(encoding="utf-8"))
    assert expected_front(ended) == sorted(entry["number"] for entry in listed)
    for entry in listed:
        trial = trials[entry["number"]]
        assert (entry["decisions"], list(entry["values"].values())) == (dict(trial.genome), list(trial.values))
        assert [f"pareto/{trial.number:03}/{name}" for name in FILES] == entry["files"]
        summary = json.loads((folder / entry["files"][-1]).read_text(encoding="utf-8"))
        assert (True, trial.hash, trial.metrics) == (summary["trained"], summary["hash"], summary["metrics"])
        weights = (folder / entry["files"][2]).read_bytes()
        assert f"weights of {trial.genome['a']} {trial.genome['b']}".encode() == weights
    assert sorted(f"{entry['number']:03}" for entry in listed) == sorted(p.name for p in (folder / "pareto").iterdir())
    assert path.read_text(encoding="utf-8") == (folder / "search.arch").read_text(encoding="utf-8")
    events = [event["event"] for event in read_events(folder / "log.jsonl")]
    assert ("begun", "ended", 20, 20) == (events[0], events[-1], events.count("proposed"), events.count("finished"))


FILES = ("model.arch", "model.py", "model.safetensors", "summary.json")


def expected_front(ended: Ended) -> list[int]:
    complete = [trial for trial in ended.trials if trial.state == "complete"]
    points = [losses(trial.values, ended.objectives) for trial in complete]
    best = {points[i]: complete[i].number for i in reversed(front(points))}
    return sorted(best.values())


def test_where_nothing_was_trained_there_are_no_weights_and_it_is_said(path: Path, tmp_path: Path):
    run_small(path, tmp_path / "out")
    for entry in json.loads((tmp_path / "out" / "pareto.json").read_text(encoding="utf-8")):
        assert ["model.arch", "model.py", "summary.json"] == [file.rpartition("/")[2] for file in entry["files"]]
        summary = json.loads((tmp_path / "out" / entry["files"][-1]).read_text(encoding="utf-8"))
        assert summary["trained"] is False


@pytest.mark.parametrize("strategy", ["random()", "evolution()"])
def test_a_finished_search_is_resumed_at_once(strategy: str, tmp_path: Path):
    path = write_small(tmp_path, strategy)
    run_small(path, tmp_path / "out", trials=5)
    before = (tmp_path / "out" / "trials.jsonl").read_bytes()
    ended = run_small(path, tmp_path / "out", (fake(die=tuple(range(10))),), resume=True)
    assert ("finished", 5, before) == (
        ended.reason,
        len(ended.trials),
        (tmp_path / "out" / "trials.jsonl").read_bytes(),
    )


def test_a_folder_with_trials_is_refused_without_resume(path: Path, tmp_path: Path):
    run_small(path, tmp_path / "out", trials=2)
    with pytest.raises(UsageError, match=r"holds 2 finished trials; go on with --resume"):
        run_small(path, tmp_path / "out", trials=3)


def test_a_folder_in_which_nothing_finished_is_begun(path: Path, tmp_path: Path):
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "search.arch").write_text("mine", encoding="utf-8")
    with pytest.raises(UsageError, match="another folder"):
        run_small(path, tmp_path / "out")
    (tmp_path / "out" / "search.arch").unlink()
    for resume in (False, True):
        run_small(path, tmp_path / "out", time_over(), resume=resume, seconds=0.01)
        assert [] == finished_trials(tmp_path / "out" / "trials.jsonl")
    assert 3 == len(run_small(path, tmp_path / "out", trials=3).trials)


def time_over() -> tuple[Any, ...]:
    return (fake(seconds=30.0),)


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ({"seed": 1}, r"seed was 0 and is 1"),
        ({"strategy": "grid()"}, r"(?s)its source has changed.*-  strategy = random\(\).*\+  strategy = grid\(\)"),
    ],
)
def test_another_search_is_refused_with_what_differs(change: dict[str, Any], told: str, path: Path, tmp_path: Path):
    run_small(path, tmp_path / "out", trials=2)
    before = (tmp_path / "out" / "trials.jsonl").read_bytes()
    if strategy := change.pop("strategy", None):
        write_small(tmp_path, strategy)
    with pytest.raises(UsageError, match=told):
        run_small(path, tmp_path / "out", trials=4, resume=True, **change)
    assert before == (tmp_path / "out" / "trials.jsonl").read_bytes()


ALL_STRATEGIES = [
    "random()",
    "grid()",
    "evolution(population=4)",
    "nsga2(population=4)",
    "nsga3(population=4)",
    "tpe()",
]


@pytest.mark.parametrize("strategy", ALL_STRATEGIES)
def test_a_resumed_search_makes_the_trials_of_one_that_was_not_interrupted(strategy: str, tmp_path: Path):
    path = write_small(tmp_path, strategy)
    run_small(path, tmp_path / "whole", trials=24, seed=7)
    for trials in (1, 5, 6, 17, 24):
        run_small(path, tmp_path / "parts", trials=trials, seed=7 if trials == 1 else None, resume=True)
    assert what_was_evaluated(tmp_path / "whole") == what_was_evaluated(tmp_path / "parts")


def test_no_candidate_is_evaluated_twice_and_a_space_ends(path: Path, tmp_path: Path):
    ended = run_small(path, tmp_path / "out", trials=150)
    assert ("exhausted", 100) == (ended.reason, len(ended.trials))
    assert 100 == len({trial.hash for trial in ended.trials})


def test_what_was_interrupted_comes_next_in_the_order_of_proposals(path: Path, tmp_path: Path):
    run_small(path, tmp_path / "out", (fake(seconds=0.05, slow={0: 30.0, 1: 30.0}),), workers=2, seconds=1.5, trials=90)
    trials = finished_trials(tmp_path / "out" / "trials.jsonl")
    events = read_events(tmp_path / "out" / "log.jsonl")
    proposed = [event["proposal"] for event in events if event["event"] == "proposed"]
    left = sorted(set(proposed) - {trial.proposal for trial in trials})
    assert left
    run_small(path, tmp_path / "out", (fake_at_home(),), trials=len(trials) + len(left) + 1, resume=True)
    later = finished_trials(tmp_path / "out" / "trials.jsonl")[len(trials) :]
    assert [*left, max(proposed) + 1] == [trial.proposal for trial in later]


def test_the_time_ends_a_search(path: Path, tmp_path: Path):
    begun = time.monotonic()
    ended = run_small(path, tmp_path / "out", (fake(seconds=0.1),), seconds=4.0, trials=1000)
    assert "time" == ended.reason
    assert 0 < len(ended.trials) < 50
    assert time.monotonic() - begun < 20


def test_a_search_that_only_fails_ends_with_the_reason(path: Path, tmp_path: Path):
    ended = run_small(path, tmp_path / "out", (fake_at_home(fail=tuple(range(10))),))
    assert ("hopeless", 10) == (ended.reason, len(ended.trials))
    assert ended.failure.startswith("no row for a=")


def test_a_failure_costs_one_trial(path: Path, tmp_path: Path):
    ended = run_small(path, tmp_path / "out", (fake(die=(1,), wrong=(2,), fail=(4,)),), trials=16)
    states = {trial.genome["a"]: (trial.state, trial.error.partition(" ended")[0]) for trial in ended.trials}
    assert [("failed", "its worker"), ("failed", "KeyError: 2"), ("failed", "no row for a=4")] == [
        states[a] for a in (1, 2, 4)
    ]
    assert {("complete", "")} == {state for a, state in states.items() if a not in (1, 2, 4)}
    traces = [e["trace"] for e in read_events(tmp_path / "out" / "log.jsonl") if e["event"] == "trouble" and e["trace"]]
    assert traces
    assert all("KeyError" in str(trace) for trace in traces)


def test_a_journal_that_cannot_be_written_ends_the_search(path: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    append = journals.Journal.append

    def full(journal: journals.Journal, trial: Trial) -> None:
        if trial.number == 4:
            raise UnusableFile(f"`{journal.path}` could not be written: the disk is full")
        append(journal, trial)

    monkeypatch.setattr(journals.Journal, "append", full)
    with pytest.raises(UnusableFile, match=r"the disk is full\. The 4 trials that had finished are kept; go on with"):
        run_small(path, tmp_path / "out", seed=5)
    monkeypatch.undo()
    run_small(path, tmp_path / "out", resume=True)
    run_small(path, tmp_path / "whole", seed=5)
    assert what_was_evaluated(tmp_path / "whole") == what_was_evaluated(tmp_path / "out")


def test_files_that_cannot_be_written_end_the_search(path: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    def full(files: FrontFiles, trial: Trial, *others: object) -> None:
        raise UnusableFile("`pareto/000` could not be written: the disk is full")

    monkeypatch.setattr(FrontFiles, "write", full)
    with pytest.raises(UnusableFile, match=r"the disk is full\. The 0 trials"):
        run_small(path, tmp_path / "out", (fake_at_home(weights=True),))
    monkeypatch.undo()
    assert 20 == len(run_small(path, tmp_path / "out", resume=True).trials)


def test_the_front_has_its_files_again_when_they_were_lost(path: Path, tmp_path: Path):
    run_small(path, tmp_path / "out", trials=8)
    before = (tmp_path / "out" / "pareto.json").read_bytes()
    for name in ("pareto.json", "trials.csv"):
        (tmp_path / "out" / name).unlink()
    place = next((tmp_path / "out" / "pareto").iterdir())
    (place / "summary.json").write_text("{", encoding="utf-8")
    (tmp_path / "out" / "pareto" / "077").mkdir()
    run_small(path, tmp_path / "out", resume=True)
    assert before == (tmp_path / "out" / "pareto.json").read_bytes()
    assert json.loads((place / "summary.json").read_text(encoding="utf-8"))["trial"] == int(place.name)
    assert not (tmp_path / "out" / "pareto" / "077").exists()


def test_events_are_told_as_they_are_logged(path: Path, tmp_path: Path):
    told: list[Any] = []
    run_small(path, tmp_path / "out", trials=3, listener=told.append)
    assert read_events(tmp_path / "out" / "log.jsonl") == json.loads(json.dumps(told))
