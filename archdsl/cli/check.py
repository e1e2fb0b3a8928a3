"""`archdsl check`: says what is wrong in files, for every architecture they can mean."""

import json
import os
import sys
from pathlib import Path

import click

from archdsl.cli.files import expanded, write_whole
from archdsl.diagnostics.fixes import apply_fixes
from archdsl.diagnostics.json import as_objects
from archdsl.diagnostics.text import presentable, render, summary
from archdsl.meaning.check import Checked, check_paths
from archdsl.meaning.limits import DEFAULT_LIMITS


@click.command(name="check")
@click.argument("files", nargs=-1, required=True, metavar="FILES...")
@click.option("--json", "as_json", is_flag=True, help="Print one list of objects instead of text.")
@click.option("--fix", is_flag=True, help="Apply the fixes that are safe, then check again.")
@click.option("--strict", is_flag=True, help="Let warnings fail, too.")
@click.option("--limit", "limits", multiple=True, metavar="NAME=VALUE", help="Raise a limit; repeatable.")
def command(files: tuple[str, ...], as_json: bool, fix: bool, strict: bool, limits: tuple[str, ...]) -> int:
    """Check FILES and the files beside them that they import; folders stand for the .arch files in them."""
    bounds = DEFAULT_LIMITS.changed(limits)
    paths = [Path(file) for file in expanded(files)]
    checked = check_paths(paths, bounds)
    if fix and _fix(checked):
        checked = check_paths(paths, bounds)
    found = presentable(checked.diagnostics)
    if as_json:
        click.echo(json.dumps(as_objects(found), indent=2, ensure_ascii=False))
    else:
        in_color = sys.stdout.isatty() and not os.environ.get("NO_COLOR")
        if found:
            click.echo(render(found, color=in_color))
            click.echo()
        counted = f"{len(paths)} file{'' if len(paths) == 1 else 's'}"
        click.echo(f"{counted}: {summary(found)}" if found else f"{counted}: no faults")
        for name in checked.covered:
            click.echo(f"`{name}` is covered, not proven: it has too many cases to be followed whole")
        for name in checked.sampled:
            click.echo(f"`{name}` is covered, not proven: its continuous ranges are looked at in a few places")
    return 1 if checked.errors or (strict and found) else 0


def _fix(checked: Checked) -> bool:
    """Write the files with their safe fixes applied; whether there were any."""
    texts = {unit.source.name: unit.source.text for unit in checked.library.units.values() if not unit.packaged}
    changed = apply_fixes(texts, checked.diagnostics)
    for name, text in changed.items():
        write_whole(name, text)
        click.echo(f"fixed {name}", err=True)
    return bool(changed)
