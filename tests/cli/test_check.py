"""`archdsl check` on what no text of a file can show: paths, links, bytes, options and exit statuses."""

import json
import os
from pathlib import Path

import pytest

from archdsl.cli.main import run

FAULTY = "let width = 64\nlet wide = widht\n"
WARNED = "block widen(out: int, kernel: int = 3)(x: [b, c, h, w]) {\n  return x |> conv(out, 3)\n}\n"


@pytest.fixture(autouse=True)
def in_its_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def checked(capsys: pytest.CaptureFixture[str], *arguments: str) -> tuple[int, str]:
    """The status and what is printed."""
    capsys.readouterr()
    status = run(["check", *arguments])
    return status, capsys.readouterr().out


def test_a_file_that_is_not_there(capsys: pytest.CaptureFixture[str]):
    expected = """\
error[E0107]: `nowhere.arch` cannot be read: there is no such file
 --> nowhere.arch
  more: archdsl explain E0107

1 file: 1 error
"""
    assert (1, expected) == checked(capsys, "nowhere.arch")


def test_a_file_that_is_no_text(capsys: pytest.CaptureFixture[str]):
    Path("bytes.arch").write_bytes(b"let a = \xff\n")
    status, shown = checked(capsys, "bytes.arch")
    assert (1, "error[E0107]: `bytes.arch` cannot be read: byte 8 is no UTF-8 text") == (status, shown.splitlines()[0])


def test_a_device_is_not_read(capsys: pytest.CaptureFixture[str]):
    status, shown = checked(capsys, os.devnull)
    assert (1, f"error[E0107]: `{os.devnull}` cannot be read: it is no regular file") == (status, shown.splitlines()[0])


def test_a_byte_order_mark_and_line_ends_of_windows_are_not_seen(capsys: pytest.CaptureFixture[str]):
    Path("windows.arch").write_bytes(b"\xef\xbb\xbflet a = b\r\nlet c = d\r\n")
    expected = """\
error[E0101]: `b` is not known here
 --> windows.arch:1:9
  |
1 | let a = b
  |         ^ not a known name
  |
  more: archdsl explain E0101

error[E0101]: `d` is not known here
 --> windows.arch:2:9
  |
2 | let c = d
  |         ^ not a known name

1 file: 2 errors
"""
    assert (1, expected) == checked(capsys, "windows.arch")


def test_what_can_be_read_is_checked_beside_what_cannot(capsys: pytest.CaptureFixture[str]):
    Path("faulty.arch").write_text(FAULTY)
    status, shown = checked(capsys, "nowhere.arch", "faulty.arch")
    assert (1, "2 files: 2 errors") == (status, shown.splitlines()[-1])


def test_a_folder_stands_for_its_files(capsys: pytest.CaptureFixture[str]):
    Path("parts/deep").mkdir(parents=True)
    Path("parts/one.arch").write_text(FAULTY)
    Path("parts/deep/two.arch").write_text("let width = 64\n")
    Path("parts/notes.txt").write_text("no program")
    status, shown = checked(capsys, "parts")
    assert (1, "2 files: 1 error") == (status, shown.splitlines()[-1])


@pytest.mark.parametrize("link", ["parts.arch", "parts"])
def test_an_import_does_not_leave_its_folder_by_a_link(link: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    Path("tree").mkdir()
    Path("outside").mkdir()
    Path("outside/heads.arch").write_text("function one() {\n  return 1\n}\n")
    target = "outside" if link == "parts" else "outside/heads.arch"
    Path("tree", link).symlink_to(tmp_path / target)
    place = ".parts.heads" if link == "parts" else ".parts"
    Path("tree/main.arch").write_text(f"from {place} import one\n\nlet number = one()\n")
    status, shown = checked(capsys, "tree/main.arch")
    assert (1, f"error[E0109]: `{place}` leads out of the folder `tree`", "1 file: 1 error") == (
        status,
        shown.splitlines()[0],
        shown.splitlines()[-1],
    )


def test_a_link_that_stays_in_the_folder_is_followed(capsys: pytest.CaptureFixture[str]):
    Path("blocks").mkdir()
    Path("blocks/heads.arch").write_text("function one() {\n  return 1\n}\n")
    Path("parts.arch").symlink_to("blocks/heads.arch")
    Path("main.arch").write_text("from .parts import one\n\nlet number = one()\n")
    assert (0, "1 file: no faults\n") == checked(capsys, "main.arch")


def test_warnings_fail_only_when_it_is_strict(capsys: pytest.CaptureFixture[str]):
    Path("warned.arch").write_text(WARNED)
    assert (0, 1) == (checked(capsys, "warned.arch")[0], checked(capsys, "--strict", "warned.arch")[0])


def test_json_has_the_same_diagnostics(capsys: pytest.CaptureFixture[str]):
    Path("faulty.arch").write_text(FAULTY)
    status, shown = checked(capsys, "--json", "faulty.arch")
    found = json.loads(shown)
    keys = ("code", "severity", "file", "line", "column", "end_line", "end_column")
    assert (1, [("E0101", "error", "faulty.arch", 2, 12, 2, 17)]) == (
        status,
        [tuple(one[key] for key in keys) for one in found],
    )
    assert ["code", "severity", "message", *keys[2:], "labels", "notes", "fixes"] == list(found[0])


def test_json_of_a_clean_file_is_an_empty_list(capsys: pytest.CaptureFixture[str]):
    Path("clean.arch").write_text("let width = 64\n")
    status, shown = checked(capsys, "--json", "clean.arch")
    assert (0, []) == (status, json.loads(shown))


def test_safe_fixes_are_written(capsys: pytest.CaptureFixture[str]):
    path = Path("fixed.arch")
    path.write_text("block stem()(x: [b, c, h, w]) {\n  return x |> conv(c, 3, gruops=c)  # each by itself\n}\n")
    assert (0, "1 file: no faults\n") == checked(capsys, "--fix", "fixed.arch")
    assert "  return x |> conv(c, 3, groups=c)  # each by itself" == path.read_text().splitlines()[1]


@pytest.mark.parametrize("option", ["steps", "steps=many", "nothing=3"])
def test_a_limit_that_is_none_is_a_usage_error(option: str, capsys: pytest.CaptureFixture[str]):
    Path("clean.arch").write_text("let width = 64\n")
    assert 2 == run(["check", "--limit", option, "clean.arch"])
    assert "Error: --limit takes NAME=NUMBER" in capsys.readouterr().err
