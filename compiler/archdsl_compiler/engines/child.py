"""The process in which an engine makes a program: whatever it prints, breaks or hangs in, whoever asked goes on.

It reads the model from a file, leaves the program in a folder, loads and tries it, and writes what came of it."""

import json
import os
import signal
import sys
import time
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from threading import Thread
from typing import Any, Final

import torch
from torch import Tensor, nn

from archdsl_compiler.engines.contract import Engine, EngineFailure, Run, Stage, Work
from archdsl_compiler.engines.kept import Page
from archdsl_compiler.engines.results import flattened, form_of
from archdsl_compiler.kernels.contract import LIMITS
from archdsl_compiler.targets.comparison import difference

REQUEST: Final = "request.pt"
MADE: Final = "made"
STAGE: Final = "stage"
OUTCOME: Final = "outcome.json"
OTHERS: Final = 2
"""Inputs that a program is tried with, beside those that it was made with."""


def serve(folder: str) -> None:
    """Do what a folder asks for."""
    Thread(target=_end_with_parent, daemon=True).start()
    here = Path(folder)
    outcome: dict[str, Any]
    try:
        (here / STAGE).write_text("send", encoding="utf-8")
        engine, model, inputs, work = torch.load(here / REQUEST, weights_only=False)
        torch.set_num_threads(work.threads)
        outcome = asdict(made(engine, model, inputs, work, here))
    except EngineFailure as failure:
        outcome = {"stage": failure.stage, "reason": failure.reason}
    (here / OUTCOME).write_text(json.dumps(outcome), encoding="utf-8")
    # The runtimes' own threads and caches need no farewell, and some of them break in it.
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(0)


def made(engine: Engine, model: nn.Module, inputs: Sequence[Tensor], work: Work, here: Path) -> Page:
    """Make the program in a folder below this one, and see that it gives what the model gives."""
    begun = time.perf_counter()
    stage: Stage = "compile"
    try:
        with torch.no_grad():
            form = form_of(model(*inputs))
        (here / MADE).mkdir()
        (here / STAGE).write_text(stage, encoding="utf-8")
        engine.write(model, inputs, work, here / MADE)
        stage = "load"
        (here / STAGE).write_text(stage, encoding="utf-8")
        run = engine.load(here / MADE, work)
        stage = "run"
        (here / STAGE).write_text(stage, encoding="utf-8")
        # What was traced with some numbers may be wrong for others.
        apart = max(_apart(model, run, given) for given in (inputs, *_others(inputs)))
    except Exception as error:  # whatever an engine has to say
        raise EngineFailure(engine.name, stage, telling_line(error)) from error
    bound = LIMITS[work.dtype]
    if not apart <= bound:
        reason = f"its results differ from the model's by {apart:.1e} of the largest number, allowed {bound:.0e}"
        raise EngineFailure(engine.name, "compare", reason)
    return Page(form, _takes_any_batch(run, model, inputs, work), apart, time.perf_counter() - begun)


def telling_line(error: BaseException) -> str:
    """The first line of an exception that says something, or of the one that it came from."""
    for line in str(error).splitlines():
        told = line.strip(" \t:=-*")
        if len(told) > 3 and not told.startswith(("Check '", "Exception from src", "While executing")):
            return f"{type(error).__name__}: {told[:300]}"
    return type(error).__name__


def _takes_any_batch(run: Run, model: nn.Module, inputs: Sequence[Tensor], work: Work) -> bool:
    """Whether the program is right at another batch too, where the model itself takes one."""
    more = [torch.cat([given, given.flip(0), given]) if _batched(given, work) else given for given in inputs]
    try:
        return _apart(model, run, more) <= LIMITS[work.dtype]
    except Exception:
        return False


def _batched(given: Tensor, work: Work) -> bool:
    return given.ndim > 0 and given.shape[0] == work.batch


def _others(inputs: Sequence[Tensor]) -> list[list[Tensor]]:
    """Real numbers as large as those of the inputs, but others."""
    random = torch.Generator().manual_seed(2)
    return [
        [
            torch.randn(given.shape, generator=random).to(given) * given.square().mean().sqrt()
            if given.is_floating_point()
            else given
            for given in inputs
        ]
        for _ in range(OTHERS)
    ]


def _apart(model: nn.Module, run: Run, inputs: Sequence[Tensor]) -> float:
    """How far the results are from the model's; without end where shapes or kinds of numbers are others."""
    with torch.no_grad():
        expected = flattened(model(*inputs))
    found = run(inputs)
    if [(t.shape, t.dtype) for t in expected] != [(t.shape, t.dtype) for t in found]:
        return float("inf")
    pairs = zip(expected, found, strict=True)
    return max((difference(left.double(), right.double()) for left, right in pairs), default=0.0)


def _end_with_parent() -> None:
    """Whoever asked holds the other end of standard input."""
    sys.stdin.buffer.read()
    os.killpg(0, signal.SIGKILL)
