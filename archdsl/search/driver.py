"""The loop of a search: proposes candidates, sends them through their stages, writes down what becomes of them.

It is the only writer. A trial is finished when its line is in the journal; only then is its strategy told of it, and
only then the next candidate proposed in its place."""

import re
import time
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal, Protocol, TypeAlias

from archdsl.meaning.run import Unmet
from archdsl.parts import Part
from archdsl.search.contract import Candidate, Genome, Objective, Place, Result, State, Strategy, Trial, Work
from archdsl.search.evaluation import attempted, evaluator_named
from archdsl.search.evaluators.stages import IMPLIED, Stage
from archdsl.search.events import FINISHED, PROPOSED, TROUBLE, Log
from archdsl.search.front_so_far import FrontSoFar
from archdsl.search.fronts import Point, losses
from archdsl.search.journal import Journal
from archdsl.search.promotion import Promotion
from archdsl.search.proposals import Proposals, Proposed
from archdsl.search.standings import Standing
from archdsl.search.workers.contract import Finished, Job, Workers

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


class Keeper(Protocol):
    """Keeps what follows from the journal level with it: tables, the front's files, a mirror."""

    def keep(self, trial: Trial, weights: bytes | None, data: Mapping[str, object] | None) -> None:
        """Put down what only its worker had, before a trial that will be on the front is written."""
        ...

    def finished(self, trial: Trial, candidate: Candidate, left: Sequence[int]) -> None:
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
    judged: list[tuple[int, bool, Point]] = field(default_factory=list[tuple[int, bool, Point]])

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
    front: FrontSoFar
    workers: Workers
    keeper: Keeper
    promotion: Promotion | None = None
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
        places = {stage.place for stage in self.stages}
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
            elif stage.place == "here":
                self._jobs += 1
                if not self._took(flight, attempted(Job(self._jobs, self._work(flight, stage), "here"), "driver")):
                    return
            else:
                self._queues[stage.place].append(flight)
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
                work = self._work(flight, self.stages[flight.stage])
                self.workers.submit(Job(self._jobs, work, place, flight.seconds))
                free -= 1

    def _work(self, flight: Flight, stage: Stage) -> Work:
        candidate = flight.candidate
        if not flight.text and evaluator_named(stage.name).READS_ARCHITECTURE:
            flight.text = self.problem.architecture(candidate.genome)
        return Work(
            flight.text,
            candidate.genome,
            stage.prepared(self.problem.stage(stage.number, candidate.genome)),
            stage.objectives,
            self.proposals.numbers(flight.proposed.proposal).getrandbits(31),
            self.threads,
            self.allow_extern,
            self._cutoffs(),
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
            self.log.write(TROUBLE, proposal=flight.proposed.proposal, stage=stage.name, **told)
        result = finished.result
        if result is None:
            self._finish(flight, "failed", error=finished.failure)
            return False
        wanted = [wish.name for wish in stage.objectives]
        for name, value in result.metrics.items():
            if name in wanted or name not in flight.counted:
                flight.metrics[name] = value
        flight.reports = dict(result.reports)
        if result.weights is not None:
            flight.weights, flight.data = result.weights, result.data
        elif result.data is not None:
            flight.data = result.data
        if result.pruned:
            self._finish(flight, "pruned", error="given up: its intermediate values were below those of others")
            return False
        missing = [name for name in wanted if name not in result.metrics]
        if missing:
            told = f"`{stage.name}` gave no {', '.join(missing)}"
            self._finish(flight, "failed", error=told)
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
            if not self._promoted(flight, stage, result):
                self._finish(flight, "pruned", error=f"not among the best after `{stage.name}`")
                return False
        return True

    def _promoted(self, flight: Flight, stage: Stage, result: Result) -> bool:
        """Whether the stages before let the trial go on to the next. It is judged by its objectives, if all are known,
        or by the one number of a stage that measures none."""
        if self.promotion is None or stage.name in IMPLIED:
            return True
        if all(wish.name in flight.metrics for wish in self.problem.objectives):
            point = losses(self.problem.values(flight.metrics), self.problem.objectives)
        elif not stage.objectives and len(result.metrics) == 1:
            point = (-next(iter(result.metrics.values())),)
        else:
            return True
        goes_on = self.promotion.goes_on(flight.stage - 1, Standing(0, 0.0, point))
        flight.judged.append((flight.stage - 1, goes_on, point))
        return goes_on

    def recall(self, trial: Trial) -> None:
        """Take in a trial of the journal that an earlier run wrote."""
        for stage, went_on, point in trial.judged:
            if self.promotion is not None:
                self.promotion.recall(stage, Standing(0, 0.0, point), went_on)
        self.front.add(trial)

    def _cutoffs(self) -> dict[int, float]:
        """What the one stage that a search has is held to while it runs."""
        written = [stage for stage in self.stages if stage.name not in IMPLIED]
        if self.promotion is None or len(written) != 1:
            return {}
        return self.promotion.cutoffs([trial.reports for trial in self.journal.trials if trial.reports])

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
            tuple(flight.judged),
        )
        if self.front.admits(trial):
            self.keeper.keep(trial, flight.weights, flight.data)
        self.journal.append(trial)
        del self.flights[flight.proposed.proposal]
        self.strategy.tell(trial, candidate)
        left = self.front.add(trial)
        self.log.write(
            FINISHED,
            number=trial.number,
            proposal=trial.proposal,
            state=state,
            seconds=trial.seconds,
            values={o.name: v for o, v in zip(self.problem.objectives, trial.values, strict=False)},
            **({"error": error} if error else {}),
        )
        self.keeper.finished(trial, candidate, left)
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
