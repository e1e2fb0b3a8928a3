"""From a model to a program that runs it: out of the folder where it was kept, or made in a process of its own."""

import atexit
import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import torch
from torch import Tensor, nn

from archdsl_compiler.engines.child import MADE, OUTCOME, REQUEST, STAGE, telling_line
from archdsl_compiler.engines.contract import Dtype, Engine, EngineFailure, Run, Work
from archdsl_compiler.engines.kept import Page, folder_name, keep, kept, make_room, source_of, weights_digest
from archdsl_compiler.engines.results import as_written, put_together

LOG: Final = "log"
MOST_KEPT: Final = 8 * 2**30
"""Bytes of programs in one folder."""
_CHILD: Final = "import sys; sys.path[:] = {paths!r}; from archdsl_compiler.engines.child import serve; serve({at!r})"


@dataclass(frozen=True, slots=True, eq=False)
class EngineProgram:
    """A model as an engine runs it. `weights` is the digest of those that it was made with; `made` tells whether that
    was done just now."""

    engine: str
    work: Work
    page: Page
    weights: str
    made: bool
    run: Run

    def takes(self, inputs: Sequence[Tensor]) -> bool:
        """Whether it was made for such inputs: these shapes, and any batch if it takes any."""
        if len(inputs) != len(self.work.shapes):
            return False
        shapes = [tuple(given.shape) for given in inputs]
        if any(given.device.type != "cpu" for given in inputs):
            return False
        if self.work.dtypes != tuple(str(given.dtype).removeprefix("torch.") for given in inputs):
            return False
        if tuple(shapes) == self.work.shapes:
            return True
        if not self.page.any_batch or not shapes or not shapes[0] or not shapes[0][0]:
            return False
        batch, known = shapes[0][0], self.work.batch
        wanted = [(batch, *shape[1:]) if shape and shape[0] == known else shape for shape in self.work.shapes]
        return shapes == wanted

    def __call__(self, *inputs: Tensor) -> object:
        """What the model gives for inputs that it takes. Raises EngineFailure."""
        try:
            found = self.run(inputs)
        except Exception as error:  # the runtimes' own faults have no common kind
            raise EngineFailure(self.engine, "run", telling_line(error)) from error
        return put_together(self.page.form, iter(found))


def prepare(
    engine: Engine,
    model: nn.Module,
    inputs: Sequence[Tensor],
    dtype: Dtype,
    threads: int,
    root: Path,
    seconds: float | None = None,
) -> EngineProgram:
    """The program of an emitted model in eval mode for such inputs, made in `seconds` at most or found in a folder
    below `root`. Raises EngineFailure."""
    work = Work.of(inputs, dtype, threads)
    source, weights = source_of(model), weights_digest(model.state_dict())
    known = found(engine, source, weights, work, root)
    if known is not None:
        return known
    place = _place(root)
    folder = place / folder_name(engine, source, weights, work)
    temporary = Path(tempfile.mkdtemp(prefix=".making-", dir=place))
    try:
        page = _made(engine, model, inputs, work, temporary, seconds)
        try:
            keep(temporary / MADE, page, folder)
        except OSError as error:
            raise EngineFailure(engine.name, "compile", f"it could not be kept: {error}") from error
        make_room(place, MOST_KEPT)
        return EngineProgram(engine.name, work, page, weights, True, _loaded(engine, folder, work))
    finally:
        shutil.rmtree(temporary, ignore_errors=True)


def found(engine: Engine, source: str, weights: str, work: Work, root: Path) -> EngineProgram | None:
    """The program that was kept, if there is one that can be loaded. Raises EngineFailure if there is no engine."""
    missing = engine.available()
    if missing:
        raise EngineFailure(engine.name, "install", missing)
    folder = root / folder_name(engine, source, weights, work)
    page = kept(folder)
    if page is None:
        return None
    try:
        return EngineProgram(engine.name, work, page, weights, False, _loaded(engine, folder, work))
    except EngineFailure:
        shutil.rmtree(folder, ignore_errors=True)
        return None


def _loaded(engine: Engine, folder: Path, work: Work) -> Run:
    try:
        return engine.load(folder, work)
    except Exception as error:  # the runtimes' own faults have no common kind
        raise EngineFailure(engine.name, "load", telling_line(error)) from error


def _place(root: Path) -> Path:
    """A folder that can be written to: the one that was wanted, or one that goes with this process."""
    try:
        root.mkdir(mode=0o700, parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=root):
            return root
    except OSError:
        place = Path(tempfile.mkdtemp(prefix="archdsl-engines-"))
        atexit.register(shutil.rmtree, place, ignore_errors=True)
        return place


def _made(
    engine: Engine, model: nn.Module, inputs: Sequence[Tensor], work: Work, here: Path, seconds: float | None
) -> Page:
    """Have a process make the program, and read what came of it."""
    try:
        torch.save((engine, model, list(inputs), work), here / REQUEST)
    except Exception as error:  # a model that cannot be pickled, a full disk
        raise EngineFailure(engine.name, "send", telling_line(error)) from error
    status = _run_child(work, here, seconds)
    try:
        outcome: dict[str, Any] = json.loads((here / OUTCOME).read_bytes())
    except (OSError, ValueError):
        stage: Any = (here / STAGE).read_text(encoding="utf-8") if (here / STAGE).exists() else "send"
        raise EngineFailure(engine.name, stage, _end_of(status, here, seconds)) from None
    if "reason" in outcome:
        raise EngineFailure(engine.name, outcome["stage"], outcome["reason"])
    return Page(as_written(outcome["form"]), outcome["any_batch"], outcome["difference"], outcome["seconds"])


def _run_child(work: Work, here: Path, seconds: float | None) -> int | None:
    """The status with which it ended; None if it took too long."""
    paths = [os.path.abspath(path) for path in sys.path]
    threads = str(work.threads)
    # Two processes that compile into one folder break each other's files.
    own = {"TORCHINDUCTOR_CACHE_DIR": str(here / "inductor"), "OMP_NUM_THREADS": threads, "MKL_NUM_THREADS": threads}
    with (here / LOG).open("wb") as log:
        child = subprocess.Popen(
            [sys.executable, "-c", _CHILD.format(paths=paths, at=str(here))],
            stdin=subprocess.PIPE,
            stdout=log,
            stderr=log,
            env={**os.environ, **own},
            start_new_session=True,
        )
    try:
        return child.wait(seconds)
    except subprocess.TimeoutExpired:
        return None
    finally:
        # Also what it started itself, and if we are interrupted.
        with suppress(ProcessLookupError, PermissionError):
            os.killpg(child.pid, signal.SIGKILL)
        child.wait()
        assert child.stdin is not None
        child.stdin.close()


def _end_of(status: int | None, here: Path, seconds: float | None) -> str:
    """Why a process left no word."""
    if status is None:
        return f"it was not done after {seconds:g} s"
    lines = [line.strip() for line in (here / LOG).read_text(encoding="utf-8", errors="replace").splitlines()]
    last = next((f": {line[:300]}" for line in reversed(lines) if line), "")
    if status >= 0:
        return f"its process ended with status {status}{last}"
    try:
        name = signal.Signals(-status).name
    except ValueError:
        name = f"signal {-status}"
    return f"its process was ended by {name}" + (", as the system does without memory" if name == "SIGKILL" else "")
