"""The tables of the record and what is asked of them, each function inside a transaction of the caller's."""

import sqlite3
from collections.abc import Iterable, Mapping
from typing import Any, Final

from archdsl_compiler.tuning.conditions import Conditions
from archdsl_compiler.tuning.measuring import Timing
from archdsl_compiler.tuning.rows import Kept, Key, Merged, Row

SCHEMA: Final = 1
"""Raised when tables change, or when what they hold changes its meaning."""
_TABLES: Final = (
    """CREATE TABLE conditions (
      number INTEGER PRIMARY KEY, key TEXT UNIQUE,
      device TEXT, machine TEXT, features TEXT, threads INTEGER, torch TEXT, libraries TEXT, allocator TEXT)""",
    """CREATE TABLE times (
      conditions INTEGER, region TEXT, kernel TEXT, version INTEGER, mode TEXT, operands TEXT, batch INTEGER,
      median REAL, least REAL, samples INTEGER, error REAL, failure TEXT, name TEXT, measured REAL,
      PRIMARY KEY (conditions, region, kernel, version, mode, operands, batch)) WITHOUT ROWID""",
)
_KEY = "region, kernel, version, mode, operands, batch"
_KEPT = "median, least, samples, error, failure, name, measured"
_AT_ONCE = 500
"""SQLite counts the variables of a statement."""


def schema_of(file: sqlite3.Connection) -> int | None:
    """The number in the file; 0 is a foreign one, None one without anything."""
    (found,) = file.execute("PRAGMA user_version").fetchone()
    (tables,) = file.execute("SELECT count(*) FROM sqlite_master").fetchone()
    return int(found) if found or tables else None


def create(file: sqlite3.Connection) -> None:
    for table in _TABLES:
        file.execute(table)
    file.execute(f"PRAGMA user_version = {SCHEMA}")


def kept_rows(file: sqlite3.Connection, conditions: Conditions, regions: Iterable[str]) -> dict[Key, Kept]:
    """All that is known of regions under conditions."""
    known = file.execute("SELECT number FROM conditions WHERE key = ?", (conditions.key,)).fetchone()
    found: dict[Key, Kept] = {}
    wanted = list(regions) if known else []
    for start in range(0, len(wanted), _AT_ONCE):
        some = wanted[start : start + _AT_ONCE]
        marks = ", ".join("?" * len(some))
        asked = f"SELECT {_KEY}, {_KEPT} FROM times WHERE conditions = ? AND region IN ({marks})"
        found.update(_row(cells) for cells in file.execute(asked, (*known, *some)))
    return found


def keep_rows(file: sqlite3.Connection, conditions: Conditions, rows: Mapping[Key, Kept], replacing: bool) -> None:
    number = _number(file, conditions)
    _insert(file, [_cells(number, *row) for row in rows.items()], "REPLACE" if replacing else "IGNORE")


def all_rows(file: sqlite3.Connection) -> list[Row]:
    """Everything, in an order of its own."""
    machines: dict[int, Conditions] = {}
    for number, *cells in file.execute(
        "SELECT number, device, machine, features, threads, torch, libraries, allocator FROM conditions"
    ):
        device, machine, features, *rest = cells
        machines[number] = Conditions(device, machine, tuple(features.split()), *rest)
    asked = f"SELECT conditions, {_KEY}, {_KEPT} FROM times ORDER BY conditions, {_KEY}"
    return [(machines[number], *_row(cells)) for number, *cells in file.execute(asked)]


def merge_rows(file: sqlite3.Connection, rows: Iterable[Row]) -> Merged:
    """Take rows; of two with one key the newer stays."""
    numbers: dict[Conditions, int] = {}
    came = new = newer = 0
    for conditions, key, kept in rows:
        if conditions not in numbers:
            numbers[conditions] = _number(file, conditions)
        cells = _cells(numbers[conditions], key, kept)
        known = file.execute(
            "SELECT measured FROM times WHERE (conditions, region, kernel, version, mode, operands, batch)"
            " = (?, ?, ?, ?, ?, ?, ?)",
            cells[:7],
        ).fetchone()
        came += 1
        new += known is None
        if known is not None and known[0] >= kept.measured:
            continue
        newer += known is not None
        _insert(file, [cells], "REPLACE")
    return Merged(came, new, newer)


def _number(file: sqlite3.Connection, conditions: Conditions) -> int:
    """That of conditions, which are entered if need be."""
    cells = (conditions.key, conditions.device, conditions.machine, " ".join(conditions.features), conditions.threads)
    file.execute(
        "INSERT OR IGNORE INTO conditions VALUES (NULL, ?, ?, ?, ?, ?, ?, ?, ?)",
        (*cells, conditions.torch, conditions.libraries, conditions.allocator),
    )
    return file.execute("SELECT number FROM conditions WHERE key = ?", cells[:1]).fetchone()[0]


def _insert(file: sqlite3.Connection, rows: list[tuple[object, ...]], otherwise: str) -> None:
    file.executemany(f"INSERT OR {otherwise} INTO times VALUES ({', '.join('?' * 14)})", rows)


def _cells(number: int, key: Key, kept: Kept) -> tuple[object, ...]:
    timing = kept.timing
    times = (timing.median, timing.least, timing.samples) if timing else (None, None, None)
    what = (number, key.region, key.kernel, key.version, key.mode, key.operands, key.batch)
    return (*what, *times, kept.error, kept.failure, kept.name, kept.measured)


def _row(cells: Iterable[Any]) -> tuple[Key, Kept]:
    region, kernel, version, mode, operands, batch, middle, least, samples, *rest = cells
    timing = None if middle is None else Timing(middle, least, samples)
    return Key(region, kernel, version, mode, operands, batch), Kept(timing, *rest)
