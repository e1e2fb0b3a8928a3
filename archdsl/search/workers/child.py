"""A worker process: takes jobs from a pipe and sends back what became of them, one after the other.

It ends with the driver, also when that is killed: the pipe closes then, which is noticed while a job runs."""

import os
import queue
import signal
import sys
from multiprocessing.connection import Connection
from threading import Thread

from archdsl.search.workers.contract import Equipment, Job


def serve(descriptor: str, name: str) -> None:
    """Run the jobs that come through the pipe of that number."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the driver stops its workers
    _offer_to_be_killed()
    os.dup2(2, 1)  # what evaluators print is no result of the command
    pipe = Connection(int(descriptor))
    jobs: queue.SimpleQueue[Job | Equipment] = queue.SimpleQueue()
    Thread(target=_receive, args=(pipe, jobs), daemon=True).start()
    from archdsl.search.evaluation import attempted

    while True:
        match jobs.get():
            case Equipment() as equipment:
                sys.path[:] = [path for path in equipment.paths if path not in sys.path] + sys.path
            case Job() as job:
                _send(pipe, attempted(job, name))


def _offer_to_be_killed() -> None:
    """When memory runs out the system takes a worker, which is replaced, and not the driver."""
    try:
        with open("/proc/self/oom_score_adj", "w", encoding="ascii") as score:
            score.write("500")
    except OSError:
        pass  # not this system's way


def _receive(pipe: Connection, jobs: "queue.SimpleQueue[Job | Equipment]") -> None:
    try:
        while True:
            jobs.put(pipe.recv())
    except (EOFError, OSError):
        _end()


def _send(pipe: Connection, message: object) -> None:
    try:
        pipe.send(message)
    except OSError:
        _end()


def _end() -> None:
    """Without the driver there is nothing to do, for this process and those that it started."""
    os.killpg(0, signal.SIGKILL)
