"""`archdsl explain`: the page of a code."""

import click

from archdsl.diagnostics import registry
from archdsl.diagnostics.record import UsageError
from archdsl.diagnostics.suggest import closest


@click.command(name="explain")
@click.argument("code", required=False)
@click.option("--list", "list_all", is_flag=True, help="List every code with its title.")
def command(code: str | None, list_all: bool) -> None:
    """Explain CODE, as in a message: what happened, why, and how it is written right."""
    if list_all:
        click.echo("\n".join(f"{known.name}  {known.title}" for known in registry.all_codes()))
        return
    if code is None:
        raise UsageError("name a code, as in `archdsl explain E0101`, or give --list")
    found = registry.code(code)
    if found is None:
        near = closest(code.upper(), (known.name for known in registry.all_codes()))
        hint = f"the nearest is {near}" if near else "`archdsl explain --list` lists all"
        raise UsageError(f"there is no code {code!r}; {hint}")
    click.echo(found.page.rstrip("\n"))
