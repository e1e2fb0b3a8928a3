"""The options that say what a model is tuned for, the same for `build` and `export`."""

from collections.abc import Callable
from functools import wraps
from pathlib import Path
from typing import Any

import click

from archdsl.diagnostics.record import UsageError
from archdsl.tuning import DTYPES, ENGINES, Tune

Function = Callable[..., Any]
_OPTIONS = (
    click.option("--tune", "wanted", is_flag=True, help="Measure what makes the model fastest here; needed by those:"),
    click.option("--device", metavar="DEVICE", help="Tune for cpu or cuda.  [default: cpu]"),
    click.option("--dtype", metavar="DTYPE", help=f"Compute in {', '.join(DTYPES)}.  [default: fp32]"),
    click.option("--batch", type=int, metavar="N", help="Tune for so many inputs at once.  [default: 1]"),
    click.option("--threads", type=int, metavar="N", help="Tune for so many threads.  [default: as PyTorch has]"),
    click.option("--engine", metavar="NAME", help=f"{', '.join(ENGINES)}.  [default: torch]"),
    click.option("--budget", metavar="TIME", help="How long engines may be tried.  [default: 5min]"),
)
_PLAN = click.option("--plan", metavar="FILE", help="Write the plan to FILE; take it from there if it exists.")
_EXPLAIN = click.option(
    "--explain-plan", is_flag=True, help="Print what was chosen for each region, and why; without --tune by rules."
)


def takes_tune(*, explains: bool = False) -> Callable[[Function], Function]:
    """Add them to a command, whose function gets a `Tune`, or None; one that `explains` has --explain-plan."""

    def decorate(function: Function) -> Function:
        @wraps(function)
        def command(
            *positional: Any,
            wanted: bool,
            device: str | None,
            dtype: str | None,
            batch: int | None,
            threads: int | None,
            engine: str | None,
            budget: str | None,
            plan: str | None,
            **others: Any,
        ) -> Any:
            beside = {
                "device": device,
                "dtype": dtype,
                "batch": batch,
                "threads": threads,
                "engine": engine,
                "budget": budget,
            }
            planned = wanted or plan is not None or others.get("explain_plan", False)
            for name, value in beside.items():
                if value is not None and not planned:
                    raise UsageError(f"--{name} says how a model is tuned; give --tune too")
            path = None if plan is None else Path(plan)
            tune = Tune(device, dtype, batch, threads, engine, budget, path, wanted) if planned else None
            return function(*positional, tune=tune, **others)

        for option in reversed((*_OPTIONS, _PLAN, *((_EXPLAIN,) if explains else ()))):
            command = option(command)
        return command

    return decorate
