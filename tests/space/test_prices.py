"""Costs that are read off the diagrams, against following each genome."""

from pathlib import Path
from random import Random

import pytest

import archdsl
from archdsl.diagnostics.record import ArchError, UsageError
from archdsl.search.contract import Candidate
from archdsl.space.costing import FOLLOWED_FIRST, Asked
from archdsl.space.prices import NoPrice, prices
from tests.space.test_followed import NESTED, SPACES
from tests.space.walked import all_valid, opened


@pytest.mark.parametrize("name", SPACES)
def test_each_genome_has_its_price(name: str, tmp_path: Path):
    space = opened(tmp_path, NESTED + SPACES[name])
    found = prices(space)
    assert found is not None
    for candidate in all_valid(space).values():
        assert found.of(candidate.genome) == (candidate.params, candidate.macs)
    with pytest.raises(NoPrice):
        found.of({"unknown": 1})


def test_many_costs_are_the_same_costs(tmp_path: Path):
    space = opened(tmp_path, NESTED + SPACES["a chosen length and a sum"])
    program, rng = space.target.program, Random(0)
    for _ in range(FOLLOWED_FIRST + 100):
        drawn = space.complete({}, rng, graph=False)
        if isinstance(drawn, Candidate):
            cost = archdsl.costs(program, "s", None, drawn.genome)
            assert (cost.params, cost.macs) == (drawn.params, drawn.macs)
            genome = drawn.genome
    while not any(isinstance(kept, Asked) and kept.prices for kept in program.modules.values()):
        archdsl.costs(program, "s", None, genome)
    assert archdsl.costs(program, "s", None, genome).outputs == cost.outputs
    with pytest.raises(UsageError, match="nothing"):
        archdsl.costs(program, "s", None, {**genome, "nothing": 1})
    with pytest.raises(ArchError):
        archdsl.costs(program, "s", None, {**genome, "width": 7})
