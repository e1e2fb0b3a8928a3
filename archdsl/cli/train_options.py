"""The options that say how `train` and `eval` go about their work."""

import signal
from collections.abc import Callable, Generator
from contextlib import contextmanager
from functools import wraps
from types import FrameType
from typing import Any

import click

from archdsl.diagnostics.record import UsageError

Function = Callable[..., Any]
_OPTIONS = (
    click.option(
        "--data", metavar="SOURCE", help="digits, fashion_mnist, a folder of pictures, FILE.npz, or NAME:PATH."
    ),
    click.option(
        "--with", "fields", multiple=True, metavar="FIELD=VALUE", help="Set a field of the recipe; repeatable."
    ),
    click.option("--threads", type=click.IntRange(min=1), metavar="N", help="Compute in so many threads."),
)


def takes_data(function: Function) -> Function:
    """Add them to a command, whose function gets the `given` fields of a recipe as texts of the language."""

    @wraps(function)
    def command(*positional: Any, data: str | None, fields: tuple[str, ...], **others: Any) -> Any:
        from archdsl.train.written import data_text

        given: dict[str, str] = {}
        for text in fields:
            name, sign, value = (part.strip() for part in text.partition("="))
            if not (sign and name and value):
                raise UsageError(f"--with takes FIELD=VALUE, as in --with epochs=3, not {text!r}")
            given[name] = value
        if data is not None:
            given["data"] = data_text(data)
        return function(*positional, given=given, **others)

    for option in reversed(_OPTIONS):
        command = option(command)
    return command


@contextmanager
def asked_to_stop() -> Generator[Callable[[], bool]]:
    """Whether Ctrl-C was pressed; a second time it stops at once."""
    asked: list[bool] = []

    def note(_number: int, _frame: FrameType | None) -> None:
        if asked:
            raise KeyboardInterrupt
        asked.append(True)
        click.echo("stopping after this step ...", err=True)

    before = signal.signal(signal.SIGINT, note)
    try:
        yield lambda: bool(asked)
    finally:
        signal.signal(signal.SIGINT, before)
