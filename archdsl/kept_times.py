"""The record of measured times in the user's cache folder."""

from functools import cache
from pathlib import Path

from archdsl.cache import cache_folder
from archdsl_compiler.tuning.record import FILE, Record

NO_FOLDER = "there is no cache folder that you alone can write to, so times are kept in this process only"


def user_record() -> Record:
    """One for all who ask in this process, so that rows which cannot be written are still shared."""
    folder = cache_folder()
    return _record_at(None if folder is None else folder / FILE)


@cache
def _record_at(path: Path | None) -> Record:
    return Record(path, [] if path else [NO_FOLDER])
