"""A worker process and the watch over it: one that dies or hangs is replaced, and its last input is the failure."""

import json
import re
import select
import signal
import subprocess
import sys
import tempfile
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO

from tests.fuzz.corpus import ROOT

SECONDS_AT_MOST = 5.0
WALL_FACTOR = 60
"""Processor time is what counts; a worker that uses little of it, on a crowded machine, too, is ended after this many
times as long."""
FRAME = re.compile(r'File "[^"]*?((?:archdsl|archdsl_compiler|tests)/[^"]*)", line (\d+),? in (\S+)')


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of an input: its codes, or what went wrong, with the traceback."""

    codes: tuple[str, ...]
    seconds: float
    fault: str = ""
    traceback: str = ""

    @property
    def signature(self) -> str:
        """Equal for failures that are likely to be the same fault: what was raised, and the innermost two places."""
        places = FRAME.findall(self.traceback)
        if self.fault == "time-out":  # the innermost place stands first, and is another each time
            return f"time-out in {places[0][0] if places else 'no known place'}"
        innermost = [f"{file}:{line} {name}" for file, line, name in places[-1:-3:-1]]
        return f"{self.fault.splitlines()[0][:80]} at {' < '.join(innermost) or 'no known place'}"


@dataclass(slots=True)
class Worker:
    """A process that tries one input after the other."""

    seconds: float = SECONDS_AT_MOST
    process: subprocess.Popen[str] | None = None
    errors: IO[str] = field(default_factory=lambda: tempfile.TemporaryFile("w+", encoding="utf-8", errors="replace"))

    def attempt(self, name: str, text: str, folder: Path) -> Outcome:
        if self.process is None:
            self.process = self._started()
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        request = json.dumps({"name": name, "text": text, "folder": str(folder)})
        try:
            self.process.stdin.write(request + "\n")
            self.process.stdin.flush()
        except BrokenPipeError:
            return self._ended("the worker died")
        ready, _, _ = select.select([self.process.stdout], [], [], WALL_FACTOR * self.seconds)
        line = self.process.stdout.readline() if ready else ""
        if not line:
            return self._ended("" if ready else "hang")
        answer = json.loads(line)
        if "traceback" in answer:
            told = answer["traceback"]
            return Outcome((), answer["seconds"], told.strip().splitlines()[-1], told)
        return Outcome(tuple(answer["codes"]), answer["seconds"])

    def close(self) -> None:
        self._drop()
        self.errors.close()

    def _drop(self) -> None:
        if self.process is not None:
            self.process.kill()
            with suppress(BrokenPipeError):
                self.process.communicate()
            self.process = None

    def _started(self) -> subprocess.Popen[str]:
        self.errors.seek(0)
        self.errors.truncate()
        command = [sys.executable, "-m", "tests.fuzz.trial", str(self.seconds)]
        return subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=self.errors, text=True, cwd=ROOT
        )

    def _ended(self, fault: str) -> Outcome:
        assert self.process is not None
        if fault == "hang":
            self.process.send_signal(signal.SIGPROF)
        status = self.process.wait()
        self.errors.seek(0)
        told = self.errors.read()[-20_000:]
        timed_out = told.rfind("Current thread") >= 0 or "most recent call first" in told
        self._drop()
        return Outcome((), self.seconds, fault or ("time-out" if timed_out else f"exit {status}"), told)
