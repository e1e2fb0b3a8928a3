"""What every evaluator keeps to."""

import pickle
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
import torch

from archdsl.meaning.catalogue.registry import family
from archdsl.parts import EXTERN, Part, as_json, from_json
from archdsl.search.contract import Ground, Prepared
from archdsl.search.evaluators.registry import MODULES, evaluated, evaluator_named
from archdsl.space.opened import Space
from tests.search.evaluators.cases import Case, cases, ground_in, ready, space_in, work_for

CASES = cases()


@pytest.fixture
def ground(tmp_path: Path) -> Iterator[Ground]:
    with ground_in(tmp_path) as found:
        yield found


@pytest.fixture
def space(tmp_path: Path) -> Space:
    return space_in(tmp_path)


def test_every_evaluator_has_a_case_and_every_entry_that_runs_a_module():
    assert {case.part.name for case in CASES.values()} == set(MODULES)
    built = {name for name, entry in family("evaluator").items() if entry.built}
    assert built <= set(MODULES)
    assert EXTERN in MODULES


@pytest.mark.parametrize("case", CASES.values(), ids=CASES)
def test_an_evaluator_says_what_it_gives_and_gives_it(case: Case, ground: Ground, space: Space):
    evaluator = evaluator_named(case.part.name)
    assert isinstance(evaluator.AT_HOME, bool)
    assert isinstance(evaluator.TIMED, bool)
    prepared = evaluator.prepare(case.part, ground)
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
    part = ready(case.part, ground)
    work = work_for(space, ground.samples[0], part, *case.objectives, seed=3)
    before = torch.get_rng_state()
    first, second = evaluated(work), evaluated(work)
    assert torch.equal(torch.get_rng_state(), before)
    if not evaluator_named(case.part.name).TIMED:
        assert first == second
    assert first.metrics.keys() == second.metrics.keys()


@pytest.mark.parametrize("case", CASES.values(), ids=CASES)
def test_an_evaluator_can_be_asked_for_nothing(case: Case, ground: Ground, space: Space):
    part = ready(case.part, ground)
    evaluated(replace(work_for(space, ground.samples[0], part), known={"params": 1.0, "macs": 1.0}))
