"""`archdsl tune SPACE.arch`: measures the parts of all candidates, before a search asks for them."""

import json
import shlex
import sys
from typing import TYPE_CHECKING

import click

from archdsl.cli.target_options import takes_target
from archdsl.cli.waiting import telling
from archdsl.diagnostics.record import UsageError
from archdsl.kept_times import user_record
from archdsl.tables import many
from archdsl.targets import Target
from archdsl.times import seconds_of
from archdsl.tuning import DTYPES, device_of, dtype_of

if TYPE_CHECKING:
    from archdsl.cost.filling import Filled

FAILED = 1


@click.command(name="fill")
@takes_target(wants=("space", "model"))
@click.option("--samples", type=click.IntRange(1), metavar="N", help="Go through so many candidates.")
@click.option("--all", "every", is_flag=True, help="Go through all candidates.")
@click.option("--time", "time", metavar="TIME", help="End after so long, as 10min or 2h.")
@click.option("--device", metavar="DEVICE", help="Measure on cpu or cuda.  [default: cpu]")
@click.option("--dtype", metavar="DTYPE", help=f"Compute in {', '.join(DTYPES)}.  [default: fp32]")
@click.option("--batch", type=click.IntRange(1), default=1, show_default=True, metavar="N", help="Inputs at once.")
@click.option("--threads", type=click.IntRange(1), metavar="N", help="Threads.  [default: as PyTorch has]")
@click.option("--json", "as_json", is_flag=True, help="Print one object instead of text.")
def command(
    target: Target,
    samples: int | None,
    every: bool,
    time: str | None,
    device: str | None,
    dtype: str | None,
    batch: int,
    threads: int | None,
    as_json: bool,
) -> int:
    """Measure every region that candidates of TARGET are made of, in all ways to compute it, and keep the times: the
    table that `latency(mode="table")` of a search sums, and where `archdsl build --tune` finds its kernels. TARGET is a
    space or a model. Pairs of options are covered first; then candidates are drawn until 50 in a row bring nothing new.
    Ctrl-C keeps what was measured."""
    if samples is not None and every:
        raise UsageError("--samples and --all say two things; give one")
    seconds = None if time is None else seconds_of(time)
    place, word = device_of(device), dtype_of(dtype)
    from archdsl.cost.filling import Extent, Filled, fill
    from archdsl.cost.timed_pass import pass_here
    from archdsl.train.planning import threads as computing_in
    from archdsl_compiler.tuning.allocator import keep_freed_memory

    keep_freed_memory()
    found = Filled()
    with computing_in(threads), telling(f"tuning {target.name}") as tell:
        here = pass_here(batch, word, place)
        try:
            fill(target, here, Extent(samples, every, seconds), found, tell)
        except KeyboardInterrupt:
            pass
    if found.ended == "done" and found.outside and not found.regions:
        raise UsageError(f"`{target.name}` has externs, and what they compute is not known: there is nothing to tune")
    for note in user_record().notes:
        click.echo(f"note: {note}", err=True)
    click.echo(json.dumps(as_object(target, found)) if as_json else as_text(target, found))
    if found.ended == "interrupted":
        raise KeyboardInterrupt(f"go on with: {shlex.join(['archdsl', *sys.argv[1:]])}")
    return FAILED if found.failures and not found.regions else 0


def as_object(target: Target, found: "Filled") -> dict[str, object]:
    """For JSON."""
    return {
        "target": target.shown,
        "candidates": len(found.fresh),
        "regions": len(found.regions),
        "known": found.known,
        "measured": len(found.measured),
        "last": {"candidates": len(found.last), "missing": sum(found.last)},
        "outside": found.outside,
        "failures": found.failures,
        "failure": found.failure,
        "ended": found.ended,
        "seconds": round(found.seconds, 3),
    }


def as_text(target: Target, found: "Filled") -> str:
    """What was met, what of it was known, and how much of the space may still be missing."""
    lines = [
        f"{target.shown}: {many(len(found.fresh), 'candidate')} of {many(len(found.regions), 'different region')}:"
        f" {found.known:,} known, {len(found.measured):,} measured, in {found.seconds:.0f} s"
    ]
    if found.last:
        lines.append(f"new in the last {many(len(found.last), 'drawn candidate')}: {many(sum(found.last), 'region')}")
    if found.ended == "time":
        lines.append("the time is over; the same command goes on where this one ended")
    if found.outside:
        lines.append(
            f"left out: {many(found.outside, 'candidate')} with externs, whose times are those of their modules"
        )
    if found.failures:
        lines.append(f"left out: {many(found.failures, 'candidate')} that could not be run: {found.failure}")
    return "\n".join(lines)
