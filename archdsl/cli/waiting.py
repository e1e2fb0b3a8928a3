"""A line for whoever waits: what is going on, once it has taken two seconds."""

from contextlib import AbstractContextManager

import click

from archdsl.patience import told_when_long


def waiting(doing: str) -> AbstractContextManager[None]:
    """Tell on standard error what the command is at, if that takes longer."""
    return told_when_long(lambda words: click.echo(f"{words} ...", err=True), doing)
