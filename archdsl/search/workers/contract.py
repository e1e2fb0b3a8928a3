"""What a driver and its workers say to each other. Local processes and a Ray cluster both speak it.

A driver submits jobs and polls for what has finished. It never submits more at a time than a place has room for, so
workers need no queue. A worker that dies takes nothing with it: the same job is run again elsewhere, and fails when it
has cost MOST_LOSSES workers. Jobs travel pickled; what workers need to know besides goes to each of them once: as
`Equipment`, and to other machines what the evaluator of a job shares."""

import os
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Protocol

from archdsl.search.contract import Part, Place, Result, Work

MOST_LOSSES = 3
"""A job that has cost so many workers is what kills them."""


@dataclass(frozen=True, slots=True)
class Job:
    """One stage of one trial. `number` tells it from the other jobs of a run; `spent` are the seconds that the trial's
    stages before took, for executors that say how long a trial may take."""

    number: int
    work: Work
    place: Place = "anywhere"
    spent: float = 0.0


@dataclass(frozen=True, slots=True)
class Finished:
    """What became of a job: a result, or why there is none, with the traceback if it was not an evaluator's own word.
    `losses` counts the workers that died of it, `worker` names the one that finished it."""

    job: int
    result: Result | None
    failure: str = ""
    trace: str = ""
    seconds: float = 0.0
    losses: int = 0
    worker: str = ""


@dataclass(frozen=True, slots=True)
class Equipment:
    """What every worker gets before its first job. `paths` are those of `sys.path`, for the Python of `extern`s, in
    `folder`, the driver's own; `evaluators` are all that may be asked for."""

    evaluators: tuple[Part, ...]
    threads: int = 1
    paths: tuple[str, ...] = ()
    folder: str = field(default_factory=os.getcwd)


class Workers(Protocol):
    """Run jobs. `close` is always called, also when the driver fails; it may be called twice."""

    @property
    def count(self) -> int:
        """How many jobs may be anywhere at a time; one more may be alone."""
        ...

    def submit(self, job: Job) -> None:
        """Begin a job; returns at once."""
        ...

    def poll(self, seconds: float) -> Sequence[Finished]:
        """What has finished since the last call. Waits for the first of them, so long at most; a signal ends the
        waiting."""
        ...

    def close(self) -> None:
        """Stop whatever runs and leave no process behind; what had not finished is never heard of."""
        ...


def threads_for(workers: int) -> int:
    """The threads of each worker: the cores are shared evenly."""
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    return max(1, cores // workers)
