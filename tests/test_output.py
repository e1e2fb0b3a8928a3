"""Files and folders that a command leaves are there whole, or not at all."""

import errno
import os
from pathlib import Path
from typing import NoReturn

import pytest

from archdsl import output
from archdsl.diagnostics.record import UnusableFile, UsageError
from archdsl.output import new_file, new_folder


def standing(folder: Path) -> dict[str, str]:
    """Every file below a folder, with what it says."""
    return {
        str(path.relative_to(folder)): path.read_text(encoding="utf-8")
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }


def write_two(folder: Path, word: str) -> None:
    (folder / "a.txt").write_text(word, encoding="utf-8")
    (folder / "deep").mkdir()
    (folder / "deep" / "b.txt").write_text(word, encoding="utf-8")


def test_a_file_and_a_folder_are_written(tmp_path: Path):
    with new_file(tmp_path / "new" / "one.txt") as temporary:
        assert [] == [path for path in tmp_path.rglob("*") if path.is_file()]
        temporary.write_text("one", encoding="utf-8")
    with new_folder(tmp_path / "two") as temporary:
        write_two(temporary, "two")
    assert {"new/one.txt": "one", "two/a.txt": "two", "two/deep/b.txt": "two"} == standing(tmp_path)
    assert ["new", "two"] == sorted(os.listdir(tmp_path))


@pytest.mark.parametrize("writer", [new_file, new_folder])
def test_what_exists_is_refused(writer, tmp_path: Path):
    taken = tmp_path / "taken"
    taken.write_text("mine", encoding="utf-8")
    with pytest.raises(UsageError, match="exists; give another path, or --force"), writer(taken):
        raise AssertionError("nothing is to be written")
    assert {"taken": "mine"} == standing(tmp_path)


def test_a_link_that_leads_nowhere_is_taken_too(tmp_path: Path):
    (tmp_path / "link").symlink_to(tmp_path / "nowhere")
    with pytest.raises(UsageError, match="exists"), new_file(tmp_path / "link"):
        raise AssertionError("nothing is to be written")


def test_force_replaces_what_has_the_names_and_nothing_else(tmp_path: Path):
    (tmp_path / "one.txt").write_text("old", encoding="utf-8")
    (tmp_path / "two" / "deep").mkdir(parents=True)
    for name in ("a.txt", "mine.txt", "deep/old.txt"):
        (tmp_path / "two" / name).write_text("old", encoding="utf-8")
    with new_file(tmp_path / "one.txt", force=True) as temporary:
        temporary.write_text("new", encoding="utf-8")
    with new_folder(tmp_path / "two", force=True) as temporary:
        write_two(temporary, "new")
    expected = {"one.txt": "new", "two/a.txt": "new", "two/deep/b.txt": "new", "two/mine.txt": "old"}
    assert (expected, ["one.txt", "two"]) == (standing(tmp_path), sorted(os.listdir(tmp_path)))


def test_the_folder_one_stands_in_can_be_written_to(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    (tmp_path / "here").mkdir()
    monkeypatch.chdir(tmp_path / "here")
    with new_folder(Path("."), force=True) as temporary:
        write_two(temporary, "new")
    assert ({"here/a.txt": "new", "here/deep/b.txt": "new"}, ["here"]) == (standing(tmp_path), os.listdir(tmp_path))


def test_a_folder_does_not_replace_a_file_nor_a_file_a_folder(tmp_path: Path):
    (tmp_path / "file").write_text("mine", encoding="utf-8")
    (tmp_path / "folder").mkdir()
    with pytest.raises(UsageError, match="is a file; name a folder"), new_folder(tmp_path / "file", force=True):
        raise AssertionError("nothing is to be written")
    with pytest.raises(UsageError, match="is a folder; name a file"), new_file(tmp_path / "folder", force=True):
        raise AssertionError("nothing is to be written")
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(UsageError, match="is no regular file"), new_file(tmp_path / "pipe", force=True):
        raise AssertionError("nothing is to be written")


def full(*_: object) -> NoReturn:
    raise OSError(errno.ENOSPC, "No space left on device")


@pytest.mark.parametrize("force", [False, True])
def test_a_full_disk_leaves_what_was_there(force: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    target = tmp_path / "out"
    before: dict[str, str] = {}
    if force:
        with new_folder(target) as temporary:
            write_two(temporary, "old")
        before = {"out/a.txt": "old", "out/deep/b.txt": "old"}
    monkeypatch.setattr(output.os, "fsync", full)
    with (
        pytest.raises(UnusableFile, match="could not be written: the disk is full; nothing was left there"),
        new_folder(target, force=force) as temporary,
    ):
        write_two(temporary, "new")
    assert before == standing(tmp_path)
    assert (["out"] if force else []) == os.listdir(tmp_path)


@pytest.mark.parametrize("failing_at", [1, 2, 3, 4])
def test_moving_that_fails_half_way_is_taken_back(failing_at: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    with new_folder(tmp_path / "out") as temporary:
        write_two(temporary, "old")
    rename, calls = os.rename, []

    def failing(source: Path, target: Path) -> None:
        calls.append(target)
        if len(calls) == failing_at:
            full()
        rename(source, target)

    monkeypatch.setattr(output.os, "rename", failing)
    with pytest.raises(UnusableFile, match="the disk is full"), new_folder(tmp_path / "out", force=True) as temporary:
        write_two(temporary, "new")
    assert ({"out/a.txt": "old", "out/deep/b.txt": "old"}, ["out"]) == (standing(tmp_path), os.listdir(tmp_path))


def write_half(place: Path) -> NoReturn:
    (place / "a" if place.is_dir() else place).write_text("half", encoding="utf-8")
    raise KeyboardInterrupt


@pytest.mark.parametrize("writer", [new_file, new_folder])
def test_the_keyboard_stops_without_a_trace(writer, tmp_path: Path):
    with pytest.raises(KeyboardInterrupt, match="was not written"), writer(tmp_path / "out") as temporary:
        write_half(temporary)
    assert [] == os.listdir(tmp_path)


def test_a_folder_that_cannot_be_made_is_told(tmp_path: Path):
    (tmp_path / "file").write_text("", encoding="utf-8")
    with pytest.raises(UnusableFile, match="could not be written"), new_file(tmp_path / "file" / "out"):
        raise AssertionError("nothing is to be written")
