"""Functions of numbers, also of those that share their name with an op."""

from pathlib import Path

import pytest

import archdsl
from archdsl.meaning.builtins import BUILTINS
from archdsl_compiler.ops.registry import ops


def test_no_function_of_numbers_is_hidden_by_an_op():
    assert set() == BUILTINS.keys() & ops().keys()


@pytest.mark.parametrize(
    ("written", "expected"),
    [
        ("round(2.5)", 3),
        ("floor(2.9)", 2),
        ("ceil(2.1)", 3),
        ("int(2.9)", 2),
        ("abs(-3)", 3),
        ("int(sqrt(9.0))", 3),
        ("ilog2(9)", 3),
    ],
)
def test_a_number_is_made_of_a_number(tmp_path: Path, written: str, expected: int):
    file = tmp_path / "net.arch"
    file.write_text(f"model net()(x: [b, 4]) {{\n  return x |> linear({written}) as head\n}}\n", encoding="utf-8")
    assert 5 * expected == archdsl.profile(str(file)).params
