"""Whoever waits is told what is going on, and nobody else."""

import time

from archdsl import patience
from archdsl.cli import waiting


def test_a_long_wait_is_told(capsys, monkeypatch):
    monkeypatch.setattr(patience, "PATIENCE", 0.01)
    with waiting.waiting("building m"):
        time.sleep(0.3)
    assert ("", "building m ...\n") == capsys.readouterr()


def test_a_short_wait_is_silent(capsys, monkeypatch):
    monkeypatch.setattr(patience, "PATIENCE", 60.0)
    with waiting.waiting("building m"):
        pass
    assert ("", "") == capsys.readouterr()
