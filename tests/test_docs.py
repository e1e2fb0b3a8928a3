"""What the documentation says is so: its samples are clean, its tables complete, its links lead somewhere."""

import re
import runpy
from dataclasses import fields
from pathlib import Path

import pytest

import archdsl
from archdsl.cli import main
from archdsl.diagnostics.text import render
from archdsl.meaning.limits import Limits

ROOT = Path(__file__).parent.parent
WRITTEN = sorted([*ROOT.glob("*.md"), *(ROOT / "docs").glob("*.md"), *(ROOT / "searchspaces").glob("*.md")])
FENCE = re.compile(r"^```arch\n(.*?)^```$", re.MULTILINE | re.DOTALL)
LINK = re.compile(r"\]\(([^)#:\s]+)(#[^)\s]*)?\)")

SAMPLES = [
    pytest.param(text, id=f"{path.name}-{number}")
    for path in WRITTEN
    for number, text in enumerate(FENCE.findall(path.read_text(encoding="utf-8")), 1)
]


@pytest.mark.parametrize("text", SAMPLES)
@pytest.mark.parametrize("command", [["check", "--strict"], ["fmt", "--check"]], ids=["check", "fmt"])
def test_samples_are_clean_and_in_canonical_form(command, text, tmp_path, capsys):
    file = tmp_path / "sample.arch"
    file.write_text(text, encoding="utf-8")
    assert 0 == main.run([*command, str(file)]), capsys.readouterr()


def test_the_readme_shows_an_example():
    shown = FENCE.search((ROOT / "README.md").read_text(encoding="utf-8"))
    assert shown is not None
    assert (ROOT / "examples" / "attention.arch").read_text(encoding="utf-8") == shown[1]


def test_the_readme_shows_the_message_of_its_faulty_space(tmp_path, monkeypatch):
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    example = FENCE.search(readme)
    faulty = re.search(r"^```\n(space .*?)^```$", readme, re.MULTILINE | re.DOTALL)
    message = re.search(r"^```text\n(.*?)\n```$", readme, re.MULTILINE | re.DOTALL)
    assert example is not None
    assert faulty is not None
    assert message is not None
    monkeypatch.chdir(tmp_path)
    Path("attention.arch").write_text(example[1].partition("space ")[0] + faulty[1], encoding="utf-8")
    assert message[1] == render(archdsl.check("attention.arch"))


@pytest.mark.parametrize("path", WRITTEN, ids=lambda path: path.name)
def test_links_lead_to_files(path):
    targets = {match[1] for match in LINK.finditer(path.read_text(encoding="utf-8"))}
    assert set() == {target for target in targets if not (path.parent / target).exists()}


def test_every_limit_is_documented_with_its_value():
    page = (ROOT / "docs" / "limits.md").read_text(encoding="utf-8")
    documented = re.findall(r"^\| `(\w+)` \| ([\d,]+) \|", page, re.MULTILINE)
    assert [(field.name, f"{field.default:,}") for field in fields(Limits)] == documented


def test_reference_pages_are_fresh():
    expected = runpy.run_path(str(ROOT / "docs" / "generate.py"))["pages"]()
    assert expected == {path.name: path.read_text(encoding="utf-8") for path in (ROOT / "docs/reference").iterdir()}


def test_every_command_is_in_the_readme():
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    assert [] == [name for name in main.COMMANDS if f"| `archdsl {name}" not in readme]
