"""Ours find better candidates than others do with as many trials."""

import pytest

from tests.bench.proposing import QUICK, proposing
from tests.bench.search_efficiency import ALONE, BUDGETS, FRONTS, Compared, compared, missing, regrets


@pytest.mark.slow
def test_ours_are_ahead_of_chance_and_plain_evolution():
    """A few seeds of what the study measures in full."""
    seeds = range(4)
    alone = Compared("regret", {name: [regrets(name, seed) for seed in seeds] for name in list(ALONE)[:4]})
    fronts = {name: [missing(name, seed)["near"] for seed in seeds] for name in list(FRONTS)[:2]}
    assert [] == alone.broken() + Compared("missing hypervolume", fronts).broken()


@pytest.mark.study
def test_ours_are_ahead_of_all_others():
    found = compared(100)
    print(*found, sep="\n")
    assert [] == [line for each in found for line in each.broken()]


def test_being_behind_is_told():
    worse = Compared(
        "regret", {"ours": [(1.0, 1.0, 1.2), (1.0, 0.0, 1.3)], "rival": [(0.5, 2.0, 1.0), (0.5, 0.0, 1.3)]}
    )
    assert [f"regret after {BUDGETS[0]}"] == [line.partition(":")[0] for line in worse.broken()]


@pytest.mark.slow
@pytest.mark.parametrize("name", QUICK)
def test_proposals_stay_quick(name: str):
    """With patience for a crowded machine; `make bench` shows the figures."""
    assert proposing(name, 3_000, 30).holds(4.0)
