"""`archdsl tune`: the record of measured times, and what is done with it."""

import json
import sys
import time
from collections import defaultdict
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path

import click

from archdsl.cli.tune_fill import command as fill_command
from archdsl.cost.machines import machine_line
from archdsl.diagnostics.record import UnusableFile, UsageError
from archdsl.kept_times import user_record
from archdsl.output import new_file
from archdsl.tables import bytes_of, many
from archdsl_compiler.tuning.conditions import Conditions
from archdsl_compiler.tuning.exchange import UnreadableTimes, lines_of, rows_of
from archdsl_compiler.tuning.record import Record
from archdsl_compiler.tuning.rows import Kept, Row

OF_OTHERS = "fill"
"""The subcommand for what is no subcommand, where there is one."""
UNITS = ((86400.0, "day"), (3600.0, "hour"), (60.0, "minute"))


class Subcommands(click.Group):
    """Lets `archdsl tune SPACE.arch` stand for `archdsl tune fill SPACE.arch`."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        of_this = (*self.commands, *ctx.help_option_names)
        if OF_OTHERS in self.commands and args and args[0] not in of_this:
            args = [OF_OTHERS, *args]
        return super().parse_args(ctx, args)


@click.group(name="tune", cls=Subcommands)
def command() -> None:
    """Keep measured times: those of kernels and of modules, under the conditions in which they were measured. A table
    of another machine is used where its conditions are asked for."""


@command.command(name="export")
@click.argument("file", metavar="FILE")
@click.option("--machine", default="", metavar="TEXT", help="Only machines with this in their name.")
@click.option("--force", is_flag=True, help="Replace a file that is there.")
@click.option("--json", "as_json", is_flag=True, help="Print one object instead of text.")
def export_command(file: str, machine: str, force: bool, as_json: bool) -> None:
    """Write what was measured to FILE, as lines of JSON; `-` is the standard output."""
    record = user_record()
    rows = [row for row in record.rows() if machine.lower() in row[0].machine.lower()]
    _tell(record)
    if not rows:
        of_what = f" of a machine like {machine!r}" if machine else ""
        raise UsageError(f"no times are kept{of_what}; `archdsl tune show` tells what is")
    text = "".join(f"{line}\n" for line in lines_of(rows))
    if file == "-":
        click.echo(text, nl=False)
        return
    with new_file(Path(file), force=force) as temporary:
        temporary.write_text(text, encoding="utf-8")
    machines = len({conditions for conditions, _, _ in rows})
    told = f"{many(len(rows), 'time')} under {many(machines, 'condition')} written to {file}"
    click.echo(json.dumps({"file": file, "times": len(rows), "conditions": machines}) if as_json else told)


@command.command(name="import")
@click.argument("file", metavar="FILE")
@click.option("--json", "as_json", is_flag=True, help="Print one object instead of text.")
def import_command(file: str, as_json: bool) -> None:
    """Take the times that `archdsl tune export` wrote, here or on another machine. Of two under the same key the newer
    stays. `-` is the standard input."""
    shown = "the standard input" if file == "-" else f"`{file}`"
    try:
        text = sys.stdin.read() if file == "-" else Path(file).read_text(encoding="utf-8")
        rows = rows_of(text.splitlines())
    except OSError as error:
        raise UsageError(f"{shown} cannot be read: {(error.strerror or str(error)).lower()}") from None
    except UnreadableTimes as error:
        raise UnusableFile(f"{shown} {error}") from None
    except UnicodeDecodeError:
        raise UnusableFile(f"{shown} is no text; `archdsl tune export FILE` writes what can be read here") from None
    record = user_record()
    merged = record.merge(rows)
    if merged is None:
        raise UnusableFile(f"nothing was taken: {'; '.join(record.notes)}")
    _tell(record)
    counts = {"came": merged.came, "new": merged.new, "newer": merged.newer, "known": merged.known}
    told = f"{many(merged.came, 'time')} came: {merged.new} new, {merged.newer} newer, {merged.known} known already"
    click.echo(json.dumps(counts) if as_json else told)


@command.command(name="show")
@click.option("--json", "as_json", is_flag=True, help="Print one object instead of text.")
def show_command(as_json: bool) -> None:
    """Tell what is kept: how many times under which conditions, how old, and how large the record is."""
    record = user_record()
    groups: dict[Conditions, list[Row]] = defaultdict(list)
    for row in record.rows():
        groups[row[0]].append(row)
    _tell(record)
    size = record.path.stat().st_size if record.path is not None and record.path.exists() else 0
    if as_json:
        shown = [{**asdict(conditions), **_counts(rows)} for conditions, rows in groups.items()]
        click.echo(json.dumps({"file": str(record.path or ""), "bytes": size, "conditions": shown}, indent=2))
        return
    click.echo(f"{record.path or 'no file'}: {many(sum(map(len, groups.values())), 'time')}, {bytes_of(size)}")
    for conditions, rows in groups.items():
        click.echo("\n".join(("", *_paragraph(conditions, [kept for _, _, kept in rows], _counts(rows)))))


def _counts(rows: list[Row]) -> dict[str, object]:
    dates = sorted(kept.measured for _, _, kept in rows)
    return {
        "times": len(rows),
        "regions": len({key.region for _, key, _ in rows}),
        "failures": sum(kept.failure is not None for _, _, kept in rows),
        "oldest": datetime.fromtimestamp(dates[0], UTC).isoformat(timespec="seconds"),
        "newest": datetime.fromtimestamp(dates[-1], UTC).isoformat(timespec="seconds"),
    }


def _paragraph(conditions: Conditions, kept: list[Kept], counts: dict[str, object]) -> list[str]:
    """A machine, and what is kept of it."""
    installed = (f"PyTorch {conditions.torch}", conditions.libraries, f"allocator {conditions.allocator}")
    ages = [_age(time.time() - when(each.measured for each in kept)) for when in (min, max)]
    told = f"{many(len(kept), 'time')} of {many(int(str(counts['regions'])), 'region')}"
    failures = f", {counts['failures']} of them failures" if counts["failures"] else ""
    return [
        machine_line(conditions),
        f"  {', '.join(filter(None, installed))}",
        f"  {told}{failures}, measured {ages[0] if ages[0] == ages[1] else f'{ages[0]} to {ages[1]}'}",
    ]


def _age(seconds: float) -> str:
    for length, unit in UNITS:
        if seconds >= length:
            return f"{many(int(seconds / length), unit)} ago"
    return "just now"


def _tell(record: Record) -> None:
    for note in record.notes:
        click.echo(f"note: {note}", err=True)


command.add_command(fill_command, OF_OTHERS)
