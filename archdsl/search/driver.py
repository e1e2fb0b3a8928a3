"""The loop of a search: proposes candidates, sends them through their stages, writes down what becomes of them.

It is the only writer. A trial is finished when its line is in the journal; only then is its strategy told of it, and
only then the next candidate proposed in its place."""

import math
import re
import time
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal, Protocol, TypeAlias

from archdsl.meaning.run import Unmet
from archdsl.parts import Part
from archdsl.search.contract import Candidate, Genome, Objective, State, Strategy, Trial, Work
from archdsl.search.evaluation import attempted
from archdsl.search.events import PROPOSED, Log
from archdsl.search.journal import Journal
from archdsl.search.proposals import Proposals, Proposed
from archdsl.search.standing import Standing
from archdsl.search.workers.contract import Finished, Job, Place, Workers

HOPELESS = 10
"""So many first trials that all fail for one reason end the search."""
SAME = 40
"""Characters by which reasons are held to be one; what follows are particulars."""
WAIT = 0.5

Reason: TypeAlias = Literal["finished", "time", "exhausted", "stopped", "hopeless"]


class Searched(Protocol):
    """What the driver needs to know of a problem; `archdsl.search.problem.Problem` says more."""

    @property
    def objectives(self) -> tuple[Objective, ...]: ...
    def stage(self, number: int, genome: Genome) -> Part: ...
    def counted(self, candidate: Candidate) -> dict[str, float]: ...
    def unmet(self, candidate: Candidate, metrics: Mapping[str, float]) -> list[Unmet]: ...
    def values(self, metrics: Mapping[str, float]) -> tuple[float, ...]: ...
    def architecture(self, genome: Genome) -> str: ...


class Stage(Protocol):
    """A prepared evaluator in its place, as `archdsl.search.evaluators.stages` makes them."""

    @property
    def number(self) -> int: ...
    @property
    def name(self) -> str: ...
    @property
    def objectives(self) -> tuple[Objective, ...]: ...
    @property
    def at_home(self) -> bool: ...
    @property
    def timed(self) -> bool: ...
    @property
    def reads_text(self) -> bool: ...
    def prepared(self, part: Part) -> Part: ...


class Keeper(Protocol):
    """Keeps what follows from the journal level with it: tables, the front's files, a mirror."""

    def keep(self, trial: Trial, flight: "Flight") -> None:
        """Put down what only its worker had, before a trial that will be on the front is written."""
        ...

    def finished(self, trial: Trial, left: Sequence[int]) -> None:
        """A trial was written; those of these numbers have left the front."""
        ...

    def pause(self) -> None:
        """There may be time to come level."""
        ...


@dataclass(frozen=True, slots=True)
class Limits:
    """When it ends: at a number of finished trials, over all runs, or at a time of `time.monotonic`."""

    trials: int | None = None
    end: float | None = None
    stopped: Callable[[], bool] = lambda: False


@dataclass(slots=True)
class Flight:
    """A trial on its way. `stage` is the one that it is at."""

    proposed: Proposed
    counted: frozenset[str] = frozenset()
    text: str = ""
    stage: int = 0
    metrics: dict[str, float] = field(default_factory=dict[str, float])
    reports: dict[int, float] = field(default_factory=dict[int, float])
    seconds: float = 0.0
    weights: bytes | None = None
    data: Mapping[str, object] | None = None

    @property
    def candidate(self) -> Candidate:
        return self.proposed.candidate


@dataclass(slots=True)
class Driver:
    """One run of a search."""

    problem: Searched
    stages: Sequence[Stage]
    strategy: Strategy
    proposals: Proposals
    journal: Journal
    log: Log
    standing: Standing
    workers: Workers
    keeper: Keeper
    seed: int
    threads: int = 1
    allow_extern: bool = False
    flights: dict[int, Flight] = field(default_factory=dict[int, Flight])
    _queues: dict[Place, deque[Flight]] = field(default_factory=lambda: {"anywhere": deque(), "alone": deque()})
    _running: dict[int, tuple[Flight, Place]] = field(default_factory=dict[int, tuple[Flight, Place]])
    _jobs: int = 0
    _hopeless: int = 0
    failure: str = ""

    def run(self, limits: Limits) -> Reason:
        """Go on until something ends it; what is on its way then is left unfinished."""
        while (reason := self._over(limits)) is None:
            self._fill(limits)
            if not self.flights:
                return self._over(limits) or "exhausted"
            for finished in self.workers.poll(self._patience(limits)) if self._running else ():
                flight, _ = self._running.pop(finished.job)
                self._take(flight, finished)
            self._dispatch()
            self.keeper.pause()
        return reason

    def _over(self, limits: Limits) -> Reason | None:
        if limits.stopped():
            return "stopped"
        if self._hopeless >= HOPELESS:
            return "hopeless"
        if limits.trials is not None and len(self.journal.trials) >= limits.trials:
            return "finished"
        return "time" if limits.end is not None and time.monotonic() >= limits.end else None

    def _patience(self, limits: Limits) -> float:
        return WAIT if limits.end is None else max(0.0, min(WAIT, limits.end - time.monotonic()))

    def _room(self) -> int:
        """How many trials may be on their way: one for each worker, and one for that which measures time."""
        places = {_place(stage) for stage in self.stages if not stage.at_home}
        if "anywhere" not in places:
            return 1
        return self.workers.count + (1 if "alone" in places and self.workers.count > 1 else 0)

    def _fill(self, limits: Limits) -> None:
        """Begin trials where there is room."""
        room = self._room()
        while len(self.flights) < room and self._over(limits) is None:
            if limits.trials is not None and len(self.journal.trials) + len(self.flights) >= limits.trials:
                return
            proposed = self.proposals.take([flight.candidate for flight in self.flights.values()])
            if proposed is None:
                return
            if not proposed.again:
                candidate = proposed.candidate
                self.log.write(PROPOSED, proposal=proposed.proposal, hash=candidate.hash, genome=candidate.genome)
            counted = self.problem.counted(proposed.candidate)
            flight = Flight(proposed, frozenset(counted), metrics=counted)
            self.flights[proposed.proposal] = flight
            self._go_on(flight)
            self._dispatch()
            self.keeper.pause()

    def _go_on(self, flight: Flight) -> None:
        """Run the stages that need no worker; then queue for one, or finish."""
        while flight.stage < len(self.stages):
            stage = self.stages[flight.stage]
            if stage.objectives and all(wish.name in flight.counted for wish in stage.objectives):
                flight.stage += 1
            elif stage.at_home:
                self._jobs += 1
                if not self._took(flight, attempted(Job(self._jobs, self._work(flight, stage), "here"), "driver")):
                    return
            else:
                self._queues[_place(stage)].append(flight)
                return
        self._complete(flight)

    def _dispatch(self) -> None:
        """Give workers what waits for them."""
        busy = [place for _, place in self._running.values()]
        for place, queue in self._queues.items():
            free = (self.workers.count if place == "anywhere" else 1) - busy.count(place)
            while queue and free > 0:
                flight = queue.popleft()
                self._jobs += 1
                self._running[self._jobs] = flight, place
                self.workers.submit(Job(self._jobs, self._work(flight, self.stages[flight.stage]), place))
                free -= 1

    def _work(self, flight: Flight, stage: Stage) -> Work:
        candidate = flight.candidate
        if not flight.text and stage.reads_text:
            flight.text = self.problem.architecture(candidate.genome)
        return Work(
            flight.text,
            candidate.genome,
            stage.prepared(self.problem.stage(stage.number, candidate.genome)),
            stage.objectives,
            self.proposals.numbers(flight.proposed.proposal).getrandbits(31),
            self.threads,
            self.allow_extern,
            positions={d.path: d.options.index(d.taken) for d in candidate.decisions if d.taken in d.options},
            known=flight.metrics,
        )

    def _take(self, flight: Flight, finished: Finished) -> None:
        if self._took(flight, finished):
            self._go_on(flight)

    def _took(self, flight: Flight, finished: Finished) -> bool:
        """Take in what a stage found; whether the trial goes on to the next."""
        stage = self.stages[flight.stage]
        flight.seconds += finished.seconds
        if finished.losses or finished.trace:
            told = {"losses": finished.losses, "trace": finished.trace, "worker": finished.worker}
            self.log.write("trouble", proposal=flight.proposed.proposal, stage=stage.name, **told)
        result = finished.result
        if result is None:
            self._finish(flight, "failed", error=finished.failure)
            return False
        wanted = [wish.name for wish in stage.objectives]
        for name, value in result.metrics.items():
            if math.isfinite(value) and (name in wanted or name not in flight.counted):
                flight.metrics[name] = value
        flight.reports.update(result.reports)
        if result.weights is not None:
            flight.weights, flight.data = result.weights, result.data
        elif result.data is not None:
            flight.data = result.data
        if result.pruned:
            self._finish(flight, "pruned", error="given up: its intermediate values were below those of others")
            return False
        wrong = [name for name in wanted if not math.isfinite(result.metrics.get(name, math.nan))]
        if wrong:
            found = ", ".join(f"`{name}` is {result.metrics.get(name, 'missing')}" for name in wrong)
            self._finish(flight, "failed", error=f"{stage.name}: {found}")
            return False
        flight.stage += 1
        if flight.stage < len(self.stages):
            # What a later stage measures anew is not held against the candidate now.
            later = {wish.name for stage in self.stages[flight.stage :] for wish in stage.objectives}
            known = {name: value for name, value in flight.metrics.items() if name not in later}
            if unmet := self.problem.unmet(flight.candidate, known):
                violation = sum(each.amount for each in unmet)
                self._finish(flight, "pruned", violation, "; ".join(each.told for each in unmet))
                return False
        return True

    def _complete(self, flight: Flight) -> None:
        unmet = self.problem.unmet(flight.candidate, flight.metrics)
        told = "; ".join(each.told for each in unmet)
        self._finish(flight, "complete", sum(each.amount for each in unmet), told)

    def _finish(self, flight: Flight, state: State, violation: float = 0.0, error: str = "") -> None:
        """Write the trial; then tell of it."""
        candidate = flight.candidate
        trial = Trial(
            len(self.journal.trials),
            flight.proposed.proposal,
            state,
            candidate.genome,
            candidate.hash,
            round(flight.seconds, 6),
            flight.metrics,
            self.problem.values(flight.metrics) if state == "complete" else (),
            violation,
            flight.stage,
            error,
            flight.reports,
        )
        if self.standing.admits(trial):
            self.keeper.keep(trial, flight)
        self.journal.append(trial)
        del self.flights[flight.proposed.proposal]
        self.strategy.tell(trial, candidate)
        left = self.standing.add(trial)
        self.log.write(
            "finished",
            number=trial.number,
            proposal=trial.proposal,
            state=state,
            seconds=trial.seconds,
            values={o.name: v for o, v in zip(self.problem.objectives, trial.values, strict=False)},
            **({"error": error} if error else {}),
        )
        self.keeper.finished(trial, left)
        self._watch_failures(trial)

    def _watch_failures(self, trial: Trial) -> None:
        """Count failures from the start, as long as they are for one reason."""
        if self._hopeless < 0:
            return
        reason = re.sub(r"\d+", "0", trial.error)[:SAME]
        if trial.state == "failed" and (not self.failure or reason == re.sub(r"\d+", "0", self.failure)[:SAME]):
            self._hopeless += 1
            self.failure = trial.error
        else:
            self._hopeless = -1


def _place(stage: Stage) -> Place:
    return "alone" if stage.timed else "anywhere"

