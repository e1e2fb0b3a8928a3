"""The cases of `cases/`: a model, the passes that run over it, and the graph before and after as text.

`pytest tests/compiler/passes/test_cases.py --update-cases` writes what is printed now. Read the difference."""

from pathlib import Path

import pytest

import archdsl
from archdsl_compiler.passes.contract import Pipeline, parse
from archdsl_compiler.passes.printing import graph_text
from tests.markdown_cases import CASE_FILE, Case, read_cases, rewritten

FILES = sorted((Path(__file__).parent / "cases").glob("*.md"))


def printed(case: Case, folder: Path) -> str:
    """Both graphs, and what became of parameters. Passes stand behind ```text."""
    for name, source in case.sources.items():
        (folder / name).write_text(source, encoding="utf-8")
    program = archdsl.load(folder / CASE_FILE)
    before = archdsl.elaborate(program, "m")
    after, changes = Pipeline(tuple(map(parse, case.arguments))).transform(before)
    lines = [graph_text(before), f"==> {' '.join(case.arguments)}\n", graph_text(after)]
    for _, weights in changes:
        lines += [f"{module.name}: {change}\n" for module, found in weights.items() for change in found]
    return "\n".join(lines)


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_case(path: Path, tmp_path: Path, pytestconfig: pytest.Config):
    text = path.read_text(encoding="utf-8")
    if pytestconfig.getoption("update_cases"):
        text = rewritten(text, lambda case: printed(case, tmp_path))
        path.write_text(text, encoding="utf-8")
    cases = read_cases(text)
    assert [case.expected for case in cases] == [printed(case, tmp_path) for case in cases]
