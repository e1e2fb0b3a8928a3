"""The argument TARGET and the options that go with it, the same for every command that takes one."""

import os
import sys
from collections.abc import Callable, Sequence
from functools import wraps
from typing import Any

import click

from archdsl.genome_files import read_genome
from archdsl.meaning.limits import DEFAULT_LIMITS
from archdsl.targets import open_target

Function = Callable[..., Any]
_OPTIONS = (
    click.argument("target", metavar="TARGET"),
    click.option("--set", "written", multiple=True, metavar="NAME=VALUE", help="Give a setting; repeatable."),
    click.option("--genome", metavar="FILE", help="Take the decisions of a space from a JSON file."),
    click.option("--pick", type=click.Choice(["first"]), help="Take the first candidate of a space."),
    click.option("--limit", "limits", multiple=True, metavar="NAME=VALUE", help="Raise a limit; repeatable."),
)


_EXTERN = click.option("--allow-extern", is_flag=True, help="Run the Python that `extern`s of the file refer to.")


def takes_target(*, wants: Sequence[str] = ("model", "space"), builds: bool = False) -> Callable[[Function], Function]:
    """Add them to a command, whose function gets the open `Target` first; and --allow-extern to one that `builds`."""

    def decorate(function: Function) -> Function:
        @wraps(function)
        def command(
            target: str,
            written: tuple[str, ...],
            genome: str | None,
            pick: str | None,
            limits: tuple[str, ...],
            allow_extern: bool = False,
            **others: Any,
        ) -> Any:
            decisions = None if genome is None else read_genome(genome)
            bounds = DEFAULT_LIMITS.changed(limits)
            if allow_extern and os.getcwd() not in sys.path:
                sys.path.append(os.getcwd())  # as `python -m` has it: the user's modules lie there
            opened = open_target(
                target,
                wants=wants,
                written=written,
                genome=decisions,
                pick=pick,
                limits=bounds,
                allow_extern=allow_extern,
            )
            return function(opened, **others)

        for option in reversed((*_OPTIONS, _EXTERN) if builds else _OPTIONS):
            command = option(command)
        return command

    return decorate
