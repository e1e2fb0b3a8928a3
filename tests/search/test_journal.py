"""The journal: what was written is there, whatever happens to whoever writes."""

import math
import os
from pathlib import Path

import pytest

from archdsl.diagnostics.record import UnusableFile, UsageError
from archdsl.search.contract import Trial
from archdsl.search.journal import Journal, finished_trials

GENOME = {"width": 64, "ratio": 0.1 + 0.2, "on": True, "mixer": "attention#2", "sizes": (1, (2, "x")), "none": None}


def trial(number: int, **other: object) -> Trial:
    return Trial(number, number + 2, "complete", GENOME, f"h{number}", 0.5, {"a": 1.5}, (1.5,), **other)  # pyright: ignore


def written(path: Path, count: int) -> list[Trial]:
    journal = Journal.open(path)
    for number in range(count):
        journal.append(trial(number, reports={1: 0.5, 2: 0.25}, judged=((0, True, (1.0, 2.0)),)))
    journal.close()
    return journal.trials


def test_trials_come_back_as_they_were(tmp_path: Path):
    trials = written(tmp_path / "t.jsonl", 3)
    found = finished_trials(tmp_path / "t.jsonl")
    assert trials == found
    assert [type(option) for option in found[0].genome.values()] == [type(option) for option in GENOME.values()]
    assert 3 == len((tmp_path / "t.jsonl").read_text(encoding="utf-8").splitlines())


def test_a_report_that_is_no_number_comes_back_as_none(tmp_path: Path):
    journal = Journal.open(tmp_path / "t.jsonl")
    journal.append(trial(0, reports={3: math.nan}))
    assert "NaN" not in (tmp_path / "t.jsonl").read_text(encoding="utf-8")
    assert math.isnan(finished_trials(tmp_path / "t.jsonl")[0].reports[3])
    journal.close()


@pytest.mark.parametrize("cut", [1, 10, 100])
def test_a_torn_last_line_is_no_trial_and_is_taken_away(cut: int, tmp_path: Path):
    path = tmp_path / "t.jsonl"
    trials = written(path, 3)
    os.truncate(path, path.stat().st_size - cut)
    journal = Journal.open(path)
    assert trials[:2] == journal.trials
    journal.append(trial(2))
    journal.close()
    assert [0, 1, 2] == [each.number for each in finished_trials(path)]


def test_a_line_that_is_no_trial_is_said_and_left(tmp_path: Path):
    path = tmp_path / "t.jsonl"
    written(path, 2)
    lines = path.read_text(encoding="utf-8").splitlines()
    path.write_text("\n".join([lines[0], "{}", lines[1]]) + "\n", encoding="utf-8")
    before = path.read_bytes()
    with pytest.raises(UnusableFile, match=r"line 2 of .* is no trial"):
        Journal.open(path)
    path.write_text(f"{lines[1]}\n", encoding="utf-8")
    with pytest.raises(UnusableFile, match="is trial 1"):
        Journal.open(path)
    assert before != path.read_bytes()


def test_a_journal_has_one_writer(tmp_path: Path):
    journal = Journal.open(tmp_path / "t.jsonl")
    with pytest.raises(UsageError, match="another search runs in"):
        Journal.open(tmp_path / "t.jsonl")
    journal.close()
    Journal.open(tmp_path / "t.jsonl").close()


def test_a_full_disk_is_said_and_leaves_no_part_of_a_line(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    journal = Journal.open(tmp_path / "t.jsonl")
    journal.append(trial(0))
    before = (tmp_path / "t.jsonl").read_bytes()

    def full(file: int) -> None:
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr(os, "fsync", full)
        with pytest.raises(UnusableFile, match="the disk is full"):
            journal.append(trial(1))
    assert before == (tmp_path / "t.jsonl").read_bytes()
    journal.append(trial(1))
    journal.close()
    assert 2 == len(finished_trials(tmp_path / "t.jsonl"))
