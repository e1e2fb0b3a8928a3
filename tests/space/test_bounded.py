"""Candidates under conditions: they meet them, are drawn evenly where that is said, and none is made up."""

from pathlib import Path
from random import Random

import pytest

from archdsl.search.contract import Candidate
from archdsl.space.bounded import Bounded, Unsatisfiable
from archdsl.space.opened import Space
from archdsl.space.sampling import conditions
from archdsl.space.wishes import Bound, CostBound, Wish
from archdsl.targets import open_target
from tests.searchspaces.test_search_spaces import path_of
from tests.space.test_followed import NESTED, SPACES
from tests.space.walked import all_valid, key_of, opened


@pytest.fixture
def space(tmp_path: Path) -> Space:
    return opened(tmp_path, NESTED + SPACES["a chosen length and a sum"])


def bounded(space: Space, text: str) -> Bounded:
    return Bounded(space, tuple(conditions(space, text)))


@pytest.mark.parametrize(
    ("text", "way"),
    [("params < 1K and sum(depths) == 3", "even"), ("width == 8 and macs >= 300", "even"), ("s.width == 16", "even")],
)
def test_conditions_are_met(space: Space, text: str, way: str):
    domain = bounded(space, text)
    assert domain.plan.way == way
    rng = Random(0)
    for _ in range(20):
        found = domain.draw(rng)
        assert found.hash
        assert not sum(wish.violation(found) for wish in domain.wishes)


def evenly(domain: Bounded, draws: int) -> None:
    wanted = [key for key, c in all_valid(domain.space).items() if not sum(wish.violation(c) for wish in domain.wishes)]
    counts = dict.fromkeys(wanted, 0)
    rng = Random(5)
    for _ in range(draws * len(wanted)):
        counts[key_of(domain.draw(rng))] += 1
    chi2 = sum((count - draws) ** 2 / draws for count in counts.values())
    freedom = len(wanted) - 1
    assert chi2 < freedom + 4 * (2 * freedom) ** 0.5 + 4


def test_draws_are_even_under_bounds_of_costs(space: Space):
    least = sorted(c.macs for c in all_valid(space).values())
    evenly(Bounded(space, (CostBound("few", "macs", high=least[len(least) // 3]),)), 8)


def test_draws_are_even_where_hardly_any_is_cheap(space: Space, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr("archdsl.space.bounded.RARE", 2.0)
    least = sorted(c.macs for c in all_valid(space).values())
    domain = Bounded(space, (CostBound("few", "macs", high=least[len(least) // 10]),))
    assert domain.plan.way == "by_cost"
    evenly(domain, 12)


def test_one_in_a_million_is_found():
    space = Space(open_target(path_of("metaformer_mixers:metaformer_mixers")))
    domain = Bounded(space, (CostBound("cheap", "macs", high=111_000_000),))
    found = domain.draw(Random(1))
    assert domain.even
    assert found.macs <= 111_000_000


def test_what_nobody_meets_is_said(space: Space):
    with pytest.raises(Unsatisfiable, match="lie between"):
        bounded(space, "macs < 3").draw(Random(0))
    with pytest.raises(Unsatisfiable, match="no candidate meets"):
        bounded(space, "sum(depths) > 9").draw(Random(0))


def test_functions_are_conditions_too(space: Space):
    def slow(candidate: Candidate) -> float:
        return float(sum(3 for option in candidate.genome.values() if option == "heads") + len(candidate.genome))

    wishes: tuple[Wish, ...] = (Bound("fast", slow, high=5.5),)
    domain = Bounded(space, wishes)
    for seed in range(5):
        assert slow(domain.draw(Random(seed))) <= 5.5
    child = domain.complete({"width": 8, "depths.0": 2, "depths.1": 1}, Random(0))
    assert isinstance(child, Candidate)
    assert slow(child) <= 5.5
