"""`archdsl space` as a user meets it."""

import json

import pytest

from archdsl.cli.main import run

SMALL = """\
model small(width: int, deep: bool)(x: [b, 3]) {
  x = x |> linear(width) as stem
  return x |> (if deep then linear(2 * width) else none) as more
}

space smalls() {
  let width = choose(8..32 by 8)
  let deep = choose(true when width > 8, false)
  require width < 32 or deep
  return small(width, deep)
}
"""


@pytest.fixture(autouse=True)
def _folder(tmp_path, monkeypatch):
    (tmp_path / "small.arch").write_text(SMALL, encoding="utf-8")
    monkeypatch.chdir(tmp_path)


def test_it_tells_size_bounds_and_choices(capsys):
    assert 0 == run(["space", "small.arch"])
    shown = capsys.readouterr().out
    assert "smalls: 7 genomes, 6 of which meet the requirements" in shown
    assert "params: 32 to 2.24 K" in shown
    assert "true when width > 8, false" in shown


def test_json_has_all_digits(capsys):
    assert 0 == run(["space", "small.arch", "--json"])
    found = json.loads(capsys.readouterr().out)
    assert found["genomes"] == {"number": 7, "exact": True}
    assert found["valid"] == {"number": 6, "exact": True}
    assert found["params"] == {"lower": 32, "upper": 2240, "exact": True}
    assert [site["path"] for site in found["sites"]] == ["width", "deep"]
    assert found["sites"][0]["options"] == [8, 16, 24, 32]
    assert found["satisfiable"] is True


def test_a_continuous_range_is_infinite(capsys, tmp_path):
    text = SMALL.replace("  require", "  let rate = choose(0.0..1.0)\n  require")
    (tmp_path / "small.arch").write_text(text, encoding="utf-8")
    assert 0 == run(["space", "small.arch"])
    assert "infinitely many genomes" in capsys.readouterr().out
