"""A line for whoever waits: what is going on, once it has taken two seconds."""

from collections.abc import Generator
from contextlib import contextmanager
from threading import Timer

import click

PATIENCE = 2.0
"""Seconds without a word."""


@contextmanager
def waiting(doing: str) -> Generator[None]:
    """Tell on standard error what the command is at, if that takes longer."""
    timer = Timer(PATIENCE, lambda: click.echo(f"{doing} ...", err=True))
    timer.daemon = True
    timer.start()
    try:
        yield
    finally:
        timer.cancel()
