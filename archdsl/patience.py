"""A word for whoever waits: what is going on, once it has taken some time."""

from collections.abc import Callable, Generator
from contextlib import contextmanager
from threading import Timer

PATIENCE = 2.0
"""Seconds without a word."""


@contextmanager
def told_when_long(tell: Callable[[str], object], doing: str) -> Generator[None]:
    """Tell what is going on, if it takes longer."""
    timer = Timer(PATIENCE, tell, (doing,))
    timer.daemon = True
    timer.start()
    try:
        yield
    finally:
        timer.cancel()
