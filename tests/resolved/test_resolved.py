"""A resolved file stands alone and means the same graph: for the examples, the published spaces and the zoo, for small
random spaces, and for what is hard to write."""

import re
from pathlib import Path

import pytest
from tests.meaning.small_spaces import written as small_space
from tests.resolved.candidates import compared, drawn, entries, genome, written

import archdsl
from archdsl.meaning.program import Program
from archdsl.resolved.writing import resolved_source
from archdsl.resources import resource
from archdsl.source import Source
from archdsl.syntax.format import format_text
from archdsl_compiler.graph import state_entries

ROOT = Path(__file__).parent.parent.parent
OF_CHOICES = [*sorted((ROOT / "examples").glob("*.arch")), *sorted((ROOT / "searchspaces").glob("*.arch"))]
ZOO = sorted(resource("zoo").glob("*.arch"))
IMPORT = re.compile(r"^from (\S+)", re.MULTILINE)


def check_candidate(program: Program, name: str, folder: Path, settings: dict[str, object] | None, seed: int) -> str:
    decisions = genome(program, name, seed) if settings is None else {}
    text = resolved_source(program, name, settings, decisions)
    assert text == format_text(Source("resolved.arch", text))
    assert {"std", "zoo"} >= {path.partition(".")[0] for path in IMPORT.findall(text)}
    assert "choose" not in re.sub("#.*", "", text)
    path = written(folder, text)
    assert () == tuple(archdsl.check(path))
    expected = archdsl.elaborate(program, name, settings, decisions)
    actual = archdsl.elaborate(archdsl.load(path), name)
    assert sorted(state_entries(expected)) == sorted(state_entries(actual))
    assert (expected.params, expected.macs, expected.output_types) == (actual.params, actual.macs, actual.output_types)
    assert list(compared(expected)) == list(compared(actual))
    return text


@pytest.mark.parametrize("path", OF_CHOICES, ids=lambda path: path.stem)
def test_examples_and_spaces_are_resolved(path: Path, tmp_path: Path):
    program = archdsl.load(path)
    for name in entries(program):
        for seed in range(3):
            check_candidate(program, name, tmp_path, None, seed)


@pytest.mark.parametrize("path", ZOO, ids=lambda path: path.stem)
def test_models_of_the_zoo_are_imported(path: Path, tmp_path: Path):
    program = archdsl.load(path)
    names = entries(program)
    for name in dict.fromkeys((names[0], names[len(names) // 2], names[-1])):
        text = check_candidate(program, name, tmp_path, None, 0)
        assert text.count("\n") < 60


@pytest.mark.parametrize("first", range(0, 60, 20))
def test_small_random_spaces_are_resolved(first: int, tmp_path: Path):
    resolved = 0
    for seed in range(first, first + 20):
        path = tmp_path / "space.arch"
        path.write_text(small_space(seed), encoding="utf-8")
        try:
            program = archdsl.load(path)
        except archdsl.ArchError:
            continue
        if drawn(program, "s", seed) is not None:
            check_candidate(program, "s", tmp_path, None, seed)
            resolved += 1
    assert resolved > 3
