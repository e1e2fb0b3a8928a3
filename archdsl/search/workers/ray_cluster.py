"""Workers that are actors of a Ray cluster: each holds the cores that one trial may use, for as long as the search
lasts, so that what it has imported and received stays."""

import math
import os
import socket
import sys
import time
from collections import deque
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from importlib.metadata import version
from typing import Any, cast

from archdsl.code_stamp import code_digest
from archdsl.diagnostics.record import UsageError
from archdsl.parts import Part
from archdsl.search.evaluation import attempted, evaluator_named, received, shared_by
from archdsl.search.workers.contract import MOST_LOSSES, Equipment, Finished, Job
from archdsl.search.workers.ray_connection import Note, connected, exceptions, ray
from archdsl.search.workers.ray_words import (
    CORES,
    GPUS,
    MEMORY,
    last_line,
    needs_of,
    room_on,
)
from archdsl.search.workers.sent_python import SentPython, packages_named, python_of, receive_python

LOOK = 0.25
"""Seconds between looks at the clock, and at what signals have asked for."""
SILENCE = 3.0
"""Seconds after which waiting is told."""
ALL_READY = 20.0
"""Seconds that the first trial waits for all workers that the cluster has room for; the others join later."""
ANY_READY = 60.0
"""Seconds without any worker after which there is none."""
PYTHON = "python "
"""Begins the names of packages among what is shared."""


def open_workers(
    executor: Part, equipment: Equipment, address: str | None, note: Note = lambda _: None
) -> "RayWorkers":
    """Workers that are ready for jobs, on the cluster at an address, on one that runs on this machine (auto), or on one
    that is started for this search alone (local). Without an address it is the one that runs here, if there is one."""
    workers = RayWorkers(executor, equipment, note, connected(address, note))
    try:
        workers.begin()
    except BaseException:
        workers.close()
        raise
    return workers


@dataclass(frozen=True, slots=True)
class Standing:
    """What a worker says of itself when it is ready."""

    name: str
    node: str
    version: str
    code: str


class Post:
    """What stands on the worker's side."""

    def __init__(self) -> None:
        self._received: set[str] = set()
        self._name = f"{socket.gethostname()}-{os.getpid()}"

    def equip(self, equipment: Equipment) -> Standing:
        """Make the Python of the driver's machine importable where it is here, too."""
        sys.path[:] = [path for path in equipment.paths if path not in sys.path] + sys.path
        if os.path.isdir(equipment.folder):
            os.chdir(equipment.folder)
        for name in ("OMP_NUM_THREADS", "MKL_NUM_THREADS"):
            os.environ[name] = str(equipment.threads)
        node = cast(str, ray.get_runtime_context().get_node_id())
        return Standing(self._name, node, version("archdsl"), code_digest())

    def run(self, job: Job, shared: Mapping[str, object]) -> Finished:
        """Run a job; what it shares with others and has not come yet is fetched from this node's object store."""
        for name, reference in shared.items():
            if name not in self._received:
                content = ray.get(reference)
                if isinstance(content, SentPython):
                    receive_python(content)
                else:
                    received(job.work, name, content)
                self._received.add(name)
        return attempted(job, self._name)


@dataclass(slots=True)
class Worker:
    """An actor; it is ready when it has said so."""

    actor: Any
    alone: bool
    standing: Standing | None = None
    job: Job | None = None
    begun: float = 0.0


@dataclass(slots=True)
class RayWorkers:
    """Actors for jobs anywhere, and one that is reserved for measuring time if an evaluator does. One that ends is
    replaced; so is a job's that takes too long. `ours` says that the cluster is left by closing the connection."""

    executor: Part
    equipment: Equipment
    note: Note
    ours: bool
    _workers: list[Worker] = field(default_factory=list[Worker])
    _awaited: dict[Any, Worker] = field(default_factory=dict[Any, Worker])
    _waiting: deque[Job] = field(default_factory=deque[Job])
    _losses: dict[int, list[str]] = field(default_factory=dict[int, list[str]])
    _shared: dict[str, object] = field(default_factory=dict[str, object])
    _packages: dict[str, str | None] = field(default_factory=dict[str, str | None])
    _failed: list[Finished] = field(default_factory=list[Finished])
    _without: float = field(default_factory=time.monotonic)
    _misstarts: int = 0
    _post: Any = None

    @property
    def count(self) -> int:
        return max(1, sum(not worker.alone for worker in self._ready()))

    def begin(self) -> None:
        """Start all workers and wait until the first trials can run. Raises UsageError if they never will."""
        self.equipment = replace(self.equipment, threads=max(1, math.floor(cast(float, self.executor["cpus"]))))
        needs = needs_of(self.executor)
        named = {"num_cpus": needs.get(CORES, 0), "num_gpus": needs.get(GPUS, 0), "memory": needs.get(MEMORY)}
        self._post = ray.remote(Post).options(max_restarts=0, **named)
        alone = any(evaluator_named(part.name).PLACE == "alone" for part in self.equipment.evaluators)
        wanted = cast(int, self.executor["workers"])
        fitting = room_on([node["Resources"] for node in ray.nodes() if node["Alive"]], needs, wanted, alone)
        if fitting < wanted:
            self.note(f"the Ray cluster has room for {fitting} of {wanted} workers; others begin when nodes join")
        for number in range(wanted + alone):
            self._hire(alone and number == 0)
        begun, told = time.monotonic(), False
        while not self._may_begin(fitting, alone, time.monotonic() - begun):
            self._take_answers(LOOK)
            waited = time.monotonic() - begun
            if waited > SILENCE and not told:
                told = True
                self.note(f"waiting for workers of the Ray cluster ({self._free()})")
            if waited > ANY_READY:
                raise UsageError(
                    f"the Ray cluster gave no worker in {ANY_READY:g} s ({self._free()}); something else may use it"
                )

    def submit(self, job: Job) -> None:
        """Queue the job, and give it to a worker if one is free."""
        self._waiting.append(replace(job, work=replace(job.work, threads=self.equipment.threads)))
        self._hand_out()

    def poll(self, seconds: float) -> Sequence[Finished]:
        """Results, jobs that took too long and jobs that cost too many workers; a lost one is begun again."""
        found = self._take_answers(max(0.0, min(seconds, LOOK)))
        found += self._overdue()
        self._hand_out()
        found += self._failed
        self._failed = []
        if self._ready():
            self._without = time.monotonic()
        elif time.monotonic() - self._without > ANY_READY:
            raise UsageError(f"no worker of the Ray cluster is left ({self._free()})")
        return found

    def close(self) -> None:
        for worker in self._workers:
            _kill(worker)
        self._workers.clear()
        self._awaited.clear()
        self._shared.clear()
        if self.ours:
            self.ours = False
            ray.shutdown()

    def _ready(self) -> list[Worker]:
        return [worker for worker in self._workers if worker.standing is not None]

    def _may_begin(self, fitting: int, alone: bool, waited: float) -> bool:
        ready = self._ready()
        if len(ready) >= fitting + alone:
            return True
        measures = not alone or any(worker.alone for worker in ready)
        return waited > ALL_READY and measures and any(not worker.alone for worker in ready)

    def _free(self) -> str:
        free, whole = ray.available_resources(), ray.cluster_resources()
        return f"{free.get('CPU', 0):g} of {whole.get('CPU', 0):g} cores are free"

    def _hire(self, alone: bool) -> None:
        worker = Worker(self._post.remote(), alone)
        self._workers.append(worker)
        self._awaited[worker.actor.equip.remote(self.equipment)] = worker

    def _hand_out(self) -> None:
        """Give what waits to workers that are free."""
        free = [worker for worker in self._ready() if worker.job is None]
        for job in list(self._waiting):
            worker = next((each for each in free if each.alone == (job.place == "alone")), None)
            if worker is not None:
                self._waiting.remove(job)
                try:
                    shared = self._shared_with(job)
                except UsageError as error:
                    self._failed.append(Finished(job.number, None, str(error)))
                    continue
                worker.job, worker.begun = job, time.monotonic()
                free.remove(worker)
                self._awaited[worker.actor.run.remote(job, shared)] = worker

    def _shared_with(self, job: Job) -> dict[str, object]:
        """What a job refers to, in the object store, where each thing is put once."""
        names: list[str] = []
        for package in packages_named(job.work):
            if package not in self._packages:
                sent = python_of(package)
                self._packages[package] = None if sent is None else f"{PYTHON}{sent.digest}"
                if sent is not None:
                    self._shared.setdefault(f"{PYTHON}{sent.digest}", _put(sent))
            names += [name] if (name := self._packages[package]) is not None else []
        for name, load in shared_by(job.work).items():
            if name not in self._shared:
                self._shared[name] = _put(load())
            names.append(name)
        return {name: self._shared[name] for name in names}

    def _take_answers(self, seconds: float) -> list[Finished]:
        """Wait for the first answer, so long at most, and take all that are there."""
        if not self._awaited:
            time.sleep(seconds)
            return []
        waiting = list(self._awaited)
        if not ray.wait(waiting, timeout=seconds)[0]:
            return []
        found: list[Finished] = []
        for reference in ray.wait(waiting, num_returns=len(waiting), timeout=0)[0]:
            worker = self._awaited.pop(reference)
            try:
                answer = ray.get(reference)
            except exceptions.RayTaskError as error:
                found += self._raised(worker, error)
            except exceptions.RayError as error:
                found += self._lost(worker, error)
            else:
                found += self._answered(worker, answer)
        return found

    def _answered(self, worker: Worker, answer: Standing | Finished) -> list[Finished]:
        if isinstance(answer, Standing):
            self._misstarts = 0
            if (answer.version, answer.code) != (version("archdsl"), code_digest()):
                here = version("archdsl")
                other = answer.version if answer.version != here else f"{here} with other code"
                self._refuse(worker, f"{answer.name} has archdsl {other}, and here is {here}: install the same on all")
            else:
                worker.standing = answer
            return []
        worker.job = None
        return [replace(answer, losses=self._count_losses(answer.job))]

    def _raised(self, worker: Worker, error: Exception) -> list[Finished]:
        """Something went wrong around a job, not in it: what it shares, or its result, did not get through."""
        job, worker.job = worker.job, None
        told = last_line(error)
        if job is None:
            self._refuse(worker, f"a Ray worker cannot begin: {told}")
            return []
        name = worker.standing.name if worker.standing else ""
        return [Finished(job.number, None, told, str(error), losses=self._count_losses(job.number), worker=name)]

    def _lost(self, worker: Worker, error: Exception) -> list[Finished]:
        """Replace a worker that has ended; what it ran is run again, unless it ends all of them. A node that has gone
        took its workers with it, which no job is blamed for."""
        self._dismiss(worker)
        job, standing = worker.job, worker.standing
        if standing is None:
            self._misstarts += 1
            if "failed to import on the worker" in str(error):
                self._refuse(worker, f"a node of the Ray cluster lacks what this machine has: {last_line(error)}")
                return []
            if self._misstarts >= MOST_LOSSES and not self._ready():
                raise UsageError(f"workers of the Ray cluster end before they begin: {last_line(error)}")
        self._hire(worker.alone)
        if job is None or standing is None:
            return []
        self._losses.setdefault(job.number, []).append(standing.node)
        if len(self._losses[job.number]) < MOST_LOSSES or self._blamed(job.number) < MOST_LOSSES:
            self._waiting.appendleft(job)
            return []
        losses = self._count_losses(job.number)
        how = " as Ray does when a node's memory runs out" if "running low on memory" in str(error) else ""
        why = f"its worker ended{how}; so did {losses - 1} before it"
        return [Finished(job.number, None, why, losses=losses, worker=standing.name)]

    def _blamed(self, job: int) -> int:
        """How many workers a job has cost, but for those of nodes that have gone: Ray learns late of that."""
        alive = {node["NodeID"] for node in ray.nodes() if node["Alive"]}
        return sum(node in alive for node in self._losses[job])

    def _count_losses(self, job: int) -> int:
        """The same, of a job that is over."""
        losses = self._blamed(job) if job in self._losses else 0
        self._losses.pop(job, None)
        return losses

    def _overdue(self) -> list[Finished]:
        """Fail the jobs that take longer than they may; only the end of its worker ends one."""
        timeout = cast("float | None", self.executor["timeout"])
        if timeout is None:
            return []
        found: list[Finished] = []
        for worker in list(self._workers):
            job, taken = worker.job, time.monotonic() - worker.begun
            if job is not None and job.spent + taken > timeout:
                self._dismiss(worker)
                self._hire(worker.alone)
                name, losses = worker.standing.name if worker.standing else "", self._count_losses(job.number)
                why = f"it took longer than the {timeout:g} s that the executor's `timeout` allows"
                found.append(Finished(job.number, None, why, seconds=taken, losses=losses, worker=name))
        return found

    def _refuse(self, worker: Worker, why: str) -> None:
        """Do without a worker; without any there is no search."""
        self._dismiss(worker)
        if not self._ready():
            raise UsageError(why)
        self.note(f"a worker is not used: {why}")

    def _dismiss(self, worker: Worker) -> None:
        _kill(worker)
        self._awaited = {reference: each for reference, each in self._awaited.items() if each is not worker}
        if worker in self._workers:
            self._workers.remove(worker)


def _put(content: object) -> object:
    try:
        return ray.put(content)
    except (exceptions.ObjectStoreFullError, exceptions.OutOfDiskError) as error:
        raise UsageError(f"Ray's object store has no room for the data: {last_line(error)}") from error


def _kill(worker: Worker) -> None:
    try:
        ray.kill(worker.actor, no_restart=True)
    except Exception:
        pass  # it has ended, or the whole cluster has
