"""Workers that are processes of this machine, started when the first job needs them."""

import os
import signal
import subprocess
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from multiprocessing import Pipe
from multiprocessing.connection import Connection, wait
from typing import cast

from archdsl.parts import Part
from archdsl.search.contract import Place
from archdsl.search.workers.contract import MOST_LOSSES, Equipment, Finished, Job

CHILD = "import sys; sys.path[:] = {paths!r}; from archdsl.search.workers.child import serve; serve(*sys.argv[1:])"
"""It finds this package where this process did, and never imports the script that began the search once more."""
LOOK = 0.5
"""Seconds between looks whether a process that holds its pipe open still lives."""


@dataclass(slots=True)
class Process:
    """One child, in a session of its own: Ctrl-C is the driver's, and what the child starts ends with it."""

    name: str
    popen: "subprocess.Popen[bytes]"
    pipe: Connection
    job: Job | None = None

    @property
    def ended(self) -> str:
        """How the process ended; it has."""
        code = self.popen.wait()
        if code >= 0:
            return f"with status {code}"
        try:
            name = signal.Signals(-code).name
        except ValueError:
            name = f"signal {-code}"
        return f"by {name}" + (", as the system does when memory runs out" if name == "SIGKILL" else "")

    def kill(self) -> None:
        """The process and all that it started."""
        try:
            os.killpg(self.popen.pid, signal.SIGKILL)
        except (ProcessLookupError, PermissionError):
            self.popen.kill()
        self.popen.wait()
        self.pipe.close()


@dataclass(slots=True)
class LocalWorkers:
    """`count` processes for jobs anywhere, and one more if there are jobs that want to be alone."""

    count: int
    equipment: Equipment
    _processes: dict[Place, list[Process]] = field(default_factory=dict[Place, list[Process]])
    _losses: dict[int, int] = field(default_factory=dict[int, int])
    _started: int = 0

    def submit(self, job: Job) -> None:
        """Give the job to an idle process."""
        processes = self._processes.setdefault(job.place, [])
        process = next((each for each in processes if each.job is None), None)
        if process is None:
            if len(processes) >= (self.count if job.place == "anywhere" else 1):
                raise RuntimeError(f"all workers are busy: job {job.number} has no room")
            process = self._start()
            processes.append(process)
        process.job = job
        try:
            process.pipe.send(job)
        except OSError:
            pass  # it has just ended, which `poll` finds

    def poll(self, seconds: float) -> Sequence[Finished]:
        """Results, and jobs that cost too many processes; a lost one is begun again."""
        busy = {p.pipe: p for them in self._processes.values() for p in them if p.job is not None}
        ready = wait(list(busy), max(0.0, min(seconds, LOOK)))
        found: list[Finished] = []
        for pipe, process in busy.items():
            ended = process.popen.poll() is not None  # asked first: what it sent before is in the pipe
            if pipe not in ready and not ended:
                continue
            message = _received(pipe)
            if message is None:
                found += self._lost(process)
            else:
                process.job = None
                found.append(replace(message, losses=self._losses.pop(message.job, 0)))
        return found

    def close(self) -> None:
        for processes in self._processes.values():
            for process in processes:
                process.kill()
        self._processes.clear()

    def _lost(self, process: Process) -> Sequence[Finished]:
        """Replace a process that has ended; what it ran is run again, unless it ends all of them."""
        job = process.job
        assert job is not None
        process.kill()
        self._processes[job.place].remove(process)
        losses = self._losses[job.number] = self._losses.get(job.number, 0) + 1
        if losses < MOST_LOSSES:
            self.submit(job)
            return ()
        del self._losses[job.number]
        why = f"its worker ended {process.ended}; so did {losses - 1} before it"
        return (Finished(job.number, None, why, losses=losses, worker=process.name),)

    def _start(self) -> Process:
        ours, theirs = Pipe()
        name = f"local-{self._started}"
        self._started += 1
        threads = str(self.equipment.threads)
        with theirs:
            popen = subprocess.Popen(
                [sys.executable, "-c", CHILD.format(paths=sys.path), str(theirs.fileno()), name],
                pass_fds=(theirs.fileno(),),
                stdin=subprocess.DEVNULL,
                cwd=self.equipment.folder,
                # Threads that wait leave their core to others: on a busy machine that is several times faster.
                env={
                    "OMP_WAIT_POLICY": "PASSIVE",
                    **os.environ,
                    "OMP_NUM_THREADS": threads,
                    "MKL_NUM_THREADS": threads,
                },
                start_new_session=True,
            )
        process = Process(name, popen, ours)
        process.pipe.send(self.equipment)
        return process


def open_workers(
    executor: Part, equipment: Equipment, address: str | None, note: Callable[[str], None]
) -> LocalWorkers:
    return LocalWorkers(cast(int, executor["workers"]), equipment)


def _received(pipe: Connection) -> Finished | None:
    """What a process sent; None from one that has ended without a word."""
    try:
        return cast(Finished, pipe.recv()) if pipe.poll() else None
    except (EOFError, OSError):
        return None
