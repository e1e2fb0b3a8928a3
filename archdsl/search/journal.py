"""`trials.jsonl`: one line for each finished trial, on the disk before the next proposal. It is the truth of a search;
all else in the folder follows from it.

A process that is killed while it writes leaves a torn last line, which is no trial and is taken away when the journal
is opened again. Who holds a journal has a lock on it, so that a folder has one writer."""

import fcntl
import json
import math
import os
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, cast

from archdsl.diagnostics.record import UnusableFile, UsageError
from archdsl.output import why_not_written
from archdsl.search.contract import Genome, Option, Trial


@dataclass(slots=True)
class Journal:
    """The trials so far, in order, and the place where the next is written."""

    path: Path
    trials: list[Trial]
    _file: int
    _size: int = field(default=0)

    @classmethod
    def open(cls, path: Path) -> "Journal":
        """The journal at a path, which may be new."""
        try:
            file = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o666)
        except OSError as error:
            raise UnusableFile(f"`{path}` cannot be opened: {why_not_written(error)}") from None
        try:
            _lock(file, path)
            trials, size = _read(path)
            os.ftruncate(file, size)
            os.lseek(file, size, os.SEEK_SET)
        except BaseException:
            os.close(file)
            raise
        return cls(path, trials, file, size)

    def append(self, trial: Trial) -> None:
        """Write a trial; when this returns it is on the disk. A trial that cannot be written whole leaves nothing."""
        line = (json.dumps(as_object(trial), separators=(",", ":")) + "\n").encode("utf-8")
        try:
            written = 0
            while written < len(line):
                written += os.write(self._file, line[written:])
            os.fsync(self._file)
        except OSError as error:
            try:
                os.ftruncate(self._file, self._size)
                os.lseek(self._file, self._size, os.SEEK_SET)
            except OSError:
                pass  # the torn line is taken away when the journal is opened again
            raise UnusableFile(f"`{self.path}` could not be written: {why_not_written(error)}") from None
        self._size += len(line)
        self.trials.append(trial)

    def close(self) -> None:
        os.close(self._file)


def finished_trials(path: Path) -> list[Trial]:
    """The trials of a journal, which is left as it is."""
    return _read(path)[0] if path.exists() else []


def as_object(trial: Trial) -> dict[str, object]:
    """For JSON. Tuples become lists, and tuples again when they are read: the language has no other list. What is no
    number becomes null."""
    reports = {str(step): value if math.isfinite(value) else None for step, value in trial.reports.items()}
    return {**asdict(trial), "reports": reports}


def _lock(file: int, path: Path) -> None:
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        raise UsageError(f"another search runs in `{path.parent}`; wait for its end, or give another folder") from None
    except OSError:
        pass  # a file system without locks


def _read(path: Path) -> tuple[list[Trial], int]:
    """The trials, and how many bytes they take."""
    try:
        data = path.read_bytes()
    except OSError as error:
        raise UnusableFile(f"`{path}` cannot be read: {(error.strerror or str(error)).lower()}") from None
    end = data.rfind(b"\n") + 1
    trials: list[Trial] = []
    for number, line in enumerate(data[:end].splitlines()):
        try:
            trial = _trial(json.loads(line))
        except (ValueError, TypeError, KeyError, AttributeError):
            raise UnusableFile(f"line {number + 1} of `{path}` is no trial; nothing was changed") from None
        if trial.number != number:
            raise UnusableFile(f"line {number + 1} of `{path}` is trial {trial.number}; nothing was changed")
        trials.append(trial)
    return trials, end


def _trial(read: dict[str, Any]) -> Trial:
    """A trial back from its line."""
    found: dict[str, Any] = {
        **read,
        "genome": genome_of(read["genome"]),
        "values": tuple(read["values"]),
        "reports": {int(step): math.nan if value is None else value for step, value in read["reports"].items()},
        "judged": tuple((stage, went_on, tuple(losses)) for stage, went_on, losses in read["judged"]),
    }
    return Trial(**found)


def genome_of(read: dict[str, object]) -> Genome:
    """A genome back from JSON."""
    return {path: _option(option) for path, option in read.items()}


def _option(read: object) -> Option:
    return tuple(map(_option, cast("list[object]", read))) if isinstance(read, list) else cast(Option, read)
