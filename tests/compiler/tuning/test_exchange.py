"""Times on their way from machine to machine."""

import json
from dataclasses import replace

import pytest

from archdsl_compiler.tuning.exchange import UnreadableTimes, lines_of, rows_of
from archdsl_compiler.tuning.rows import Kept
from tests.compiler.tuning.test_record import HERE, KEPT, KEY, OTHER_CONDITIONS, OTHER_KEYS

ROWS = [
    (HERE, KEY, KEPT),
    (OTHER_CONDITIONS[1], KEY, replace(KEPT, error=None)),
    (HERE, OTHER_KEYS[1], Kept(None, None, 'RuntimeError: "no" memory\nat all\u2028', "stem", 1001.5)),
]
LINES = list(lines_of(ROWS))


def test_rows_come_as_they_went():
    assert ROWS == rows_of(LINES)
    assert ROWS == rows_of("\n".join([*LINES, "", ""]).splitlines())
    assert [] == rows_of(lines_of([]))


def test_conditions_are_written_once():
    assert ["header", "conditions", "time", "conditions", "time", "time"] == [
        "conditions" if "conditions" in found else "time" if "at" in found else "header"
        for found in map(json.loads, LINES)
    ]


def header(version: object) -> str:
    return json.dumps({"format": "archdsl measured times", "version": version})


@pytest.mark.parametrize(
    ("lines", "message"),
    [
        ([], "holds no measured times; `archdsl tune export FILE` writes such files"),
        (["a,b", "1,2"], "holds no measured times; "),
        (['{"version": 1}'], "holds no measured times; "),
        ([header(2)], "is written in version 2, and this archdsl reads 1: update archdsl here"),
        ([header(0)], "is written in version 0, and this archdsl reads 1: export it again with an archdsl of this"),
        ([header(None)], "is written in version null, and this archdsl reads 1: export it again"),
        (["[" * 100_000], "holds no measured times; "),
    ],
)
def test_what_is_no_table_of_this_version_is_refused(lines: list[str], message: str):
    with pytest.raises(UnreadableTimes) as caught:
        rows_of(lines)
    assert str(caught.value).startswith(message)


def changed(line: str, **fields: object) -> str:
    return json.dumps({**json.loads(line), **fields})


def without(line: str, name: str) -> str:
    return json.dumps({key: value for key, value in json.loads(line).items() if key != name})


@pytest.mark.parametrize(
    "damaged",
    [
        LINES[2][:-9],
        "3",
        "[" * 100_000,
        changed(LINES[2], at=7),
        changed(LINES[2], region=5),
        changed(LINES[2], batch=1.5),
        changed(LINES[2], batch=True),
        changed(LINES[2], colour="red"),
        changed(LINES[2], timing={"median": 1.0}),
        changed(LINES[2], timing=[1.0, 1.0, 1]),
        changed(LINES[2], measured=float("nan")),
        changed(LINES[1], features="avx2"),
        changed(LINES[1], features=[2]),
        changed(LINES[1], conditions=[1]),
        *(without(LINES[2], name) for name in json.loads(LINES[2])),
        *(without(LINES[1], name) for name in json.loads(LINES[1])),
    ],
)
def test_a_damaged_line_is_named(damaged: str):
    with pytest.raises(UnreadableTimes) as caught:
        rows_of([LINES[0], LINES[1], "", damaged, *LINES[3:]])
    assert "is damaged in line 4; nothing of it was taken" == str(caught.value)
