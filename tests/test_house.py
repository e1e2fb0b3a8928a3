"""The rules of the house that no tool checks: who may import whom, what must not be loaded, sizes and names."""

import ast
import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
LANGUAGE = ROOT / "archdsl"
COMPILER = ROOT / "compiler" / "archdsl_compiler"
OWN_FOLDERS = ("archdsl", "compiler", "grammars", "searchspaces", "examples", "tests", "docs", ".ci")
TEXT_SUFFIXES = {".py", ".pyi", ".arch", ".md", ".lark", ".toml", ".txt", ".json", ".yaml", ""}

# A module may import those of its own room and of the rooms above it in this list.
ROOMS = (
    ("resources", "cache", "code_stamp", "source", "patience"),
    ("diagnostics",),
    ("syntax",),
    ("meaning",),
    ("resolved",),
    ("output", "weights"),
    ("zoo", "tables", "genome_files"),
    ("programs", "written_settings", "times", "places", "parts"),
    ("targets",),
    ("preprocessing", "externs", "building", "kept_results", "kept_times", "plan_files", "plan_text"),
    ("tuning",),
    ("assembly",),
    ("exporting", "plain_form", "build_summary", "timing"),
    ("profiling", "zoo_table"),
    ("architecture",),
    ("space", "cost", "train", "search"),
    ("__init__",),
    ("cli",),
    ("__main__",),
)
HEAVY = {"torch", "networkx", "pydantic", "optuna", "ray", "numpy", "sympy"}
LINES_AT_MOST = 400
# Modules that are one idea and still longer, with the lines they may have.
LONG_MODULES = {
    "archdsl/syntax/nodes.py": 460,
}
NAMES_THAT_EXPLAIN_NOTHING = {
    "util",
    "utils",
    "helper",
    "helpers",
    "misc",
    "common",
    "manager",
    "base",
    "core",
    "stuff",
}

EXAMPLE = """\
## Halves the map.
block halve(out: int)(x: [b, c, h, w]) -> [b, out, h // 2, w // 2] {
  return x |> conv(out, 2, stride=2) as conv |> batch_norm() as norm |> gelu
}

model small(size: int = 32, width: int = 8, classes: int = 10)(x: [b, 3, size, size]) {
  for i in 0..<2 {
    x = x |> halve(width * 2 ** i) as blocks[i]
  }
  return x |> mean(axes=(2, 3)) |> linear(classes) as head
}
"""


def modules(package: Path) -> list[Path]:
    return sorted(package.rglob("*.py"))


def imported_names(path: Path) -> Iterator[str]:
    """Every module that a file names in an import, also inside functions and `TYPE_CHECKING`."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            yield node.module
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


def room_number(path: Path) -> int:
    first = path.relative_to(LANGUAGE).parts[0].removesuffix(".py")
    return next(number for number, room in enumerate(ROOMS) if first in room)


def own_files() -> Iterator[Path]:
    yield from (path for path in ROOT.iterdir() if path.is_file())
    for folder in OWN_FOLDERS:
        yield from (path for path in sorted((ROOT / folder).rglob("*")) if path.is_file())


def test_the_compiler_never_imports_the_language():
    found = [
        f"{path.relative_to(ROOT)}: {name}"
        for path in modules(COMPILER)
        for name in imported_names(path)
        if name.partition(".")[0] == "archdsl"
    ]
    assert [] == found


def test_rooms_import_only_rooms_above_them():
    found: set[str] = set()
    for path in modules(LANGUAGE):
        for name in imported_names(path):
            parts = name.split(".")
            if parts[0] != "archdsl" or len(parts) == 1:
                continue
            target = LANGUAGE / parts[1]
            if (target.is_dir() or target.with_suffix(".py").is_file()) and room_number(target) > room_number(path):
                found.add(f"{path.relative_to(ROOT)}: {name}")
    assert set() == found


@pytest.mark.parametrize(
    "arguments",
    [
        ["check"],
        ["fmt", "--check"],
        ["explain", "E0101"],
        ["ops", "conv"],
        ["profile"],
        ["show"],
        ["zoo", "van_b0"],
    ],
    ids=lambda a: a[0],
)
def test_commands_on_text_load_nothing_heavy(arguments: list[str], tmp_path: Path):
    file = tmp_path / "small.arch"
    file.write_text(EXAMPLE, encoding="utf-8")
    line = [*arguments, str(file)] if arguments[0] in ("check", "fmt", "profile", "show") else arguments
    program = (
        "import json, sys; from archdsl.cli.main import run; status = run(sys.argv[1:]); "
        "print(); print(json.dumps([status, sorted(sys.modules)]))"
    )
    done = subprocess.run(
        [sys.executable, "-c", program, *line], capture_output=True, text=True, check=True, cwd=tmp_path
    )
    status, loaded = json.loads(done.stdout.splitlines()[-1])
    assert (0, set()) == (status, HEAVY & set(loaded)), done.stdout + done.stderr


def test_a_zoo_that_was_counted_is_listed_without_the_language():
    program = (
        "import json, sys; from archdsl.cli.main import run; run(['zoo', 'van_b0']); run(['zoo', 'van_b0']); "
        "print(json.dumps(sorted(sys.modules)))"
    )
    command = [sys.executable, "-c", program]
    subprocess.run(command, capture_output=True, text=True, check=True)
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    loaded = {name for name in json.loads(done.stdout.splitlines()[-1]) if name.startswith("archdsl.meaning")}
    assert set() == loaded


def test_the_tool_starts_without_its_commands():
    program = "import json, sys, archdsl.cli.main; print(json.dumps(sorted(sys.modules)))"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    loaded = {
        name
        for name in json.loads(done.stdout)
        if name.startswith(("archdsl.syntax", "archdsl.meaning", "lark", "archdsl_compiler"))
    }
    assert set() == loaded


def test_modules_are_short():
    found = {
        str(path.relative_to(ROOT)): lines
        for package in (LANGUAGE, COMPILER)
        for path in modules(package)
        if (lines := len(path.read_text(encoding="utf-8").splitlines())) > LINES_AT_MOST
    }
    too_long = {name: lines for name, lines in found.items() if lines > LONG_MODULES.get(name, LINES_AT_MOST)}
    assert ({}, set()) == (too_long, LONG_MODULES.keys() - found.keys())


def test_modules_have_names_that_explain():
    names = {path.stem.strip("_") for folder in (LANGUAGE, COMPILER, ROOT / "tests") for path in folder.rglob("*.py")}
    assert set() == names & NAMES_THAT_EXPLAIN_NOTHING


def test_modules_say_what_they_are_for():
    found = [
        str(path.relative_to(ROOT))
        for package in (LANGUAGE, COMPILER)
        for path in modules(package)
        if (tree := ast.parse(path.read_text(encoding="utf-8"))).body and ast.get_docstring(tree) is None
    ]
    assert [] == found


def test_the_repository_stands_alone():
    elsewhere = "shared" + "/"
    found = [
        f"{path.relative_to(ROOT)}:{number}"
        for path in own_files()
        if path.suffix in TEXT_SUFFIXES and "__pycache__" not in path.parts
        for number, line in enumerate(path.read_text(encoding="utf-8", errors="replace").splitlines(), 1)
        if elsewhere in line
    ]
    assert [] == found


def test_nothing_is_left_unfinished():
    words = [
        "TO" + "DO",
        "FIX" + "ME",
        "XX" + "X",
        "NotImplemented" + "Error",
        "mark.x" + "fail",
        "pytest.sk" + "ip",
        "mark.sk" + "ip",
    ]
    found = [
        f"{path.relative_to(ROOT)}: {word}"
        for folder in (LANGUAGE, COMPILER, ROOT / "tests")
        for path in folder.rglob("*.py")
        for word in words
        if word in path.read_text(encoding="utf-8")
    ]
    assert [] == found
