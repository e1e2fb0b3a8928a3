"""What every evaluator keeps to."""

import pickle
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import get_args

import pytest
import torch

from archdsl.parts import Part, as_json, from_json
from archdsl.search import evaluators
from archdsl.search.contract import Ground, Place, Prepared
from archdsl.search.evaluation import evaluator_named
from archdsl.space.opened import Space
from tests.search.evaluators.cases import Case, cases, evaluated, ground_in, ready, space_in, work_for

pytestmark = pytest.mark.usefixtures("one_thread")
TESTED_ELSEWHERE = {"training"}
"""Trains, so that its cases take longer."""
CASES = cases()
NO_EVALUATORS = {"__init__", "predicted", "reported", "stages", "tabled"}
EVALUATORS = {path.stem for path in Path(evaluators.__path__[0]).glob("*.py")} - NO_EVALUATORS - TESTED_ELSEWHERE


@pytest.fixture
def ground(tmp_path: Path) -> Iterator[Ground]:
    with ground_in(tmp_path) as found:
        yield found


@pytest.fixture
def space(tmp_path: Path) -> Space:
    return space_in(tmp_path)


def test_every_evaluator_has_a_case():
    assert {case.part.name for case in CASES.values()} == EVALUATORS


@pytest.mark.parametrize("case", CASES.values(), ids=CASES)
def test_an_evaluator_says_what_it_gives_and_gives_it(case: Case, ground: Ground, space: Space):
    evaluator = evaluator_named(case.part.name)
    assert evaluator.PLACE in get_args(Place)
    assert isinstance(evaluator.READS_ARCHITECTURE, bool)
    prepared = evaluator.prepare(case.part, replace(ground, objectives=case.objectives))
    assert isinstance(prepared, Prepared)
    part = Part(case.part.name, {**case.part.settings, **prepared.found})
    assert from_json(as_json(part)) == part
    assert all(evaluator.gives(part, wish) for wish in case.objectives)
    assert not any(evaluator.gives(part, wish) for wish in case.others)
    for candidate in ground.samples[:2]:
        work = work_for(space, candidate, part, *case.objectives, *case.others)
        found = evaluated(pickle.loads(pickle.dumps(work)))
        assert {wish.name for wish in case.objectives} <= found.metrics.keys()
        assert not {wish.name for wish in case.others} & found.metrics.keys()
        assert all(type(value) is float for value in found.metrics.values())
        assert not found.pruned


@pytest.mark.parametrize("case", CASES.values(), ids=CASES)
def test_an_evaluator_says_the_same_again_and_leaves_random_numbers_alone(case: Case, ground: Ground, space: Space):
    part = ready(case, ground)
    work = work_for(space, ground.samples[0], part, *case.objectives, seed=3)
    before = torch.get_rng_state()
    first, second = evaluated(work), evaluated(work)
    assert torch.equal(torch.get_rng_state(), before)
    if evaluator_named(case.part.name).PLACE != "alone":
        assert first == second
    assert first.metrics.keys() == second.metrics.keys()


@pytest.mark.parametrize("case", CASES.values(), ids=CASES)
def test_an_evaluator_can_be_asked_for_nothing(case: Case, ground: Ground, space: Space):
    part = ready(case, ground)
    evaluated(replace(work_for(space, ground.samples[0], part), known={"params": 1.0, "macs": 1.0}))
