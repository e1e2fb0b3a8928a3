"""The times that were measured on this machine, kept in the user's cache folder in one SQLite file that several
processes may read and write. Where it cannot be used, times are measured again in silence."""

import sqlite3
import time
from collections.abc import Generator
from contextlib import closing, contextmanager
from pathlib import Path

from archdsl.cache import cache_folder
from archdsl.cost.conditions import Conditions

FILE = "latency-1.db"
"""Its number is raised when what is kept changes its meaning."""
PATIENCE = 20.0
"""Seconds to wait for another process that writes."""
_TABLE = """\
CREATE TABLE IF NOT EXISTS times (
  digest TEXT, conditions TEXT, seconds REAL, spread REAL, runs INTEGER, name TEXT, measured REAL,
  PRIMARY KEY (digest, conditions)
)"""


def kept_time(digest: str, conditions: Conditions) -> float | None:
    """The seconds of one pass, if they are known."""
    path = _path()
    if path is None or not path.exists():
        return None
    try:
        with _open(path) as file:
            found = file.execute(
                "SELECT seconds FROM times WHERE digest = ? AND conditions = ?", (digest, conditions.key)
            ).fetchone()
    except sqlite3.Error:
        return None
    return float(found[0]) if found else None


def keep_time(
    digest: str, conditions: Conditions, seconds: float, *, spread: float = 0.0, runs: int = 0, name: str = ""
) -> float:
    """Keep a time, and give the one that counts: of two processes that measured the same, the first one's."""
    path = _path()
    if path is None:
        return seconds
    row = (digest, conditions.key, seconds, spread, runs, name, time.time())
    try:
        with _open(path) as file:
            file.execute(_TABLE)
            file.execute("INSERT OR IGNORE INTO times VALUES (?, ?, ?, ?, ?, ?, ?)", row)
            file.commit()
    except sqlite3.Error:
        return seconds
    kept = kept_time(digest, conditions)
    return seconds if kept is None else kept


def _path() -> Path | None:
    folder = cache_folder()
    return None if folder is None else folder / FILE


@contextmanager
def _open(path: Path) -> Generator[sqlite3.Connection]:
    with closing(sqlite3.connect(path, timeout=PATIENCE)) as file:
        yield file
