"""A search from its beginning to its end: opens what it needs, runs it, leaves its folder level."""

import os
import sys
import time
from collections.abc import Callable, Mapping, Sequence, Sized
from contextlib import ExitStack, closing
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from typing import cast
from uuid import uuid4

from archdsl.diagnostics.record import UnusableFile, UsageError
from archdsl.output import why_not_written
from archdsl.parts import Part, as_json
from archdsl.patience import told_when_long
from archdsl.search.contract import Candidate, Objective, Trial
from archdsl.search.driver import Driver, Flight, Limits, Reason
from archdsl.search.events import BEGUN, Event, Log
from archdsl.search.front_files import FrontFiles
from archdsl.search.front_so_far import FrontSoFar
from archdsl.search.journal import Journal
from archdsl.search.keeping import Outputs
from archdsl.search.mirror import Mirror, Params
from archdsl.search.opening import (
    Wanted,
    as_before,
    beginning_of,
    executor_of,
    prepared_stages,
    written_settings,
)
from archdsl.search.output_folder import (
    JOURNAL,
    LOG,
    STUDY,
    TABLE,
    Found,
    look_into,
    refuse_changed,
    refuse_without_resume,
    write_source,
)
from archdsl.search.problem import Problem, open_problem
from archdsl.search.progress import Progress, Screen, Silent
from archdsl.search.promotion import promotion_of
from archdsl.search.proposals import Proposals
from archdsl.search.stopping import stopping
from archdsl.search.strategies.registry import strategy_of
from archdsl.search.trial_table import TrialTable
from archdsl.search.workers.contract import Equipment, threads_for
from archdsl.search.workers.local import LocalWorkers
from archdsl.search.workers.registry import workers_of
from archdsl.targets import TargetLike

PATIENCE, HURRY, WHILE = 600.0, 2.0, 0.5
"""Seconds that the mirror has to come level at the end, and when someone has asked to stop."""


@dataclass(frozen=True, slots=True)
class Ended:
    """How a run ended. `failure` is the reason of trials that all failed."""

    reason: Reason
    objectives: tuple[Objective, ...]
    front: tuple[Trial, ...]
    trials: tuple[Trial, ...]
    seconds: float
    failure: str = ""


@dataclass(slots=True)
class Watched:
    """The keeper of the folder, with someone who looks on."""

    outputs: Outputs
    progress: Progress
    screen: Screen
    flights: Sized

    def keep(self, trial: Trial, weights: bytes | None, data: Mapping[str, object] | None) -> None:
        self.outputs.keep(trial, weights, data)

    def finished(self, trial: Trial, candidate: Candidate, left: Sequence[int]) -> None:
        self.outputs.finished(trial, candidate, left)
        self.progress.finished(trial)

    def pause(self) -> None:
        self.outputs.pause()
        self.progress.running = len(self.flights)
        self.screen.show(self.progress)


def run_search(
    target: TargetLike,
    folder: Path,
    wanted: Wanted,
    screen: Screen | None = None,
    listener: Callable[[Event], None] | None = None,
) -> Ended:
    """Run a search in a folder until something ends it. Raises UsageError and ArchError for what keeps it from running,
    UnusableFile for what cannot be written; nothing that had finished is lost then."""
    found = look_into(folder)
    refuse_without_resume(found, wanted.resume)
    wanted = as_before(wanted, found)
    problem = open_problem(
        target,
        settings=wanted.settings,
        written=wanted.written,
        trials=wanted.trials,
        seconds=wanted.seconds,
        seed=wanted.seed,
        allow_extern=wanted.allow_extern,
    )
    return run_problem(problem, found, wanted, screen, listener)


def run_problem(
    problem: Problem,
    found: Found,
    wanted: Wanted,
    screen: Screen | None = None,
    listener: Callable[[Event], None] | None = None,
) -> Ended:
    """Run a problem that is open in a folder that was looked into."""
    begun = time.monotonic()
    with ExitStack() as stack, closing(screen or Silent()) as shown:
        driver, outputs = _opened(problem, found, wanted, shown, listener, stack)
        try:
            with stopping() as stop:
                end = None if problem.seconds is None else begun + problem.seconds
                cast(Watched, driver.keeper).progress.end = end
                reason = driver.run(Limits(problem.trials, end, stop))
                driver.workers.close()
                outputs.close()
                _leave(driver, outputs, reason, shown, stop)
        except UnusableFile as error:
            count = len(outputs.journal.trials)
            raise UnusableFile(
                f"{error}. The {count:,} trials that had finished are kept; go on with --resume"
            ) from None
        trials, front = tuple(outputs.journal.trials), tuple(outputs.front.ordered())
        seconds = time.monotonic() - begun
        return Ended(reason, problem.objectives, front, trials, seconds, driver.failure)


def _opened(
    problem: Problem,
    found: Found,
    wanted: Wanted,
    screen: Screen,
    listener: Callable[[Event], None] | None,
    stack: ExitStack,
) -> tuple[Driver, Outputs]:
    """All that a run needs, each part to be closed by the stack. Nothing is written before it is known to fit."""
    beginning = beginning_of(problem)
    refuse_changed(found, beginning)
    executor = executor_of(problem.executor, wanted)
    with told_when_long(screen.note, "getting ready: following the space, looking at data and at some candidates"):
        stages, notes = prepared_stages(problem, wanted.allow_extern)
    strategy = strategy_of(problem.strategy, problem.domain, problem.objectives)
    mirror = _mirror(problem, found, wanted)
    journal = _journal(found, stack)
    write_source(found.path, beginning.files)
    log = stack.enter_context(closing(Log.open(found.path / LOG, anew=not found.trials, listener=listener)))
    about = {
        "archdsl": version("archdsl"),
        "target": problem.target.shown,
        "trials": problem.trials,
        "seconds": problem.seconds,
        "executor": as_json(executor),
        "storage": wanted.storage,
        "study": mirror.name,
    }
    if found.trials:
        log.write("resumed", finished=found.trials, **about)
    else:
        written = written_settings(problem)
        log.write(BEGUN, facts=beginning.facts, files=list(beginning.files), written=written, **about)

    def tell(note: str) -> None:
        screen.note(note)
        log.write("note", text=note)

    for note in notes:
        tell(note)
    front = FrontSoFar(problem.objectives)
    files = FrontFiles(found.path, problem.objectives, problem.architecture, problem.target.shown, wanted.allow_extern)
    outputs = Outputs(journal, log, front, TrialTable(found.path / TABLE), files, mirror, Params())
    paths = tuple(os.path.abspath(path) for path in sys.path)
    equipment = Equipment(problem.evaluators, threads_for(cast(int, executor["workers"])), paths)
    # A search that is over begins no cluster.
    over = problem.trials is not None and len(journal.trials) >= problem.trials
    opened = LocalWorkers(1, equipment) if over else workers_of(executor, equipment, wanted.ray, tell)
    workers = stack.enter_context(closing(opened))
    promote = problem.strategy.settings.get("promote")
    flights: dict[int, Flight] = {}
    progress = Progress(problem.objectives, front, problem.trials, None)
    driver = Driver(
        problem,
        stages,
        strategy,
        Proposals(problem.domain, strategy, problem.seed, problem.begin),
        journal,
        log,
        front,
        workers,
        Watched(outputs, progress, screen, flights),
        promotion_of(promote) if isinstance(promote, Part) else None,
        equipment.threads,
        wanted.allow_extern,
        flights,
    )
    _recall(driver, outputs, progress, found, problem)
    files.begin(front.ordered())
    mirror.start()
    return driver, outputs


def _journal(found: Found, stack: ExitStack) -> Journal:
    try:
        found.path.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise UnusableFile(f"`{found.path}` cannot be made: {why_not_written(error)}") from None
    journal = stack.enter_context(closing(Journal.open(found.path / JOURNAL)))
    if len(journal.trials) != found.trials:
        raise UsageError(f"another search has just run in `{found.path}`; look at it, and start again")
    return journal


def _mirror(problem: Problem, found: Found, wanted: Wanted) -> Mirror:
    """Where Optuna's tools find the trials. A storage that was named is tried before the first of them."""
    known = found.begun.get("study")
    name = known if isinstance(known, str) else f"{problem.target.name}-{uuid4().hex[:8]}"
    if wanted.storage is None:
        if not found.trials:
            (found.path / STUDY).unlink(missing_ok=True)
        return Mirror(f"sqlite:///{(found.path / STUDY).absolute()}", name, problem.objectives)
    mirror = Mirror(wanted.storage, name, problem.objectives)
    mirror.open()
    return mirror


def _recall(driver: Driver, outputs: Outputs, progress: Progress, found: Found, problem: Problem) -> None:
    """Take in what earlier runs did. A search that is over needs no strategy that knows of it."""

    def tell(trial: Trial, candidate: Candidate | None) -> None:
        driver.recall(trial)
        outputs.recall(trial, candidate or (lambda: driver.proposals.known(trial.genome, f"trial {trial.number}")))
        progress.finished(trial, now=False)

    trials = driver.journal.trials
    if problem.trials is not None and len(trials) >= problem.trials:
        for trial in trials:
            tell(trial, None)
        return
    try:
        driver.proposals.go_on(trials, found.unfinished({trial.proposal for trial in trials}), tell)
    except ValueError as error:
        raise UsageError(f"`{found.path}` cannot be gone on with: {error}") from None


def _leave(driver: Driver, outputs: Outputs, reason: Reason, screen: Screen, stop: Callable[[], bool]) -> None:
    """Bring the mirror level, and write down how it ended."""
    mirror = outputs.mirror
    level = mirror.finish(HURRY)
    if not level and not mirror.failure and not stop():
        screen.note(f"bringing `{mirror.url}` level with the journal; Ctrl-C leaves that to the next run")
        end = time.monotonic() + PATIENCE
        while not (level or mirror.failure or stop()) and time.monotonic() < end:
            level = mirror.finish(WHILE)
    if not level:
        why = mirror.failure or f"`{mirror.url}` is not level yet"
        note = f"{why}; the journal has all trials, and the next run (--resume) brings it level"
        screen.note(note)
        driver.log.write("note", text=note)
    remarks = dict(driver.strategy.remarks())
    for name, value in remarks.items():
        shown = f"{value:.2f}" if isinstance(value, float) else value
        screen.note(f"{name.replace('_', ' ')}: {shown}")
    front = [trial.number for trial in outputs.front.ordered()]
    duplicates = driver.proposals.duplicates
    driver.log.write(
        "ended", reason=reason, trials=len(driver.journal.trials), front=front, duplicates=duplicates, remarks=remarks
    )
