"""The record of what was measured, on this machine and on others: one SQLite file that several processes may read and
write. Nothing depends on it: where it cannot be used, rows are kept in this process, and a note says so."""

import sqlite3
import time
from collections.abc import Callable, Iterable, Mapping
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final, TypeVar

from archdsl_compiler.tuning import tables
from archdsl_compiler.tuning.conditions import Conditions
from archdsl_compiler.tuning.rows import Kept, Key, Merged, Row

FILE: Final = "measured.db"
"""Its name in whatever folder it is kept."""
PATIENCE: Final = 20.0
"""Seconds to wait for another process that writes."""
_UNREADABLE: Final = {sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB}

T = TypeVar("T")


@dataclass(slots=True)
class Record:
    """The record in a file, or without one in this process alone. `notes` says what was in its way."""

    path: Path | None
    notes: list[str] = field(default_factory=list[str])
    _here: dict[Conditions, dict[Key, Kept]] = field(default_factory=dict[Conditions, dict[Key, Kept]])
    """Rows that could not be written."""

    def kept(self, conditions: Conditions, regions: Iterable[str]) -> dict[Key, Kept]:
        """All that is known of some regions."""
        wanted = set(regions)
        found = self._read(lambda file: tables.kept_rows(file, conditions, wanted)) or {}
        unwritten = self._here.get(conditions, {})
        return found | {key: kept for key, kept in unwritten.items() if key.region in wanted}

    def keep(self, conditions: Conditions, rows: Mapping[Key, Kept], *, first_counts: bool = False) -> None:
        """Keep rows, all in one transaction, in the place of older ones. With `first_counts` the older ones stay, so
        that processes which measured the same at once go by the same number."""

        def write(file: sqlite3.Connection) -> bool:
            tables.keep_rows(file, conditions, rows, replacing=not first_counts)
            return True

        if rows and not self._write(write):
            unwritten = self._here.setdefault(conditions, {})
            unwritten.update({**rows, **unwritten} if first_counts else rows)

    def rows(self) -> list[Row]:
        """Everything, of all machines."""
        found = {(at, key): kept for at, key, kept in self._read(tables.all_rows) or []}
        found.update({(at, key): kept for at, unwritten in self._here.items() for key, kept in unwritten.items()})
        return [(*where, kept) for where, kept in found.items()]

    def merge(self, rows: Iterable[Row]) -> Merged | None:
        """Take rows of another record, all or, if nothing can be written, none."""
        return self._write(lambda file: tables.merge_rows(file, rows))

    def check(self) -> list[str]:
        """See whether rows can be written, and give the notes."""
        self._write(lambda file: True)
        return self.notes

    def _read(self, action: Callable[[sqlite3.Connection], T]) -> T | None:
        if self.path is None or _identity(self.path) is None:
            return None
        return self._with_file(self.path, action, writes=False)

    def _write(self, action: Callable[[sqlite3.Connection], T]) -> T | None:
        return None if self.path is None else self._with_file(self.path, action, writes=True)

    def _with_file(self, path: Path, action: Callable[[sqlite3.Connection], T], writes: bool) -> T | None:
        """What the action gives, in a transaction of its own; None if the file cannot be used. A connection lives no
        longer, so processes may fork, and threads share a record."""
        for _ in range(2):
            opened = _identity(path)
            try:
                with closing(sqlite3.connect(path, timeout=PATIENCE, isolation_level=None)) as file:
                    # Who reads first and writes then may find that another one wrote in between.
                    file.execute("BEGIN IMMEDIATE" if writes else "BEGIN")
                    schema = tables.schema_of(file)
                    if schema is None and not writes:
                        return None
                    if schema is None:
                        tables.create(file)
                    if schema in (None, tables.SCHEMA):
                        result = action(file)
                        file.execute("COMMIT")
                        return result
                why = f"of schema {schema}"
            except sqlite3.Error as error:
                if getattr(error, "sqlite_errorcode", 0) & 0xFF not in _UNREADABLE:
                    told = "times are kept in this process only" if writes else "times in it are not used"
                    self._note(f"the record {path} cannot be {'written' if writes else 'read'}, so {told}: {error}")
                    return None
                why = "unreadable"
            if not self._set_aside(path, opened, why):
                return None
        return None

    def _set_aside(self, path: Path, opened: int | None, why: str) -> bool:
        """Make room for another file; whether there is room now."""
        aside = path.with_name(f"{path.name}.{why.replace(' ', '-')}-{time.strftime('%Y%m%d-%H%M%S')}")
        try:
            if _identity(path) != opened:
                return True  # another process did it, and began anew
            path.rename(aside)
            journal = path.with_name(f"{path.name}-journal")
            if journal.exists():
                journal.rename(aside.with_name(f"{aside.name}-journal"))
        except OSError as error:
            self._note(f"the record {path} is {why} and cannot be set aside, so it is not used: {error}")
            return False
        self._note(f"the record {path} is {why}, so it was set aside as {aside.name}; a new one begins")
        return True

    def _note(self, text: str) -> None:
        if text not in self.notes:
            self.notes.append(text)


def _identity(path: Path) -> int | None:
    """What tells a file from the one that takes its name later."""
    try:
        return path.stat().st_ino
    except OSError:
        return None
