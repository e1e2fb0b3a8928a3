"""`archdsl explain`."""

import pytest

from archdsl.cli.main import run
from archdsl.diagnostics import codes, registry


@pytest.mark.parametrize("name", ["E0203", "e0203"])
def test_a_code_is_explained(name: str, capsys: pytest.CaptureFixture[str]):
    assert 0 == run(["explain", name])
    assert codes.UNKNOWN_SETTING.page == capsys.readouterr().out


def test_all_codes_are_listed(capsys: pytest.CaptureFixture[str]):
    assert 0 == run(["explain", "--list"])
    assert [f"{code.name}  {code.title}" for code in registry.all_codes()] == capsys.readouterr().out.splitlines()


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["E0110"], "there is no code 'E0110'; the nearest is E0101"),
        (["zzzzzzzzz"], "there is no code 'zzzzzzzzz'; `archdsl explain --list` lists all"),
        ([], "name a code, as in `archdsl explain E0101`, or give --list"),
    ],
)
def test_anything_else_is_a_usage_error(arguments: list[str], message: str, capsys: pytest.CaptureFixture[str]):
    assert 2 == run(["explain", *arguments])
    assert f"Error: {message}\n" == capsys.readouterr().err
