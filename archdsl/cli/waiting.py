"""A line for whoever waits: what is going on, once it has taken two seconds."""

import sys
from collections.abc import Callable, Generator
from contextlib import AbstractContextManager, contextmanager
from time import monotonic
from typing import Final

import click

from archdsl.patience import PATIENCE, told_when_long
from archdsl.tables import clipped

WIDTH: Final = 79
"""Of a line that is written over."""
SELDOM: Final = 15.0
"""Seconds between lines that stay."""


def waiting(doing: str) -> AbstractContextManager[None]:
    """Tell on standard error what the command is at, if that takes longer."""
    return told_when_long(lambda words: click.echo(f"{words} ...", err=True), doing)


@contextmanager
def telling(doing: str) -> Generator[Callable[[int, int, str], None]]:
    """Gives what tells on standard error how far the work is: on a terminal in one line, else now and then."""
    begun = told = monotonic()
    over = sys.stderr.isatty()
    shown = False

    def tell(done: int, all_: int, what: str) -> None:
        nonlocal told, shown
        now = monotonic()
        if now - begun < PATIENCE or (not over and shown and now - told < SELDOM):
            return
        told, shown = now, True
        line = clipped(f"{doing}: {done + 1} of {all_}, {what}", WIDTH)
        click.echo(f"\r{line.ljust(WIDTH)}" if over else line, err=True, nl=not over)

    try:
        yield tell
    finally:
        if shown and over:
            click.echo(f"\r{' ' * WIDTH}\r", err=True, nl=False)
