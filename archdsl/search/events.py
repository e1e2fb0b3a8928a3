"""`log.jsonl`: what happened, with times. Of it a resumed search needs the proposals that had not finished."""

import json
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import IO, cast

from archdsl.diagnostics.record import UnusableFile
from archdsl.output import why_not_written

BEGUN = "begun"
PROPOSED = "proposed"
FINISHED = "finished"
TROUBLE = "trouble"
Event = dict[str, object]


@dataclass(slots=True)
class Log:
    """Appends events. Each is handed to the system at once, so that a process that is killed loses none."""

    path: Path
    _file: IO[str]
    _listener: Callable[[Event], None] | None = None

    @classmethod
    def open(cls, path: Path, *, anew: bool, listener: Callable[[Event], None] | None = None) -> "Log":
        """The log at a path; `anew` forgets what it holds. A listener gets every event, too."""
        try:
            torn = not anew and path.exists() and path.stat().st_size and not path.read_bytes().endswith(b"\n")
            file = path.open("w" if anew else "a", encoding="utf-8")
            if torn:
                file.write("\n")
        except OSError as error:
            raise UnusableFile(f"`{path}` cannot be written: {why_not_written(error)}") from None
        return cls(path, file, listener)

    def write(self, event: str, **facts: object) -> None:
        """Add an event that happens now."""
        told: Event = {"time": round(time.time(), 3), "event": event, **facts}
        line = json.dumps(told, separators=(",", ":"))
        try:
            self._file.write(f"{line}\n")
            self._file.flush()
        except OSError as error:
            raise UnusableFile(f"`{self.path}` could not be written: {why_not_written(error)}") from None
        if self._listener is not None:
            self._listener(told)

    def close(self) -> None:
        try:
            self._file.close()
        except OSError:
            pass  # what could not be written was told when it was tried


def read_events(path: Path) -> list[Event]:
    """The events of a log; lines that were torn are passed over."""
    try:
        lines = path.read_bytes().splitlines()
    except FileNotFoundError:
        return []
    except OSError as error:
        raise UnusableFile(f"`{path}` cannot be read: {why_not_written(error)}") from None
    found: list[Event] = []
    for line in lines:
        try:
            event: object = json.loads(line)
        except ValueError:
            continue
        if isinstance(event, dict):
            found.append(cast(Event, event))
    return found
