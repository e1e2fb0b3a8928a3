"""A resolved file stands alone and means the same graph: for the examples, the published spaces and the zoo, for small
random spaces, and for what is hard to write."""

import re
from pathlib import Path

import pytest

import archdsl
from archdsl.meaning.program import Program
from archdsl.resolved import resolved_source
from archdsl.resources import resource
from archdsl.source import Source
from archdsl.syntax.format import format_text
from archdsl_compiler.graph import state_entries
from tests.meaning.small_spaces import written as small_space
from tests.resolved.candidates import compared, drawn, entries, genome, written

ROOT = Path(__file__).parent.parent.parent
HARD = ROOT / "tests" / "data" / "resolved"
OF_CHOICES = [*sorted((ROOT / "examples").glob("*.arch")), *sorted((ROOT / "searchspaces").glob("*.arch"))]
ZOO = sorted(resource("zoo").glob("*.arch"))
IMPORT = re.compile(r"^from (\S+)", re.MULTILINE)


def resolve(
    program: Program,
    name: str,
    folder: Path,
    seed: int = 0,
    settings: dict[str, object] | None = None,
    warnings: tuple[str, ...] = (),
) -> str:
    """The resolved text of a candidate, after all that is promised of it was found to hold."""
    decisions = genome(program, name, seed) if settings is None else {}
    text = resolved_source(program, name, settings, decisions)
    assert text == format_text(Source("resolved.arch", text))
    assert {"std", "zoo"} >= {path.partition(".")[0] for path in IMPORT.findall(text)}
    assert [] == re.findall(r"\bchoose\b", re.sub("#.*", "", text))
    path = written(folder, text)
    assert set(warnings) >= {diagnostic.code for diagnostic in archdsl.check(path)}
    resolved = archdsl.load(path)
    assert [name] == entries(resolved)
    expected = archdsl.elaborate(program, name, settings, decisions)
    actual = archdsl.elaborate(resolved, name)
    assert sorted(state_entries(expected)) == sorted(state_entries(actual))
    assert (expected.params, expected.macs, expected.output_types) == (actual.params, actual.macs, actual.output_types)
    assert list(compared(expected)) == list(compared(actual))
    return text


@pytest.mark.slow
@pytest.mark.parametrize("path", OF_CHOICES, ids=lambda path: path.stem)
def test_examples_and_spaces_are_resolved(path: Path, tmp_path: Path):
    program = archdsl.load(path)
    for name in entries(program):
        for seed in range(2):
            resolve(program, name, tmp_path, seed)


@pytest.mark.slow
@pytest.mark.parametrize("path", ZOO, ids=lambda path: path.stem)
def test_models_of_the_zoo_are_imported(path: Path, tmp_path: Path):
    program = archdsl.load(path)
    name = entries(program)[-1]
    text = resolve(program, name, tmp_path)
    assert f"from zoo.{path.stem} import " in text
    assert f"let {name} = " in text


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
            resolve(program, "s", tmp_path, seed)
            resolved += 1
    assert resolved > 3


@pytest.mark.parametrize("file", ["names", "values"])
def test_what_is_hard_to_write_is_written(file: str, tmp_path: Path):
    program = archdsl.load(HARD / f"{file}.arch")
    for name in entries(program):
        for seed in range(2):
            resolve(program, name, tmp_path, seed, warnings=("W1005",))


def test_components_that_share_a_name_keep_what_is_called_after_them(tmp_path: Path):
    program = archdsl.load(HARD / "names.arch")
    text = resolve(program, "two", tmp_path, warnings=("W1005",))
    labels = [name for name, _ in state_entries(archdsl.elaborate(program, "two")) if name.startswith("head")]
    assert ["head.linear.weight", "head.linear.bias", "head_1.linear.weight", "head_1.linear.bias"] == labels
    assert ["head", "head_2"] == re.findall(r"^block (\w+)", text, re.MULTILINE)


# ---- what it looks like


SPACE = """\
from .part import halve, wide as broad

space widths() {
  let width = choose(8, broad)
  let act = choose(relu, leaky_relu(slope=1e-6))
  return small(width, act)
}

## Two halvings.
model small(width: int, act: block? = none, size: int = 8)(x: [b, 3, size, size]) {
  for i in 0..<2 {
    x = x |> halve(width) as blocks[i] |> act
  }
  return x |> mean(axes=(2, 3)) |> linear(10) as head
}
"""
PART = """\
# What others use.
let wide = 16
let narrow = 4

## Halves the map.
block halve(
  out: int, # not less
)(x: [b, c, h, w]) {
  return x |> conv(out, 2, stride=2) as conv
}
"""
RESOLVED = """\
## Halves the map.
block halve(
  out: int,  # not less
)(x: [b, c, h, w]) {
  return x |> conv(out, 2, stride=2) as conv
}

## Two halvings.
model widths(width: int = 16, act: block? = leaky_relu(slope=1e-6), size: int = 8)(x: [b, 3, size, size]) {
  for i in 0..<2 {
    x = x |> halve(width) as blocks[i] |> act
  }
  return x |> mean(axes=(2, 3)) |> linear(10) as head
}
"""


@pytest.fixture
def space(tmp_path: Path) -> Program:
    (tmp_path / "part.arch").write_text(PART, encoding="utf-8")
    (tmp_path / "space.arch").write_text(SPACE, encoding="utf-8")
    return archdsl.load(tmp_path / "space.arch")


def without_head(text: str) -> str:
    head, _, rest = text.partition("\n\n")
    assert head.startswith("# Resolved by archdsl ")
    return rest


def test_a_candidate_reads_as_its_author_wrote(space: Program):
    text = resolved_source(space, "widths", None, {"width": 16, "act": "leaky_relu"})
    assert RESOLVED == without_head(text)
    assert text.splitlines()[0].endswith("space.arch:widths")


def test_settings_become_defaults(space: Program, tmp_path: Path):
    text = resolve(space, "small", tmp_path, settings={"width": 4, "size": 16})
    assert "model small(width: int = 4, act: block? = none, size: int = 16)(" in text


def test_a_choice_inside_a_component_is_written_from_the_graph(tmp_path: Path):
    path = tmp_path / "inside.arch"
    path.write_text(
        "mixer mixed()(x: [b, n, c]) {\n  return x + (x |> choose(linear(c), none) as fc)\n}\n"
        "model m(deep: int = 2)(x: [b, 4, 6]) {\n"
        "  for i in 0..<deep {\n    x = x |> mixed as blocks[i]\n  }\n  return x\n}\n"
        "space s() {\n  return m\n}\n",
        encoding="utf-8",
    )
    expected = (
        "mixer mixed()(x: [b, 4, 6]) {\n  return x + (x |> linear(6) as fc)\n}\n\n"
        "mixer mixed_2()(x: [b, 4, 6]) {\n  return x + x\n}\n\n"
        "model s()(x: [b, 4, 6]) {\n  return x |> mixed as blocks[0] |> mixed_2 as blocks[1]\n}\n"
    )
    text = resolved_source(archdsl.load(path), "s", None, {"blocks.0.fc": "linear", "blocks.1.fc": "none"})
    assert expected == without_head(text)


def test_a_model_inside_of_another_one_is_no_second_entry(tmp_path: Path):
    path = tmp_path / "nested.arch"
    path.write_text(
        "model inner(width: int = 4)(x: [b, 3]) {\n  return x |> linear(width)\n}\n"
        "model outer(width: int = 4)(x: [b, 3]) {\n  return (x |> inner(width)) + (x |> inner() as again)\n}\n"
        "space s() {\n  return outer(width=choose(1, 4))\n}\n",
        encoding="utf-8",
    )
    program = archdsl.load(path)
    text = resolved_source(program, "s", None, {"width": 1})
    assert ["s"] == entries(archdsl.load(written(tmp_path, text)))
    assert "block inner" in text
    expected = {"inner.linear.weight": (1, 3), "again.linear.weight": (4, 3)}
    graph = archdsl.elaborate(archdsl.load(written(tmp_path, text)), "s")
    assert expected == {name: entry.shape for name, entry in state_entries(graph) if name.endswith("weight")}


def test_a_resolved_file_is_resolved_already(space: Program, tmp_path: Path):
    text = resolved_source(space, "widths", None, {"width": 16, "act": "relu"})
    again = resolved_source(archdsl.load(written(tmp_path, text)), "widths")
    assert without_head(text) == without_head(again)


def test_what_cannot_be_elaborated_cannot_be_resolved(space: Program):
    with pytest.raises(archdsl.ArchError, match="the decision `act` is open"):
        resolved_source(space, "widths", None, {"width": 16})
    with pytest.raises(archdsl.UsageError, match="has no decision `depth`"):
        resolved_source(space, "widths", None, {"width": 16, "act": "relu", "depth": 2})
