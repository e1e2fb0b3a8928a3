"""`archdsl ops`."""

import json

import pytest

from archdsl.cli.main import run
from archdsl.meaning.builtins import BUILTINS
from archdsl_compiler.ops.reference import describe
from archdsl_compiler.ops.registry import ops


def test_an_op_is_described_by_its_declaration(capsys: pytest.CaptureFixture[str]):
    assert 0 == run(["ops", "conv"])
    assert describe(ops()["conv"]) == capsys.readouterr().out


def test_a_function_of_numbers_is_described(capsys: pytest.CaptureFixture[str]):
    assert 0 == run(["ops", "ilog2"])
    assert f"{BUILTINS['ilog2'].signature}\n\n{BUILTINS['ilog2'].doc}\n" == capsys.readouterr().out


def test_everything_is_listed(capsys: pytest.CaptureFixture[str]):
    assert 0 == run(["ops"])
    listed = {line.split()[0] for line in capsys.readouterr().out.splitlines() if line.startswith("  ")}
    assert {*ops(), *BUILTINS} == listed


def test_objects_tell_the_settings(capsys: pytest.CaptureFixture[str]):
    assert 0 == run(["ops", "conv", "--json"])
    conv = json.loads(capsys.readouterr().out)
    assert ("conv", ops()["conv"].shapes) == (conv["name"], conv["shapes"])
    assert {"name": "out", "type": "int", "required": True} == conv["settings"][0]
    assert {"name": "groups", "type": "int", "required": False, "default": "1"} in conv["settings"]


def test_objects_of_everything(capsys: pytest.CaptureFixture[str]):
    assert 0 == run(["ops", "--json"])
    assert [*ops(), *BUILTINS] == [item["name"] for item in json.loads(capsys.readouterr().out)]


@pytest.mark.parametrize(("name", "hint"), [("cnov", "a similar name: conv"), ("zzzzzz", "`archdsl ops` lists all")])
def test_an_unknown_name_is_a_usage_error(name: str, hint: str, capsys: pytest.CaptureFixture[str]):
    assert 2 == run(["ops", name])
    assert f"Error: there is no op '{name}'; {hint}\n" == capsys.readouterr().err
