"""What was measured, one JSON object a line: a run that was cut off goes on where it stopped."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeAlias

Row: TypeAlias = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Rows:
    """Those of a file, and those that are added to it; without a file they are kept in memory alone."""

    path: Path | None
    found: list[Row]

    def of(self, key: Mapping[str, object]) -> Row | None:
        """The newest row with this key."""
        return next((row for row in reversed(self.found) if row["key"] == dict(key)), None)

    def add(self, row: Row) -> None:
        self.found.append(row)
        if self.path is not None:
            with self.path.open("a", encoding="utf-8") as file:
                file.write(json.dumps(row) + "\n")


def rows_of(path: Path | None) -> Rows:
    """A last line that was cut off is measured again."""
    found: list[Row] = []
    if path is not None and path.exists():
        for line in path.read_text(encoding="utf-8").splitlines():
            try:
                found.append(json.loads(line))
            except json.JSONDecodeError:
                continue
    return Rows(path, found)
