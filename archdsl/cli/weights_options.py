"""The options that say which weights a model gets, the same for `build` and `export`."""

from collections.abc import Callable
from functools import wraps
from typing import Any

import click

from archdsl.assembly import Loading

Function = Callable[..., Any]
_OPTIONS = (
    click.option("--weights", metavar="FILE", help="Load weights: .safetensors, or what torch.save wrote."),
    click.option(
        "--match",
        type=click.Choice(["name", "order"]),
        default="name",
        help="Find the place of weights by their names, or by order where names differ.",
    ),
    click.option(
        "--skip", multiple=True, metavar="PATTERN", help="Leave parts at their initialisation; repeatable, `*` is any."
    ),
    click.option(
        "--adapt", is_flag=True, help="Renew a classifier of other classes, resize tables of positions of another size."
    ),
    click.option("--deploy", is_flag=True, help="Fold norms, scales and branches, for inference."),
    click.option("--seed", type=int, default=0, show_default=True, metavar="N", help="Of the initialisation."),
    click.option("--force", is_flag=True, help="Replace what the output path holds."),
)


def takes_weights(function: Function) -> Function:
    """Add them to a command, whose function gets a `Loading`."""

    @wraps(function)
    def command(
        *positional: Any, weights: str | None, match: Any, skip: tuple[str, ...], adapt: bool, **others: Any
    ) -> Any:
        return function(*positional, loading=Loading(weights, match, skip, adapt), **others)

    for option in reversed(_OPTIONS):
        command = option(command)
    return command
