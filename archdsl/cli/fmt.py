"""`archdsl fmt`: writes files in the one canonical form."""

import difflib
import os
import sys
from dataclasses import dataclass
from pathlib import Path

import click

from archdsl.cli.files import expanded, write_whole
from archdsl.diagnostics import codes
from archdsl.diagnostics.record import ArchError, Diagnostic
from archdsl.diagnostics.text import render
from archdsl.meaning.limits import DEFAULT_LIMITS
from archdsl.meaning.loading import UnreadableFile, read_text, syntax_limits
from archdsl.source import Source, Span
from archdsl.syntax.format import format_text
from archdsl.syntax.limits import SyntaxLimits

STANDARD_INPUT = "-"


@dataclass(frozen=True, slots=True)
class Formatted:
    """A text before and after."""

    path: str
    before: str
    after: str

    @property
    def differs(self) -> bool:
        return self.before != self.after


@click.command(name="fmt")
@click.argument("files", nargs=-1, required=True, metavar="FILES...")
@click.option("--check", is_flag=True, help="Write nothing; tell which files would change.")
@click.option("--diff", is_flag=True, help="Write nothing; print what would change.")
@click.option("--limit", "limits", multiple=True, metavar="NAME=VALUE", help="Raise a limit; repeatable.")
def command(files: tuple[str, ...], check: bool, diff: bool, limits: tuple[str, ...]) -> int:
    """Write FILES in the one canonical form. A folder stands for the .arch files in it, `-` for standard input, whose
    canonical form is printed."""
    bounds = syntax_limits(DEFAULT_LIMITS.changed(limits))
    faults: list[Diagnostic] = []
    differing = 0
    for file in expanded(files):
        try:
            formatted = _formatted(file, bounds)
            if not check and not diff:
                _write(formatted)
        except ArchError as error:
            faults += error.diagnostics
            continue
        differing += formatted.differs
        if diff:
            click.echo(_difference(formatted), nl=False)
        if check and formatted.differs:
            click.echo(f"would change {file}", err=True)
    if faults:
        click.echo(render(faults, color=sys.stderr.isatty() and not os.environ.get("NO_COLOR")), err=True)
    return 1 if faults or ((check or diff) and differing) else 0


def _formatted(file: str, limits: SyntaxLimits) -> Formatted:
    name = "<stdin>" if file == STANDARD_INPUT else file
    try:
        if file == STANDARD_INPUT:
            text = sys.stdin.buffer.read().decode("utf-8")
        else:
            text = read_text(Path(file), limits.characters)
    except UnicodeDecodeError as error:
        raise _unreadable(name, f"byte {error.start} is no UTF-8 text") from None
    except UnreadableFile as error:
        raise _unreadable(name, str(error)) from None
    return Formatted(file, text, format_text(Source(name, text), limits))


def _unreadable(name: str, why: str) -> ArchError:
    return ArchError((codes.UNREADABLE.at(Span(Source(name, ""), 0, 0), f"`{name}` cannot be read: {why}"),))


def _difference(formatted: Formatted) -> str:
    before, after = (text.splitlines(keepends=True) for text in (formatted.before, formatted.after))
    lines = difflib.unified_diff(before, after, formatted.path, f"{formatted.path} (canonical)")
    return "".join(line if line.endswith("\n") else f"{line}\n\\ no newline at the end of the file\n" for line in lines)


def _write(formatted: Formatted) -> None:
    """Whole or not at all; a link goes on pointing to its file, whose rights stay as they are."""
    if formatted.path == STANDARD_INPUT:
        click.echo(formatted.after, nl=False)
        return
    if not formatted.differs:
        return
    write_whole(formatted.path, formatted.after)
    click.echo(f"formatted {formatted.path}", err=True)
