"""The record: what it keeps and under what, several processes at once, and files that cannot be used."""

import os
import sqlite3
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import fields, replace
from itertools import count
from pathlib import Path

import pytest

from archdsl_compiler.tuning import record as record_module
from archdsl_compiler.tuning import tables
from archdsl_compiler.tuning.conditions import Conditions
from archdsl_compiler.tuning.measuring import Timing
from archdsl_compiler.tuning.record import FILE, Record
from archdsl_compiler.tuning.rows import Kept, Key, Merged

ROOT = Path(__file__).parents[3]
HERE = Conditions("cpu", "a processor", ("avx2", "avx512f"), 1, "2.13.0", "oneDNN 3.12.0", "glibc-kept")
OTHER_CONDITIONS = (
    replace(HERE, device="cuda"),
    replace(HERE, machine="another"),
    replace(HERE, features=("avx2",)),
    replace(HERE, threads=2),
    replace(HERE, torch="2.14.0"),
    replace(HERE, libraries="oneDNN 3.13.0"),
    replace(HERE, allocator="default"),
)
KEY = Key("0123", "plain", 1, "float32/natural", "1x3x8x8", 1)
OTHER_KEYS = (
    replace(KEY, region="4567"),
    replace(KEY, kernel="packed"),
    replace(KEY, version=2),
    replace(KEY, mode="float32/last"),
    replace(KEY, operands="1x3x9x9"),
    replace(KEY, batch=8),
)
KEPT = Kept(Timing(2e-3, 1.5e-3, 15), 1e-7, None, "stem", 1000.0)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / FILE


def set_aside(path: Path) -> list[Path]:
    return sorted(path.parent.glob(f"{path.name}.*"))


def test_what_is_kept_is_found_again(path: Path):
    failed = Kept(None, None, "RuntimeError: no memory", "stem", 1001.0)
    rows = {KEY: KEPT, OTHER_KEYS[0]: failed}
    Record(path).keep(HERE, rows)
    record = Record(path)
    assert rows == record.kept(HERE, [key.region for key in rows])
    assert {KEY: KEPT} == record.kept(HERE, [KEY.region, "unknown"])
    assert {} == record.kept(HERE, [])
    assert [] == record.notes


def test_all_of_a_key_and_of_the_conditions_counts(path: Path):
    assert {field.name for field in fields(Key)} == {
        field.name
        for other in OTHER_KEYS
        for field in fields(Key)
        if getattr(other, field.name) != getattr(KEY, field.name)
    }
    assert len(fields(Conditions)) == len(OTHER_CONDITIONS)
    record = Record(path)
    for number, key in enumerate((KEY, *OTHER_KEYS)):
        record.keep(HERE, {key: replace(KEPT, error=float(number))})
    for number, conditions in enumerate(OTHER_CONDITIONS):
        assert {} == record.kept(conditions, [KEY.region])
        record.keep(conditions, {KEY: replace(KEPT, error=100.0 + number)})
    assert [float(n) for n in range(7)] == [record.kept(HERE, [key.region])[key].error for key in (KEY, *OTHER_KEYS)]
    assert [100.0 + n for n in range(7)] == [record.kept(at, [KEY.region])[KEY].error for at in OTHER_CONDITIONS]
    assert 14 == len(record.rows())


def test_later_rows_replace_earlier_ones_unless_the_first_counts(path: Path):
    record = Record(path)
    later = replace(KEPT, error=0.5)
    record.keep(HERE, {KEY: KEPT})
    record.keep(HERE, {KEY: later}, first_counts=True)
    assert {KEY: KEPT} == record.kept(HERE, [KEY.region])
    record.keep(HERE, {KEY: later})
    assert {KEY: later} == record.kept(HERE, [KEY.region])


def test_many_regions_are_asked_for_at_once(path: Path):
    record = Record(path)
    rows = {replace(KEY, region=f"{number:04}"): KEPT for number in range(1201)}
    record.keep(HERE, rows)
    assert rows == record.kept(HERE, [key.region for key in rows])


def test_without_a_file_rows_are_kept_in_the_process():
    record = Record(None)
    record.keep(HERE, {KEY: KEPT})
    record.keep(HERE, {KEY: replace(KEPT, error=0.5)}, first_counts=True)
    assert {KEY: KEPT} == record.kept(HERE, [KEY.region])
    assert [(HERE, KEY, KEPT)] == record.rows()
    assert record.merge([]) is None


@pytest.mark.parametrize("content", [b"no database at all" * 100, b"SQLite format 3\0" + b"\1" * 4000])
def test_a_corrupt_file_is_set_aside(path: Path, content: bytes):
    path.write_bytes(content)
    record = Record(path)
    assert {} == record.kept(HERE, [KEY.region])
    record.keep(HERE, {KEY: KEPT})
    assert {KEY: KEPT} == Record(path).kept(HERE, [KEY.region])
    (aside,) = set_aside(path)
    assert content == aside.read_bytes()
    assert [f"the record {path} is unreadable, so it was set aside as {aside.name}; a new one begins"] == record.notes


def test_a_file_that_is_torn_in_the_middle_is_set_aside(path: Path):
    record = Record(path)
    record.keep(HERE, {replace(KEY, region=f"{number:05}"): KEPT for number in range(3000)})
    whole = path.read_bytes()
    path.write_bytes(whole[: len(whole) // 2])
    record.keep(HERE, {KEY: KEPT})
    assert {KEY: KEPT} == record.kept(HERE, [KEY.region])
    assert 1 == len(set_aside(path))


@pytest.mark.parametrize("statement", [f"PRAGMA user_version = {tables.SCHEMA + 1}", "CREATE TABLE other (x)"])
def test_another_schema_is_set_aside(path: Path, statement: str):
    if "version" in statement:
        Record(path).keep(HERE, {KEY: KEPT})
    with sqlite3.connect(path) as file:
        file.execute(statement)
    file.close()
    record = Record(path)
    record.keep(HERE, {OTHER_KEYS[0]: KEPT})
    assert [(HERE, OTHER_KEYS[0], KEPT)] == Record(path).rows()
    (aside,) = set_aside(path)
    assert f"of-schema-{tables.SCHEMA + 1 if 'version' in statement else 0}-" in aside.name
    assert 1 == len(record.notes)


def test_a_record_that_was_set_aside_by_another_process_stays(path: Path, monkeypatch: pytest.MonkeyPatch):
    path.write_bytes(b"no database at all" * 100)
    Record(path.with_name("new")).keep(HERE, {KEY: KEPT})
    real = record_module._identity
    asked = count(1)

    def identity(path: Path) -> int | None:
        if next(asked) == 3:  # just before it would be set aside, another process has done so
            path.with_name("new").replace(path)
        return real(path)

    monkeypatch.setattr(record_module, "_identity", identity)
    record = Record(path)
    assert {KEY: KEPT} == record.kept(HERE, [KEY.region])
    assert ([], []) == (record.notes, set_aside(path))


def test_a_folder_that_cannot_be_written_leaves_the_process_its_rows():
    record = Record(Path("/proc/record.db"))
    record.keep(HERE, {KEY: KEPT})
    assert {KEY: KEPT} == record.kept(HERE, [KEY.region])
    (note,) = record.notes
    assert [note] == Record(Path("/proc/record.db")).check()
    assert "the record /proc/record.db cannot be written, so times are kept in this process only" in note


@pytest.fixture
def open_folder() -> Iterator[Path]:
    """One that every user can reach."""
    with tempfile.TemporaryDirectory() as name:
        yield Path(name)


def test_a_file_that_cannot_be_written_is_still_read(open_folder: Path):
    path = open_folder / FILE
    Record(path).keep(HERE, {KEY: KEPT})
    path.chmod(0o444)
    open_folder.chmod(0o555)
    record = Record(path)
    user = os.geteuid()
    if user == 0:  # who may write everything
        os.seteuid(65534)
    try:
        record.keep(HERE, {OTHER_KEYS[0]: KEPT})
        found = record.kept(HERE, [KEY.region, OTHER_KEYS[0].region])
        everything = record.rows()
    finally:
        os.seteuid(user)
        open_folder.chmod(0o755)
    assert {KEY: KEPT, OTHER_KEYS[0]: KEPT} == found
    assert 2 == len(everything)
    (note,) = record.notes
    assert "cannot be written, so times are kept in this process only" in note
    assert [(HERE, KEY, KEPT)] == Record(path).rows()


def test_a_record_that_another_process_holds_is_not_waited_for_forever(path: Path, monkeypatch: pytest.MonkeyPatch):
    record = Record(path)
    record.keep(HERE, {KEY: KEPT})
    monkeypatch.setattr(record_module, "PATIENCE", 0.01)
    other = sqlite3.connect(path, isolation_level=None)
    other.execute("BEGIN EXCLUSIVE")
    record.keep(HERE, {OTHER_KEYS[0]: KEPT})
    assert {OTHER_KEYS[0]: KEPT} == record.kept(HERE, [OTHER_KEYS[0].region])
    assert 2 == len(record.notes), "it could be neither written nor read"
    other.execute("ROLLBACK")
    other.close()
    assert {KEY: KEPT, OTHER_KEYS[0]: KEPT} == record.kept(HERE, [KEY.region, OTHER_KEYS[0].region])


WRITER = """\
import sys
from pathlib import Path
from dataclasses import replace
from tests.compiler.tuning.test_record import HERE, KEPT, KEY
from archdsl_compiler.tuning.record import Record
record = Record(Path(sys.argv[1]))
for number in range(40):
    record.keep(HERE, {replace(KEY, region=f"{number}"): KEPT, replace(KEY, region=f"{sys.argv[2]}-{number}"): KEPT})
    record.kept(HERE, [f"{number}"])
print(record.notes)
"""


@pytest.mark.parametrize("before", [b"", b"no database at all" * 100])
def test_several_processes_write_at_once(path: Path, before: bytes):
    if before:
        path.write_bytes(before)
    line = [sys.executable, "-c", WRITER, str(path)]
    writers = [subprocess.Popen([*line, str(n)], stdout=subprocess.PIPE, text=True, cwd=ROOT) for n in range(4)]
    told = [writer.communicate()[0] for writer in writers]
    assert [0] * 4 == [writer.returncode for writer in writers]
    assert 40 + 4 * 40 == len(Record(path).rows())
    assert bool(before) == any("unreadable" in each for each in told)
    assert bool(before) == (len(set_aside(path)) == 1)


def test_merging_keeps_the_newer_of_two(path: Path):
    record = Record(path)
    record.keep(HERE, {KEY: KEPT, OTHER_KEYS[0]: KEPT})
    older, newer = replace(KEPT, error=0.1, measured=999.0), replace(KEPT, error=0.2, measured=1001.0)
    elsewhere = OTHER_CONDITIONS[1]
    came = [(HERE, KEY, older), (HERE, OTHER_KEYS[0], newer), (HERE, OTHER_KEYS[1], KEPT), (elsewhere, KEY, KEPT)]
    assert Merged(came=4, new=2, newer=1) == record.merge(came)
    merged = record.merge(came)
    assert merged == Merged(came=4, new=0, newer=0)
    assert 4 == merged.known
    assert {KEY: KEPT, OTHER_KEYS[0]: newer, OTHER_KEYS[1]: KEPT} == record.kept(
        HERE, [KEY.region, OTHER_KEYS[0].region]
    )
    assert {KEY: KEPT} == record.kept(elsewhere, [KEY.region])
