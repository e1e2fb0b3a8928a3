"""The tool: finds the command, turns what goes wrong into a message and an exit status. A command is a click command
`command` in a module of its own, imported only when it is asked for; it returns its exit status, or nothing for 0.

Exit statuses: 0 fine, 1 something is wrong in the files, 2 the command line is wrong, 130 stopped by the keyboard,
141 the reader of the output went away."""

import gc
import os
import sys
from collections.abc import Sequence
from importlib import import_module
from typing import Final, NoReturn

import click

from archdsl.diagnostics.record import ArchError, UnusableFile, UsageError

COMMANDS: Final = {
    "check": "Say what is wrong in files, for every architecture they can mean.",
    "fmt": "Write files in the one canonical form.",
    "explain": "Explain a code of a message.",
    "ops": "List the ops, or describe one.",
    "build": "Build a model, with its weights, and write it down as code.",
    "export": "Write a model as one file: Python, ONNX, pt2, weights.",
    "search": "Search a space for the models worth having.",
    "train": "Train a model, and write it down with what was measured.",
    "eval": "Measure a model with weights on data.",
    "profile": "Count what a model costs, module by module.",
    "show": "Show a resolved architecture as a tree with shapes.",
    "space": "Tell the choices of a space, its size and its bounds.",
    "sample": "Draw candidates of a space, evenly.",
    "zoo": "List the models of the zoo.",
    "tune": "Keep measured times, and carry them between machines.",
}
FILES_ARE_WRONG = 1
USAGE_IS_WRONG = 2
STOPPED = 130
READER_GONE = 141


class LazyCommands(click.Group):
    """Knows names and summaries of its commands without importing them."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in COMMANDS:
            return None
        command = import_module(f"archdsl.cli.{cmd_name}").command
        if not isinstance(command, click.Command):
            raise TypeError(f"archdsl.cli.{cmd_name}.command is no click command")
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        with formatter.section("Commands"):
            formatter.write_dl(list(COMMANDS.items()))


def _show_version(context: click.Context, _option: click.Parameter, wanted: bool) -> None:
    if wanted:
        from importlib.metadata import version

        click.echo(f"archdsl {version('archdsl')}")
        context.exit()


@click.group(cls=LazyCommands, context_settings={"help_option_names": ["-h", "--help"]})
@click.option(
    "--version", is_flag=True, is_eager=True, expose_value=False, callback=_show_version, help="Show the version."
)
def commands() -> None:
    """Neural architectures, and the spaces to search them in, as text that is checked before anything runs."""


def run(arguments: Sequence[str] | None = None) -> int:
    """Run one command line and give its exit status; None stands for the arguments of the process."""
    line = list(sys.argv[1:] if arguments is None else arguments)
    try:
        # Not `commands.main`, which would meet a reader that went away with the status of wrong files.
        with commands.make_context("archdsl", line) as context:
            status = commands.invoke(context)
        sys.stdout.flush()
    except click.exceptions.Exit as end:
        return end.exit_code
    except click.ClickException as error:
        error.show()
        return error.exit_code
    except UsageError as error:
        click.echo(f"Error: {error}", err=True)
        return FILES_ARE_WRONG if isinstance(error, UnusableFile) else USAGE_IS_WRONG
    except ArchError as error:
        from archdsl.diagnostics.text import render

        in_color = sys.stderr.isatty() and not os.environ.get("NO_COLOR")
        click.echo(render(error.diagnostics, color=in_color), err=True)
        return FILES_ARE_WRONG
    except (click.Abort, KeyboardInterrupt) as stop:
        click.echo(f"Stopped{'; ' if str(stop) else ''}{stop}.", err=True)
        return STOPPED
    except BrokenPipeError:
        # What is still buffered has no reader; without this the interpreter complains about it when it ends.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return READER_GONE
    return status if isinstance(status, int) else 0


def main() -> NoReturn:
    """The entry point of the script `archdsl` and of `python -m archdsl`."""
    gc.disable()  # a command is over before collecting pays, and trees are large
    sys.exit(run())
