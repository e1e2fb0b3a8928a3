"""The codes and their pages: each is documented, in one form, by examples that do what the page says."""

import re
from pathlib import Path

import pytest

from archdsl.cli.main import run
from archdsl.diagnostics import codes, registry
from archdsl.diagnostics.record import Code
from archdsl.resources import resource
from tests.markdown_cases import CASE_FILE, Block, blocks, source_name

CODES = list(registry.all_codes())
HEADINGS = ["What happened", "Why", "Wrong", "Right"]
FAMILIES = {
    "syntax": "E00",
    "names": "E01",
    "kinds": "E02",
    "shapes": "E03",
    "requirements": "E04",
    "choices": "E05",
    "lints": "W10",
}


def section(page: str, heading: str) -> list[Block]:
    return blocks(page.partition(f"## {heading}\n")[2].partition("\n## ")[0])


def test_codes_are_unique_and_stand_in_their_family():
    constants = {name: value for name, value in vars(codes).items() if isinstance(value, Code)}
    assert len(constants) == len({code.name for code in constants.values()}) == len(CODES)
    for family, beginning in FAMILIES.items():
        module = vars(__import__(f"archdsl.diagnostics.codes.{family}", fromlist=["codes"]))
        own = {name: value for name, value in module.items() if isinstance(value, Code)}
        assert set() == {name for name, value in own.items() if not value.name.startswith(beginning)}
        assert own.items() <= constants.items()


def test_a_code_is_found_by_its_name():
    assert (codes.UNKNOWN_NAME, codes.UNKNOWN_NAME, None) == tuple(map(registry.code, ("E0101", "e0101", "E9999")))


def test_errors_come_before_lints():
    assert sorted(CODES, key=lambda code: (code.severity, code.name)) == CODES


def test_each_page_belongs_to_a_code():
    assert {code.name for code in CODES} == {path.stem for path in Path(resource("diagnostics/pages")).glob("*.md")}


@pytest.mark.parametrize("code", CODES, ids=lambda code: code.name)
def test_a_page_has_the_form_of_a_page(code: Code):
    page = code.page
    assert f"# {code.name}: {code.title}" == page.splitlines()[0]
    assert HEADINGS == re.findall(r"^## (.*)$", page, re.MULTILINE)
    assert "?" not in re.sub(r"`[^`]*`", "", page.partition("## Wrong")[0])
    assert all(section(page, heading) for heading in HEADINGS[2:])


def checked(folder: Path, sources: list[Block], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]):
    """The status and the codes that `archdsl check` gives for these sources."""
    folder.mkdir()
    for block in sources:
        (folder / source_name(block)).write_text(block.content, encoding="utf-8")
    monkeypatch.chdir(folder)
    status = run(["check", CASE_FILE])
    shown = capsys.readouterr()
    return status, set(re.findall(r"^(?:error|warning)\[(\w+)\]", shown.out + shown.err, re.MULTILINE))


@pytest.mark.parametrize(
    "code", [code for code in CODES if section(code.page, "Wrong")[0].language == "arch"], ids=lambda code: code.name
)
def test_the_examples_of_a_page_do_what_it_says(
    code: Code, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
):
    wrong = checked(tmp_path / "wrong", section(code.page, "Wrong"), monkeypatch, capsys)
    right = checked(tmp_path / "right", section(code.page, "Right"), monkeypatch, capsys)
    assert ((int(code.severity == "error"), {code.name}), (0, set())) == (wrong, right)
