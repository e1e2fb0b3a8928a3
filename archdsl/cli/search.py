"""`archdsl search`: runs a search and keeps what it finds in a folder."""

import gc
import json
import os
import shlex
import sys
from pathlib import Path

import click

from archdsl.search.events import Event
from archdsl.search.opening import Wanted
from archdsl.search.progress import Silent, as_time, as_value, screen_for
from archdsl.search.running import Ended, run_search
from archdsl.search.trial_table import as_printed
from archdsl.times import seconds_of

MOST_SHOWN = 12
FAILED = 1


@click.command(name="search")
@click.argument("target", metavar="TARGET")
@click.option("-o", "--output", metavar="DIR", required=True, help="Keep everything there.")
@click.option("--trials", type=click.IntRange(1), metavar="N", help="End when so many have finished, over all runs.")
@click.option("--time", "time", metavar="TIME", help="End this run after so long, as 8h or 30min.")
@click.option("--workers", type=click.IntRange(1), metavar="N", help="How many trials run at a time.")
@click.option("--ray", metavar="ADDRESS", help="Run trials on a Ray cluster: its address, auto, or local.")
@click.option("--storage", metavar="URL", help="Where Optuna's mirror lives, instead of DIR/study.db.")
@click.option("--seed", type=click.IntRange(0), metavar="S", help="Where random numbers begin.")
@click.option("--resume", is_flag=True, help="Go on with the trials that DIR holds.")
@click.option("--set", "written", multiple=True, metavar="NAME=VALUE", help="Give a setting of the search; repeatable.")
@click.option("--allow-extern", is_flag=True, help="Run the Python that `extern`s of the file refer to.")
@click.option("--json", "as_json", is_flag=True, help="Print events as they happen, an object a line.")
def command(
    target: str,
    output: str,
    trials: int | None,
    time: str | None,
    workers: int | None,
    ray: str | None,
    storage: str | None,
    seed: int | None,
    resume: bool,
    written: tuple[str, ...],
    allow_extern: bool,
    as_json: bool,
) -> int:
    """Run the search TARGET, FILE.arch or FILE.arch:NAME, and keep its trials and its front in DIR. What is not given
    here is as the declaration has it. Ctrl-C stops cleanly; --resume goes on."""
    gc.enable()  # unlike other commands this one lives long
    if allow_extern and os.getcwd() not in sys.path:
        sys.path.append(os.getcwd())  # as `python -m` has it: the user's modules lie there
    seconds = None if time is None else seconds_of(time)
    wanted = Wanted(trials, seconds, workers, ray, seed, storage, resume, allow_extern, written)
    screen = Silent() if as_json else screen_for()
    ended = run_search(target, Path(output), wanted, screen, _print if as_json else None)
    if not as_json:
        click.echo(as_text(ended, output))
    if ended.reason == "stopped":
        again = ["archdsl", "search", target, "-o", output, "--resume", *_same(workers, ray, allow_extern)]
        raise KeyboardInterrupt(f"go on with: {shlex.join(again)}")
    if ended.reason == "hopeless":
        click.echo(f"Error: the first {len(ended.trials)} trials all failed: {ended.failure}", err=True)
        return FAILED
    return 0


def as_text(ended: Ended, output: str) -> str:
    """How it ended, and the front."""
    states = {state: sum(trial.state == state for trial in ended.trials) for state in ("complete", "pruned", "failed")}
    counts = ", ".join(f"{count:,} {state}" for state, count in states.items() if count)
    why = {"exhausted": "; the strategy has nothing new to propose", "time": "; the time is over"}.get(ended.reason, "")
    lines = [f"{len(ended.trials):,} trials ({counts or 'none'}) in {as_time(ended.seconds)}{why}"]
    if not ended.front:
        return "\n".join((*lines, "no trial is complete and meets all requirements"))
    lines.append(f"the front, {len(ended.front)} of them, in {output}/pareto:")
    for trial in ended.front[:MOST_SHOWN]:
        values = "  ".join(
            f"{wish.name} {as_value(value)}" for wish, value in zip(ended.objectives, trial.values, strict=True)
        )
        decisions = ", ".join(f"{path}={as_printed(option)}" for path, option in trial.genome.items())
        lines.append(f"  {trial.number:03}  {values}  {_cut(decisions, 120)}")
    if len(ended.front) > MOST_SHOWN:
        lines.append(f"  and {len(ended.front) - MOST_SHOWN} more")
    return "\n".join(lines)


def _print(event: Event) -> None:
    click.echo(json.dumps(event, separators=(",", ":")))


def _same(workers: int | None, ray: str | None, allow_extern: bool) -> list[str]:
    """The options that a folder does not remember."""
    found = [] if workers is None else ["--workers", str(workers)]
    found += [] if ray is None else ["--ray", ray]
    return [*found, "--allow-extern"] if allow_extern else found


def _cut(text: str, most: int) -> str:
    return text if len(text) <= most else f"{text[: most - 3]}..."
