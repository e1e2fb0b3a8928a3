"""Optuna's mirror: level with the journal at every stop, told of where it cannot be written, never read."""

import sqlite3
from pathlib import Path
from typing import Any

import optuna
import pytest

from archdsl.diagnostics.record import UsageError
from archdsl.search import mirror as mirrors
from archdsl.search import running
from archdsl.search.contract import Decision
from archdsl.search.journal import finished_trials
from archdsl.search.mirror import Params
from tests.search.home_fakes import fake_at_home
from tests.search.small_search import run_small, write_small


def mirrored(url: str) -> list[Any]:
    (summary,) = optuna.get_all_study_summaries(url)
    study = optuna.load_study(study_name=summary.study_name, storage=url)
    assert ["good", "cost"] == study.metric_names
    return study.get_trials()


def test_the_mirror_is_level_after_each_run(tmp_path: Path):
    path, folder = write_small(tmp_path), tmp_path / "out"
    for trials in (5, 5, 9):
        run_small(path, folder, (fake_at_home(fail=(5,)),), trials=trials, resume=True)
        known = finished_trials(folder / "trials.jsonl")
        found = mirrored(f"sqlite:///{folder / 'study.db'}")
        assert [dict(t.genome) for t in known] == [t.params for t in found]
        assert [None if t.state == "failed" else list(t.values) for t in known] == [t.values for t in found]
        assert [{"failed": "FAIL", "complete": "COMPLETE"}[t.state] for t in known] == [t.state.name for t in found]
        assert [t.hash for t in known] == [t.user_attrs["hash"] for t in found]
    assert {"FAIL", "COMPLETE"} == {t.state.name for t in found}
    assert tuple(range(10)) == found[0].distributions["a"].choices


def test_the_mirror_lives_where_it_is_told_to(tmp_path: Path):
    path, url = write_small(tmp_path), f"sqlite:///{tmp_path / 'elsewhere.db'}"
    run_small(path, tmp_path / "out", trials=3, storage=url)
    run_small(path, tmp_path / "out", trials=4, resume=True)
    assert 4 == len(mirrored(url))
    assert not (tmp_path / "out" / "study.db").exists()


def test_a_database_that_is_locked_costs_no_trial(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(mirrors, "PATIENCE", 0.2)
    monkeypatch.setattr(running, "PATIENCE", 5.0)
    path, folder = write_small(tmp_path), tmp_path / "out"
    run_small(path, folder, trials=3)
    told: list[Any] = []
    lock = sqlite3.connect(folder / "study.db")
    lock.execute("BEGIN EXCLUSIVE")
    run_small(path, folder, trials=6, resume=True, listener=told.append)
    lock.rollback()
    lock.close()
    assert 6 == len(finished_trials(folder / "trials.jsonl"))
    notes = [event["text"] for event in told if event["event"] == "note"]
    assert any("database is locked; the journal has all trials" in note for note in notes), notes
    run_small(path, folder, resume=True)
    assert 6 == len(mirrored(f"sqlite:///{folder / 'study.db'}"))


def test_a_storage_that_is_none_is_said_before_the_first_trial(tmp_path: Path):
    with pytest.raises(UsageError, match=r"the storage `nowhere://x` cannot be used"):
        run_small(write_small(tmp_path), tmp_path / "out", storage="nowhere://x")
    assert not (tmp_path / "out" / "trials.jsonl").exists()


def test_a_parameter_has_one_set_of_choices():
    params = Params()
    one = Decision("width", 2, (1, 2), (0,))
    other = Decision("width", 2, (1, 2, 3), (0, 1))
    mixed = Decision("depth", True, (1, True, None), (1,))
    ratio = Decision("ratio", 0.5, (), (), (0.0, 1.0))
    assert [
        ("width", 2, {"choices": (1, 2)}),
        ("width (2)", 2, {"choices": (1, 2, 3)}),
        ("width", 2, {"choices": (1, 2)}),
        ("depth", "true", {"choices": ("1", "true", "none")}),
        ("ratio", 0.5, {"low": 0.0, "high": 1.0}),
    ] == params.of([one, other, one, mixed, ratio])
