"""What follows from the journal and is kept level with it: the table of trials, the files of the front, the mirror."""

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from archdsl.diagnostics.record import UsageError
from archdsl.search.contract import Candidate, Trial
from archdsl.search.events import TROUBLE, Log
from archdsl.search.front_files import FrontFiles
from archdsl.search.front_so_far import FrontSoFar
from archdsl.search.journal import Journal
from archdsl.search.mirror import Mirror, Param, Params
from archdsl.search.trial_table import TrialTable

EVERY = 3.0
"""Seconds between two writings, unless these take long: then so many times what they took."""
TIMES = 20.0


@dataclass(slots=True)
class Outputs:
    """The keeper of an output folder. Only weights cannot wait; the rest is written now and then, and at every stop."""

    journal: Journal
    log: Log
    front: FrontSoFar
    table: TrialTable
    files: FrontFiles
    mirror: Mirror
    params: Params
    _level: int = 0
    _next: float = 0.0
    _next_model: float = 0.0
    _broken: bool = False

    def recall(self, trial: Trial, candidate: Candidate | Callable[[], Candidate]) -> None:
        """A trial of an earlier run; its candidate may be made only if it is needed."""
        self.mirror.add(trial, lambda: self._params(candidate() if callable(candidate) else candidate))

    def keep(self, trial: Trial, weights: bytes | None, data: Mapping[str, object] | None) -> None:
        """Put down what only the worker had, before the trial is in the journal."""
        if weights is not None or data is not None:
            self._write(trial, weights, data)

    def finished(self, trial: Trial, candidate: Candidate, left: Sequence[int]) -> None:
        """A trial was written; those of these numbers have left the front."""
        self.files.drop(left)
        self.mirror.add(trial, lambda: self._params(candidate))

    def pause(self) -> None:
        """Come nearer to level, if it is time."""
        begun = time.monotonic()
        if begun >= self._next and self._level < len(self.journal.trials):
            self._tables()
            took = time.monotonic() - begun
            self._next = begun + max(EVERY, TIMES * took)
        elif begun >= self._next_model:
            missing = self.files.missing(self.front.ordered())
            if missing:
                self._write(missing[-1])
            self._next_model = begun + max(EVERY / 10, TIMES * (time.monotonic() - begun))

    def close(self) -> None:
        """Bring all files level; the mirror is waited for by whoever wants it."""
        for trial in self.files.missing(self.front.ordered()):
            self._write(trial)
        self._tables()

    def _params(self, candidate: Candidate) -> list[Param]:
        return self.params.of(candidate.decisions)

    def _tables(self) -> None:
        self.table.level(self.journal.trials)
        self.files.write_list(self.front.ordered())
        self._level = len(self.journal.trials)

    def _write(self, trial: Trial, weights: bytes | None = None, data: Mapping[str, object] | None = None) -> None:
        """The files of one trial. What cannot be written for reasons of the candidate is logged: the trial stays."""
        try:
            self.files.write(trial, weights, data)
        except UsageError:
            raise
        except Exception as error:
            self.files.give_up(trial)
            self.log.write(TROUBLE, number=trial.number, error=f"its files could not be made: {error}")
