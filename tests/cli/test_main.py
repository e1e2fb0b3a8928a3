"""The frame of the tool: statuses, messages, and commands that are imported only when they are asked for."""

import os
import subprocess
import sys
from importlib.metadata import version

import click
import pytest

from archdsl.cli import main
from archdsl.diagnostics.record import ArchError, Code, UsageError
from archdsl.source import Source, Span


def run_raising(monkeypatch: pytest.MonkeyPatch, error: BaseException) -> int:
    """The status of a command that ends with this error."""

    @click.command
    def command() -> None:
        raise error

    monkeypatch.setattr(main.LazyCommands, "get_command", lambda *_: command)
    return main.run(["check"])


def test_the_version_is_the_installed_one(capsys):
    assert 0 == main.run(["--version"])
    assert f"archdsl {version('archdsl')}\n" == capsys.readouterr().out


@pytest.mark.parametrize("option", ["-h", "--help"])
def test_help_lists_every_command(option, capsys):
    assert 0 == main.run([option])
    shown = capsys.readouterr().out
    assert [] == [name for name, summary in main.COMMANDS.items() if f"  {name}" not in shown or summary not in shown]


@pytest.mark.parametrize("name", main.COMMANDS)
def test_each_command_is_one_and_has_help(name, capsys):
    assert 0 == main.run([name, "--help"])
    assert f"Usage: archdsl {name} " in capsys.readouterr().out


def test_an_unknown_command_is_a_usage_error(capsys):
    assert 2 == main.run(["unknown"])
    assert "No such command 'unknown'." in capsys.readouterr().err


def test_a_usage_error_has_status_2_and_its_message(monkeypatch, capsys):
    assert 2 == run_raising(monkeypatch, UsageError("--limit takes NAME=NUMBER"))
    assert "Error: --limit takes NAME=NUMBER\n" == capsys.readouterr().err


def test_faults_in_files_have_status_1_and_are_rendered(monkeypatch, capsys):
    source = Source("small.arch", "let a = b\n")
    fault = Code("E9999", "an unknown name").at(Span(source, 8, 9), "`b` is not known", "not known")
    assert 1 == run_raising(monkeypatch, ArchError((fault,)))
    shown = capsys.readouterr().err
    assert ("E9999" in shown, "small.arch" in shown, "`b` is not known" in shown) == (True, True, True)


def test_the_keyboard_stops_with_one_line(monkeypatch, capsys):
    assert 130 == run_raising(monkeypatch, KeyboardInterrupt())
    assert "Stopped." == capsys.readouterr().err.strip()


def test_a_bug_is_not_hidden(monkeypatch):
    with pytest.raises(ZeroDivisionError):
        run_raising(monkeypatch, ZeroDivisionError())


def test_a_reader_that_goes_away_is_met_in_silence():
    reading, writing = os.pipe()
    os.close(reading)
    done = subprocess.run([sys.executable, "-m", "archdsl", "ops"], stdout=writing, stderr=subprocess.PIPE, text=True)
    os.close(writing)
    assert (141, "") == (done.returncode, done.stderr)
