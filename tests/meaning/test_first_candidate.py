"""The first candidate: in the order of the text, of those that every `require` allows."""

from pathlib import Path

import pytest

import archdsl
from archdsl.meaning.first_candidate import MOST_TRIES, first_candidate

MODEL = """\
model net(width: int, depth: int = 1, scale: real = 1.0)(x: [b, 3, 8, 8]) {
  for i in 0..<depth {
    x = x |> conv(width, choose(1, 3)) as stem[i]
  }
  return x * scale
}

"""


def loaded(folder: Path, space: str) -> archdsl.meaning.program.Program:
    path = folder / "space.arch"
    path.write_text(f"{MODEL}space s() {{\n{space}}}\n", encoding="utf-8")
    return archdsl.load(path)


def test_it_takes_the_first_option_of_each_choice(tmp_path):
    program = loaded(tmp_path, "  return net(choose(4, 8) as width, depth=choose(2..3) as depth)\n")
    assert {"width": 4, "depth": 2, "stem.0.kernel": 1, "stem.1.kernel": 1} == first_candidate(program, "s")


def test_a_continuous_range_begins_at_its_lower_end(tmp_path):
    program = loaded(tmp_path, "  let scale = choose(0.5..2.0)\n  return net(4, scale=scale)\n")
    assert 0.5 == first_candidate(program, "s")["scale"]


def test_it_goes_on_where_a_requirement_rejects(tmp_path):
    space = '  let a = choose(1, 2, 3)\n  let b = choose(1, 2, 3)\n  require a * b == 6: "six"\n  return net(a * b)\n'
    found = first_candidate(loaded(tmp_path, space), "s")
    assert (2, 3) == (found["a"], found["b"])


def test_a_space_without_a_candidate_says_why(tmp_path):
    space = '  let a = choose(1, 2)\n  require a < limit: "small"\n  return net(a)\n'
    path = tmp_path / "space.arch"
    path.write_text(f"{MODEL}space s(limit: int) {{\n{space}}}\n", encoding="utf-8")
    program = archdsl.load(path)
    assert {"a": 1} == {k: v for k, v in first_candidate(program, "s", {"limit": 9}).items() if k == "a"}
    with pytest.raises(archdsl.ArchError) as raised:
        first_candidate(program, "s", {"limit": 0})
    assert ["E0401"] == [diagnostic.code for diagnostic in raised.value.diagnostics]


def test_a_search_without_end_is_given_up(tmp_path):
    space = (
        "  let widths = [choose(1..9) as a[i] for i in 0..<8]\n"
        '  require sum(widths) == 72: "all large"\n  return net(widths[0])\n'
    )
    with pytest.raises(archdsl.UsageError) as raised:
        first_candidate(loaded(tmp_path, space), "s")
    expected = f"none of the first {MOST_TRIES:,} candidates of `s` meets its requirements; give one"
    assert expected == str(raised.value)


def test_decisions_that_were_taken_stay(tmp_path):
    path = tmp_path / "space.arch"
    space = "space s() {\n  let a = choose(1, 2)\n  let b = choose(1, 2)\n  return net(a * b)\n}\n"
    path.write_text(f'{MODEL}{space}let half = decide(s(), [("a", 2)])\n', encoding="utf-8")
    program = archdsl.load(path)
    genome = first_candidate(program, "half")
    assert 1 == genome["b"]
    assert "a" not in genome
    assert 2 == dict(archdsl.elaborate(program, "half", None, genome).settings)["width"]
