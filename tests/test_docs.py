"""What the documentation says is so: its samples are clean, its tables complete, its links lead somewhere."""

import contextlib
import io
import re
import runpy
import shlex
import shutil
import tomllib
from collections.abc import Callable
from dataclasses import fields
from pathlib import Path

import pytest

import archdsl
from archdsl.cli import main
from archdsl.diagnostics.json import as_objects
from archdsl.meaning import covering
from archdsl.meaning.limits import Limits
from archdsl.meaning.run import COST_OF_CHOICE

ROOT = Path(__file__).parent.parent
README = ROOT / "README.md"
WRITTEN = sorted([*ROOT.glob("*.md"), *(ROOT / "docs").glob("*.md"), *(ROOT / "searchspaces").glob("*.md")])
FENCE = re.compile(r"^```arch\n(.*?)^```$", re.MULTILINE | re.DOTALL)
ANY_FENCE = re.compile(r"^```([^\n]+)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
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
    shown = FENCE.search(README.read_text(encoding="utf-8"))
    assert shown is not None
    assert (ROOT / "examples" / "attention.arch").read_text(encoding="utf-8") == shown[1]


def replayed(readme: str, folder: Path) -> str:
    """The text of the README with everything in its fences done again, in a folder with the examples: faulty
    declarations take the place of those with their names, commands and Python are run, and what they print is put in
    the place of what the README says they print."""
    example = folder / "examples" / "attention.arch"
    sound = example.read_text(encoding="utf-8")
    printed = ""

    def again(fence: re.Match[str]) -> str:
        nonlocal printed
        language, text = fence[1], fence[2]
        match language:
            case "arch":
                example.write_text(text, encoding="utf-8")
            case "arch fault":
                declared = re.escape(text.partition("(")[0])
                faulty, count = re.subn(
                    rf"^{declared}\(.*?^}}\n", lambda _: text, sound, flags=re.MULTILINE | re.DOTALL
                )
                assert 1 == count, text
                example.write_text(faulty, encoding="utf-8")
            case "console":
                line = text.partition("\n")[0]
                program, *arguments = shlex.split(line.removeprefix("$ "))
                assert "archdsl" == program
                text = f"{line}\n{output_of(lambda: main.run(arguments))}"
            case "python":
                example.write_text(sound, encoding="utf-8")
                printed = output_of(lambda: exec(compile(text, "README.md", "exec"), {}))
            case "text":
                text = printed
            case "sh":
                for line in text.splitlines():
                    assert_can_be_run(line)
            case _:
                raise AssertionError(f"nothing runs a fence of {language!r}")
        return f"```{language}\n{text}```"

    return ANY_FENCE.sub(again, readme)


def output_of(work: Callable[[], object]) -> str:
    output = io.StringIO()
    with contextlib.redirect_stdout(output):
        work()
    return output.getvalue()


def assert_can_be_run(line: str) -> None:
    """A line of the set-up, which would set up the machine that runs the tests: its targets and files are there."""
    words = shlex.split(line, comments=True)
    match words:
        case ["make", target]:
            assert re.search(rf"^{target}:", (ROOT / "Makefile").read_text(encoding="utf-8"), re.MULTILINE), line
        case ["python3", "-m", "venv", ".venv"]:
            pass
        case [".venv/bin/pip", "install", "-c", constraints, "-e", what]:
            project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
            assert (ROOT / constraints).is_file(), line
            assert what.strip(".[]") in project["optional-dependencies"], line
        case _:
            raise AssertionError(f"nothing knows whether this line works: {line}")


def test_what_the_readme_shows_is_what_happens(tmp_path, monkeypatch):
    shutil.copytree(ROOT / "examples", tmp_path / "examples")
    monkeypatch.chdir(tmp_path)
    readme = README.read_text(encoding="utf-8")
    assert replayed(readme, tmp_path) == readme


def test_the_readme_tells_every_field_of_the_objects(tmp_path):
    file = tmp_path / "wrong.arch"
    file.write_text("let a = b\n", encoding="utf-8")
    (found,) = as_objects(archdsl.check(file))
    rows = README.read_text(encoding="utf-8").partition("| field | |")[2].partition("\n\n")[0].splitlines()[1:]
    told = [name for row in rows for name in re.findall(r"`(\w+)`", row.split("|")[1])]
    assert list(found) == told


@pytest.mark.parametrize("path", WRITTEN, ids=lambda path: path.name)
def test_links_lead_to_files(path):
    targets = {match[1] for match in LINK.finditer(path.read_text(encoding="utf-8"))}
    assert set() == {target for target in targets if not (path.parent / target).exists()}


def test_every_limit_is_documented_with_its_value():
    page = (ROOT / "docs" / "limits.md").read_text(encoding="utf-8")
    documented = re.findall(r"^\| `(\w+)` \| ([\d,]+) \|", page, re.MULTILINE)
    assert [(field.name, f"{field.default:,}") for field in fields(Limits)] == documented


def test_how_a_space_is_covered_is_documented_with_its_numbers():
    page = (ROOT / "docs" / "limits.md").read_text(encoding="utf-8").partition("## Covered")[2]
    expected = [
        f"1/{COST_OF_CHOICE} of",
        f"{covering.PATIENCE} candidates",
        f"{covering.MOST_CANDIDATES} candidates",
        f"{covering.MOST_WORK:,} looks",
        f"{covering.MOST_LOOKED_AT} options",
        f"{covering.MOST_PAIRED} decisions",
    ]
    assert [] == [words for words in expected if words not in page]


def test_reference_pages_are_fresh():
    expected = runpy.run_path(str(ROOT / "docs" / "generate.py"))["pages"]()
    assert expected == {path.name: path.read_text(encoding="utf-8") for path in (ROOT / "docs/reference").iterdir()}


def test_every_command_is_in_the_readme():
    readme = README.read_text(encoding="utf-8")
    assert [] == [name for name in main.COMMANDS if f"| `archdsl {name}" not in readme]
