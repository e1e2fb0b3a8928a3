"""Searches that are killed at random moments and go on: no finished trial is lost, none is run twice."""

import json
import os
import subprocess
import sys
import time
from pathlib import Path
from random import Random

import pytest

from archdsl.search.contract import Trial
from archdsl.search.journal import finished_trials
from tests.search.small_search import write_small

TRIALS = 90


def begun(path: Path, folder: Path, workers: int, evaluator: dict[str, object]) -> "subprocess.Popen[bytes]":
    """A search in a process of its own."""
    options = {"path": str(path), "evaluator": evaluator, "workers": workers, "trials": TRIALS, "seed": 4}
    line = [sys.executable, "-m", "tests.search.small_search", str(folder), json.dumps({**options, "resume": True})]
    return subprocess.Popen(line, cwd=Path(__file__).parents[2], env={**os.environ, "PYTHONPATH": ":".join(sys.path)})


def lines_in(file: Path) -> int:
    return file.read_bytes().count(b"\n") if file.exists() else 0


def killed_again_and_again(
    path: Path, folder: Path, workers: int, evaluator: dict[str, object], kills: int
) -> list[Trial]:
    """Kill the search when some more of its trials have finished, or right after it has taken up its work, so often;
    then let it end."""
    rng = Random(workers)
    known: list[Trial] = []
    grown = 0
    for _ in range(kills):
        journal, log = folder / "trials.jsonl", folder / "log.jsonl"
        more, logged = lines_in(journal) + rng.randrange(4), lines_in(log)
        process = begun(path, folder, workers, evaluator)
        deadline = time.monotonic() + 60
        while process.poll() is None and time.monotonic() < deadline:
            if lines_in(log) > logged and lines_in(journal) >= more:
                break
            time.sleep(0.002)
        time.sleep(rng.uniform(0.0, 0.05))
        process.kill()
        process.wait()
        found = finished_trials(journal)
        assert known == found[: len(known)]
        grown += len(known) < len(found) < TRIALS
        known = found
    assert grown >= kills // 3, "too few were killed while trials were finishing"
    process = begun(path, folder, workers, evaluator)
    assert 0 == process.wait(timeout=120)
    return finished_trials(folder / "trials.jsonl")


AT_HOME, ELSEWHERE = {"home": True, "seconds": 0.02}, {"seconds": 0.06}


@pytest.mark.parametrize(
    ("workers", "evaluator", "kills"),
    [
        pytest.param(1, AT_HOME, 3, marks=pytest.mark.slow),
        pytest.param(2, ELSEWHERE, 6, marks=pytest.mark.slow),
        pytest.param(2, ELSEWHERE, 20, marks=pytest.mark.study),
    ],
)
def test_killed_searches_end_with_exact_totals(workers: int, evaluator: dict[str, object], kills: int, tmp_path: Path):
    path, folder = write_small(tmp_path), tmp_path / "out"
    trials = killed_again_and_again(path, folder, workers, evaluator, kills)
    assert list(range(TRIALS)) == [trial.number for trial in trials]
    assert TRIALS == len({trial.hash for trial in trials}) == len({trial.proposal for trial in trials})
    rows = (folder / "trials.csv").read_text(encoding="utf-8").splitlines()
    assert TRIALS == len(rows) - 1
    listed = [entry["number"] for entry in json.loads((folder / "pareto.json").read_text(encoding="utf-8"))]
    assert sorted(f"{number:03}" for number in listed) == sorted(p.name for p in (folder / "pareto").iterdir())
    if workers == 1:
        whole = tmp_path / "whole"
        assert 0 == begun(path, whole, 1, evaluator).wait(timeout=120)
        assert [t.hash for t in finished_trials(whole / "trials.jsonl")] == [trial.hash for trial in trials]
