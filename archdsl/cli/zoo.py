"""`archdsl zoo`: the models of the zoo, with what they cost and where they were published."""

import json
import sys
from dataclasses import asdict
from time import monotonic

import click

from archdsl import zoo
from archdsl.diagnostics.record import UsageError
from archdsl.diagnostics.suggest import closest
from archdsl.tables import short, table
from archdsl.zoo_table import ZooModel, zoo_table

PATIENCE = 2.0
"""Seconds after which somebody who waits is told how far it is."""


@click.command(name="zoo")
@click.argument("pattern", required=False, default="")
@click.option("--json", "as_json", is_flag=True, help="Print a list of objects, with the preprocessing.")
def command(pattern: str, as_json: bool) -> None:
    """List the models of the zoo; with PATTERN those whose name has it or, as a glob such as `swin*_384`, fits it."""
    names = zoo.names(pattern)
    if not names:
        near = closest(pattern, zoo.names())
        raise UsageError(f"the zoo has no name like {pattern!r}" + (f"; a similar name is `{near}`" if near else ""))
    progress = Progress()
    try:
        rows = zoo_table(names, progress)
    finally:
        progress.end()
    click.echo(json.dumps([asdict(row) for row in rows], indent=2) if as_json else as_text(rows))


def as_text(rows: list[ZooModel]) -> str:
    """A table."""
    head = ["name", "params", "MACs", "input", "paper"]
    cells = [[row.name, short(row.params), short(row.macs), _size(row.size), _paper(row)] for row in rows]
    return "\n".join(table([head, *cells], [False, True, True, True, False]))


def _size(size: int | list[int]) -> str:
    return str(size) if isinstance(size, int) else "x".join(map(str, size))


def _paper(row: ZooModel) -> str:
    return f"arXiv {row.paper}" if row.paper else ""


class Progress:
    """A line on the standard error that says how far it is, once it has taken a while."""

    def __init__(self) -> None:
        self.start = monotonic()
        self.shown = False

    def __call__(self, done: int, all_: int) -> None:
        if monotonic() - self.start < PATIENCE:
            return
        again = "\r" if sys.stderr.isatty() else ""
        if self.shown and not again:
            return
        self.shown = True
        click.echo(f"{again}counting the models of the zoo, once: {done} of {all_}", err=True, nl=not again)

    def end(self) -> None:
        """Leave a clean line behind."""
        if self.shown and sys.stderr.isatty():
            click.echo("", err=True)
