"""Studies keep what is finished, compare by pairs, and say what they do before they do it."""

from dataclasses import replace
from pathlib import Path

import pytest

from tests.studies.study import Comparison, Study, carried_out, comparisons, report

RUNS: list[tuple[str, int]] = []


def run(arm: str, seed: int) -> float:
    RUNS.append((arm, seed))
    return {"new": 0.9, "old": 0.8}[arm] + 0.01 * seed


STUDY = Study("small", "Is new better?", ("data: none", "epochs: 0"), ("new", "old"), (0, 1, 2), run)


def test_runs_are_kept_and_what_decides_them_tells_them_apart(tmp_path: Path):
    RUNS.clear()
    said: list[str] = []
    first = carried_out(STUDY, said.append, tmp_path, workers=1)
    assert STUDY.statement == said[0]
    assert 6 == len(RUNS)
    assert first == carried_out(STUDY, said.append, tmp_path, workers=1)
    assert 6 == len(RUNS)
    carried_out(replace(STUDY, seeds=(0, 1, 2, 3)), said.append, tmp_path, workers=1)
    assert 8 == len(RUNS)
    carried_out(replace(STUDY, plan=("data: some",)), said.append, tmp_path, workers=1)
    assert 14 == len(RUNS)


def test_differences_are_those_of_pairs(tmp_path: Path):
    results = carried_out(STUDY, lambda _line: None, tmp_path, workers=1)
    (found,) = comparisons(STUDY, results)
    assert pytest.approx((0.1, 0.0)) == (found.mean, found.error)
    assert "new - old: +0.1000, standard error 0.0000: not worse" in report(STUDY, results)


@pytest.mark.parametrize(
    ("differences", "holds"), [((0.1, 0.1, 0.1), True), ((-0.1, -0.1, -0.1), False), ((-0.03, 0.01, 0.01), True)]
)
def test_a_claim_holds_within_one_standard_error(differences: tuple[float, ...], holds: bool):
    assert holds is Comparison("new", "old", differences).holds
