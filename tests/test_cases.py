"""The cases of `tests/cases`: each source is checked as a user would do it, and the whole output compared.

`pytest tests/test_cases.py --update-cases` writes what is printed now into the files. Read the difference."""

import os
import shlex
from collections.abc import Callable
from pathlib import Path

import pytest

from archdsl.cli.main import run
from archdsl.diagnostics import registry
from tests.markdown_cases import CASE_FILE, Case, read_cases, rewritten

FOLDER = Path(__file__).parent / "cases"
FILES = sorted(FOLDER.rglob("*.md"))
# Codes that no file can show by itself, and where they are tested.
ELSEWHERE = {
    "E0107": "tests/cli",  # a file named on the command line
    "E0109": "tests/cli",  # a symbolic link
    "E0222": "tests/train",  # refused when it is to run
}

Check = Callable[[Case], str]


@pytest.fixture
def check(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Check:
    """What `archdsl check case.arch` prints."""

    def printed(case: Case) -> str:
        folder = tmp_path / str(len(os.listdir(tmp_path)))
        for name, source in case.sources.items():
            path = folder / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(source, encoding="utf-8")
        monkeypatch.chdir(folder)
        capsys.readouterr()
        run(["check", *shlex.split(" ".join(case.arguments)), CASE_FILE])
        shown = capsys.readouterr()
        return "".join(f"{line.rstrip()}\n" for line in (shown.out + shown.err).splitlines())

    return printed


@pytest.mark.parametrize("path", FILES, ids=lambda path: f"{path.parent.name}/{path.stem}")
def test_case(path: Path, check: Check, pytestconfig: pytest.Config):
    text = path.read_text(encoding="utf-8")
    if pytestconfig.getoption("update_cases"):
        text = rewritten(text, check)
        path.write_text(text, encoding="utf-8")
    cases = read_cases(text)
    assert [case.expected for case in cases] == [check(case) for case in cases]


def test_each_code_has_a_case_that_shows_it():
    shown = {
        code
        for path in FILES
        for code in [path.stem.partition("_")[0]]
        if all(f"[{code}]" in case.expected for case in read_cases(path.read_text(encoding="utf-8")))
    }
    codes = {code.name for code in registry.all_codes()}
    assert (set(), set()) == (codes - shown - ELSEWHERE.keys(), ELSEWHERE.keys() - codes)
