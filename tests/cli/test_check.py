"""`archdsl check` as a user meets it: statuses, the JSON, fixes, several files, and all faults of a file at once."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from archdsl.cli.main import run

CLEAN = "mixer twice()(x: [b, c]) {\n  return 2 * x\n}\n"
UNUSED = "from std.layers import mlp\n" + CLEAN
WRONG = "mixer twice()(x: [b, c]) {\n  return y * 2\n}\n"
MISSPELT = """\
model small()(x: [b, 3, 8, 8]) {
  x = x |> conv(4, 3, strid=2) as conv
  return x |> relu() |> conv(4, 3, grups=2) as last
}
"""
MENDED = MISSPELT.replace("strid=", "stride=").replace("grups=", "groups=")


# One fault in each of seven declarations, with its line; the eighth is fine and uses a name of the first.
SEVEN = """\
let one = [1, 2

block two(out: int)(x: [b, c]) {
  return x |> linear(out) as fc |> linear(unknown) as out
}

modle three()(x: [b, 3]) {
  return x
}

mixer four()(x: [b, c]) {
  return x |> linear(2 * c) as fc
}

let five = 1 / 0

model six()(x: [b, 3, 8, 8]) {
  x = x |> conv(4, 3 as conv
  return x
}

model seven()(x: [b, 3, 8, 8]) {
  return x |> conv(4, 3, strid=2) as conv
}

block eight(times: int = one[0])(x: [b, c]) {
  return times * x
}
"""
SEVEN_FAULTS = [
    ("E0006", 1),
    ("E0101", 4),
    ("E0201", 7),
    ("E0308", 12),
    ("E0314", 15),
    ("E0006", 18),
    ("E0203", 23),
]


def write(folder: Path, **texts: str) -> list[str]:
    paths = [folder / f"{name}.arch" for name in texts]
    for path, text in zip(paths, texts.values(), strict=True):
        path.write_text(text, encoding="utf-8")
    return [str(path) for path in paths]


def objects(capsys: pytest.CaptureFixture[str], *arguments: str) -> list[dict[str, object]]:
    run(["check", "--json", *arguments])
    return json.loads(capsys.readouterr().out)


@pytest.mark.parametrize(
    ("text", "options", "expected"),
    [
        (CLEAN, [], 0),
        (CLEAN, ["--strict"], 0),
        (UNUSED, [], 0),
        (UNUSED, ["--strict"], 1),
        (UNUSED, ["--strict", "--json"], 1),
        (WRONG, [], 1),
        (WRONG, ["--json"], 1),
        ("let a = [i for i in 0..9]\n", ["--limit", "steps=5"], 1),
    ],
)
def test_the_status_says_what_was_found(text: str, options: list[str], expected: int, tmp_path: Path):
    assert expected == run(["check", *options, *write(tmp_path, case=text)])


@pytest.mark.parametrize("arguments", [[], ["--unknown", "case.arch"], ["--limit"], ["--limit", "x=1", "case.arch"]])
def test_a_wrong_command_line_is_status_2(arguments: list[str], capsys: pytest.CaptureFixture[str]):
    assert (2, True, "") == (run(["check", *arguments]), bool((shown := capsys.readouterr()).err), shown.out)


def test_the_last_line_counts(tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    paths = write(tmp_path, clean=CLEAN, unused=UNUSED, wrong=WRONG)
    run(["check", paths[0]])
    run(["check", paths[1]])
    run(["check", *paths])
    lines = [line for line in capsys.readouterr().out.splitlines() if "file" in line and "-->" not in line]
    assert ["1 file: no faults", "1 file: 1 warning", "3 files: 1 error, 1 warning"] == lines


def test_the_json_has_every_field(tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    (path,) = write(tmp_path, case=MISSPELT)
    first, second = objects(capsys, path)
    place = {"file": path, "line": 2, "column": 23, "end_line": 2, "end_column": 28}
    assert {
        "code": "E0203",
        "severity": "error",
        "message": "`conv` has no setting `strid`",
        **place,
        "labels": [{**place, "text": "not a setting of `conv`"}],
        "notes": ["a setting with a similar name exists: `stride`"],
        "fixes": [{"title": "rename it to `stride`", "safe": True, "edits": [{**place, "text": "stride"}]}],
    } == first
    assert ("E0203", 3, 36, 3, 41) == tuple(second[key] for key in ("code", "line", "column", "end_line", "end_column"))


def test_the_json_of_a_clean_file_is_an_empty_list(tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    assert [] == objects(capsys, *write(tmp_path, case=CLEAN))


def test_the_json_leaves_no_fault_out(tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    (path,) = write(tmp_path, case="".join(f"let a{i} = b{i}\n" for i in range(60)))
    assert list(range(1, 61)) == [fault["line"] for fault in objects(capsys, path)]


def test_the_text_shows_twenty_faults_and_counts_the_rest(tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    run(["check", *write(tmp_path, case="".join(f"let a{i} = b{i}\n" for i in range(60)))])
    shown = capsys.readouterr().out
    assert (20, True) == (shown.count("error[E0101]"), shown.endswith("1 file: 60 errors\n"))


def test_secondary_labels_have_places_of_their_own(tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    (path,) = write(tmp_path, case="mixer four()(x: [b, c]) {\n  return x |> linear(2 * c) as fc\n}\n")
    (fault,) = objects(capsys, path)
    assert ("E0308", [(2, 3), (1, 14)]) == (
        fault["code"],
        [(label["line"], label["column"]) for label in fault["labels"]],
    )


def test_seven_faults_in_seven_declarations_are_seven(tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    found = objects(capsys, *write(tmp_path, case=SEVEN))
    assert SEVEN_FAULTS == [(fault["code"], fault["line"]) for fault in found]


@pytest.mark.parametrize("spoilt", range(7))
def test_a_fault_hides_no_other(spoilt: int, tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    """Each declaration alone, with the fine one, says what it says among the others."""
    parts = SEVEN.split("\n\n")
    text = "\n\n".join([parts[spoilt], parts[7].replace("one[0]", "1")])
    found = objects(capsys, *write(tmp_path, case=text))
    before = sum(part.count("\n") + 2 for part in parts[:spoilt])
    assert [SEVEN_FAULTS[spoilt]] == [(fault["code"], fault["line"] + before) for fault in found]


def test_fixes_are_written_and_the_rest_is_said(tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    (path,) = write(tmp_path, case=MISSPELT.replace("relu", "unlike_any"))
    assert 1 == run(["check", "--fix", path])
    shown = capsys.readouterr()
    assert (f"fixed {path}\n", False, True) == (shown.err, "E0203" in shown.out, "E0101" in shown.out)
    assert MENDED.replace("relu", "unlike_any") == Path(path).read_text("utf-8")


def test_fixes_that_are_enough_leave_a_clean_file(tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    (path,) = write(tmp_path, case=MISSPELT)
    assert 0 == run(["check", "--fix", path])
    assert MENDED == Path(path).read_text("utf-8")
    assert capsys.readouterr().out.endswith("1 file: no faults\n")


def test_a_clean_file_is_not_written(tmp_path: Path):
    (path,) = write(tmp_path, case=CLEAN)
    before = Path(path).stat()
    assert 0 == run(["check", "--fix", path])
    after = Path(path).stat()
    assert (before.st_mtime_ns, before.st_ino) == (after.st_mtime_ns, after.st_ino)


def test_fixes_keep_mode_line_ends_and_mark(tmp_path: Path):
    path = tmp_path / "case.arch"
    path.write_bytes(b"\xef\xbb\xbf" + MISSPELT.replace("\n", "\r\n").encode())
    path.chmod(0o640)
    assert 0 == run(["check", "--fix", str(path)])
    fixed = MENDED.replace("\n", "\r\n").encode()
    assert (b"\xef\xbb\xbf" + fixed, 0o640) == (path.read_bytes(), path.stat().st_mode & 0o777)


def test_fixes_go_through_a_link(tmp_path: Path):
    (path,) = write(tmp_path, case=MISSPELT)
    link = tmp_path / "link.arch"
    link.symlink_to(path)
    assert 0 == run(["check", "--fix", str(link)])
    assert (True, False) == (link.is_symlink(), "strid=" in Path(path).read_text("utf-8"))


def test_several_files_are_checked_each_once(tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    paths = write(tmp_path, first=WRONG, second=CLEAN, third=WRONG)
    found = objects(capsys, *paths, paths[0], str(tmp_path))
    assert [(paths[0], 2), (paths[2], 2)] == [(fault["file"], fault["line"]) for fault in found]


def test_a_folder_stands_for_the_files_below_it(tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    inner = tmp_path / "deep" / "inner"
    inner.mkdir(parents=True)
    (path,) = write(inner, case=WRONG)
    write(tmp_path, clean=CLEAN)
    (tmp_path / "other.txt").write_text("let", encoding="utf-8")
    assert [path] == [fault["file"] for fault in objects(capsys, str(tmp_path))]
    run(["check", str(tmp_path)])
    assert capsys.readouterr().out.endswith("2 files: 1 error\n")


def test_a_folder_without_files_is_said(tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    assert 1 == run(["check", str(tmp_path)])
    assert str(tmp_path) in capsys.readouterr().out


def test_a_file_that_cannot_be_read_does_not_stop_the_others(tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    (path,) = write(tmp_path, case=WRONG)
    none = str(tmp_path / "none.arch")
    found = objects(capsys, none, path)
    assert {(none, "E0107"), (path, "E0101")} == {(fault["file"], fault["code"]) for fault in found}


def test_what_is_imported_from_beside_is_checked_too(tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    path, parts = write(tmp_path, case="from .parts import half\nlet a = half\n", parts="let half = 1\nlet b = c\n")
    assert [(parts, 2)] == [(fault["file"], fault["line"]) for fault in objects(capsys, path)]


def test_a_fault_in_an_import_is_said_once(tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    paths = write(
        tmp_path,
        one="from .parts import half\nlet a = half\n",
        two="from .parts import half\nlet a = half\n",
        parts="let half = 1\nlet b = c\n",
    )
    assert [(paths[2], 2)] == [(fault["file"], fault["line"]) for fault in objects(capsys, *paths)]


def test_the_module_is_the_same_tool(tmp_path: Path):
    (path,) = write(tmp_path, case=WRONG)
    done = subprocess.run([sys.executable, "-m", "archdsl", "check", path], capture_output=True, text=True)
    assert (1, True, "", True) == (
        done.returncode,
        done.stdout.startswith("error[E0101]"),
        done.stderr,
        done.stdout.endswith("1 file: 1 error\n"),
    )


def test_a_space_too_large_to_be_followed_is_said_to_be_covered(tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    text = (
        "model m(w: int)(x: [b, 3]) {\n  return x |> linear(w) as fc\n}\n"
        "space s() {\n  let w = [choose(8, 16, 24) for i in 0..<3]\n  return m(sum(w))\n}\n"
    )
    (path,) = write(tmp_path, case=text)
    assert 0 == run(["check", path, "--limit", "conditions=2"])
    assert "`s` is covered, not proven" in capsys.readouterr().out
