"""`archdsl sample` as a user meets it."""

import json

import pytest

import archdsl
from archdsl.cli.main import run
from tests.cli.test_space import SMALL


@pytest.fixture(autouse=True)
def _folder(tmp_path, monkeypatch):
    (tmp_path / "small.arch").write_text(SMALL, encoding="utf-8")
    monkeypatch.chdir(tmp_path)


def sampled(capsys, *arguments: str) -> dict[str, list[dict[str, object]]]:
    assert 0 == run(["sample", "small.arch", "--json", *arguments])
    return json.loads(capsys.readouterr().out)


def test_the_same_seed_gives_the_same_candidates(capsys):
    one, again, other = (sampled(capsys, "-n", "8", "--seed", seed) for seed in ("3", "3", "4"))
    assert one == again != other
    assert len(one["candidates"]) == 8


def test_conditions_are_met(capsys):
    found = sampled(capsys, "-n", "6", "--where", "params < 1K and width >= 16")
    assert all(c["params"] < 1000 and c["decisions"]["width"] >= 16 for c in found["candidates"])


def test_files_stand_alone(capsys, tmp_path):
    assert 0 == run(["sample", "small.arch", "-n", "2", "-o", "drawn"])
    assert "000.arch" in capsys.readouterr().out
    files = sorted((tmp_path / "drawn").glob("*.arch"))
    assert [file.name for file in files] == ["000.arch", "001.arch"]
    assert "#   width = " in files[0].read_text(encoding="utf-8")
    assert not archdsl.check(files[0])


def test_what_nobody_meets_is_said(capsys):
    assert 2 == run(["sample", "small.arch", "--where", "macs > 1G"])
    assert "no candidate meets macs > 1G" in capsys.readouterr().err
    assert 1 == run(["sample", "small.arch", "--where", "depth > 1"])
    assert "E0101" in capsys.readouterr().err
