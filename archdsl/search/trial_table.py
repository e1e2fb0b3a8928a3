"""`trials.csv`: a row for each trial, with a column for each metric and each decision."""

import csv
import io
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from archdsl.output import new_file
from archdsl.search.contract import Option, Trial

FIRST = ("number", "state", "hash", "seconds", "error")


def as_printed(option: Option) -> str:
    """An option as the language writes it, strings without quotes."""
    match option:
        case None:
            return "none"
        case bool():
            return "true" if option else "false"
        case tuple():
            return f"[{', '.join(map(as_printed, option))}]"
        case _:
            return str(option)


@dataclass(slots=True)
class TrialTable:
    """The table at a path. New rows are added to it; it is written anew only where a trial brings a new column."""

    path: Path
    metrics: dict[str, None] = field(default_factory=dict[str, None])
    decisions: dict[str, None] = field(default_factory=dict[str, None])
    _written: int = 0
    _columns: int = 0

    def level(self, trials: Sequence[Trial]) -> None:
        """Bring the file level with the trials."""
        for trial in trials[self._written :]:
            self.metrics.update(dict.fromkeys(trial.metrics))
            self.decisions.update(dict.fromkeys(trial.genome))
        columns = len(self.metrics) + len(self.decisions)
        if self._written and columns == self._columns:
            with self.path.open("a", encoding="utf-8", newline="") as file:
                file.write(self._rows(trials[self._written :]))
        else:
            text = self._rows(trials, with_head=True)
            with new_file(self.path, force=True) as temporary:
                temporary.write_bytes(text.encode("utf-8"))
        self._written, self._columns = len(trials), columns

    def _rows(self, trials: Iterable[Trial], with_head: bool = False) -> str:
        text = io.StringIO()
        writer = csv.writer(text, lineterminator="\n")
        if with_head:
            # A decision that is called as a metric is told from it.
            taken = {*FIRST, *self.metrics}
            names = [f"decision {path}" if path in taken else path for path in self.decisions]
            writer.writerow([*FIRST, *(f"metric {m}" if m in FIRST else m for m in self.metrics), *names])
        for trial in trials:
            measured = [trial.metrics.get(name, "") for name in self.metrics]
            taken_there = [as_printed(trial.genome[p]) if p in trial.genome else "" for p in self.decisions]
            writer.writerow(
                [trial.number, trial.state, trial.hash, trial.seconds, trial.error, *measured, *taken_there]
            )
        return text.getvalue()
