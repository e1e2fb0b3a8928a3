"""`archdsl fmt`: which files are written, what is printed, and the status."""

import io
import os
import stat

import pytest

from archdsl.cli import main

ROUGH = "let a=(1+2)\n"
CANONICAL = "let a = 1 + 2\n"
BROKEN = "let a = (1\n"


@pytest.fixture
def folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "deep").mkdir()
    (tmp_path / "deep" / "rough.arch").write_text(ROUGH)
    (tmp_path / "good.arch").write_text(CANONICAL)
    (tmp_path / "notes.txt").write_text(ROUGH)
    return tmp_path


def test_files_and_folders_are_written(folder, capsys):
    assert 0 == main.run(["fmt", "."])
    assert CANONICAL == (folder / "deep" / "rough.arch").read_text()
    assert ROUGH == (folder / "notes.txt").read_text()
    assert "formatted deep/rough.arch\n" == capsys.readouterr().err


def test_check_writes_nothing(folder, capsys):
    assert 1 == main.run(["fmt", "--check", "good.arch", "deep"])
    assert "would change deep/rough.arch\n" == capsys.readouterr().err
    assert ROUGH == (folder / "deep" / "rough.arch").read_text()
    assert 0 == main.run(["fmt", "--check", "good.arch"])


def test_diff_shows_what_would_change(folder, capsys):
    assert 1 == main.run(["fmt", "--diff", "deep/rough.arch", "good.arch"])
    expected = """\
--- deep/rough.arch
+++ deep/rough.arch (canonical)
@@ -1 +1 @@
-let a=(1+2)
+let a = 1 + 2
"""
    assert expected == capsys.readouterr().out
    assert ROUGH == (folder / "deep" / "rough.arch").read_text()


def test_a_file_that_does_not_parse_stays_and_the_others_are_written(folder, capsys):
    (folder / "broken.arch").write_text(BROKEN)
    assert 1 == main.run(["fmt", "."])
    shown = capsys.readouterr().err
    assert "error[E0006]: `(` is never closed" in shown
    assert (BROKEN, CANONICAL) == (
        (folder / "broken.arch").read_text(),
        (folder / "deep" / "rough.arch").read_text(),
    )


@pytest.mark.parametrize(
    ("name", "content"), [("missing.arch", None), ("bytes.arch", b"let a = 1 \xff")], ids=["missing", "bytes"]
)
def test_a_file_that_cannot_be_read(name, content, folder, capsys):
    if content is not None:
        (folder / name).write_bytes(content)
    assert 1 == main.run(["fmt", name])
    assert f"error[E0002]: `{name}` cannot be read" in capsys.readouterr().err


def test_standard_input_is_printed(folder, capsys, monkeypatch):
    monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO(ROUGH.encode())))
    assert 0 == main.run(["fmt", "-"])
    assert CANONICAL == capsys.readouterr().out


def test_no_file_is_a_mistake_of_the_command_line(capsys):
    assert 2 == main.run(["fmt"])
    assert "Missing argument" in capsys.readouterr().err


def test_rights_and_links_stay(folder):
    target = folder / "deep" / "rough.arch"
    target.chmod(0o640)
    os.symlink(target, folder / "link.arch")
    assert 0 == main.run(["fmt", "link.arch"])
    assert (True, CANONICAL, 0o640) == (
        (folder / "link.arch").is_symlink(),
        target.read_text(),
        stat.S_IMODE(target.stat().st_mode),
    )
    assert ["good.arch", "link.arch", "notes.txt"] == sorted(p.name for p in folder.iterdir() if p.is_file())


def test_a_limit_can_be_raised(folder, capsys):
    (folder / "deep.arch").write_text("let a = b" + " + c" * 1500 + "\n")
    assert 1 == main.run(["fmt", "--check", "deep.arch"])
    assert "--limit chain=2000" in capsys.readouterr().err
    assert 0 == main.run(["fmt", "--limit", "chain=2000", "deep.arch"])
