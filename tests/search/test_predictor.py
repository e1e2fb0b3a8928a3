"""The predictor: it learns what there is to learn, says how well, and takes what is told as it comes."""

from math import inf, nan
from random import Random

import pytest

from archdsl.search.correlation import kendall, ranks, spearman
from archdsl.search.strategies.predictor import Predictor
from archdsl.search.strategies.told import Told
from tests.search.domains import finished, flat, layered, wishes

ONE, TWO = wishes("max"), wishes("max", "min")


def learnt(count: int, objectives=ONE, noise: float = 0.0) -> Predictor:
    """One that has seen random candidates whose values are sums over their decisions."""
    rng, domain = Random(0), flat(8, 4)
    told = Told(objectives)
    predictor = Predictor(told)
    for number in range(count):
        candidate = domain.draw(rng)
        value = sum(float(str(option)) * (site + 1) for site, option in enumerate(candidate.genome.values()))
        told.add(finished(number, candidate, *[value + rng.gauss(0, noise)] * len(objectives)), candidate)
        predictor.learn()
    return predictor


@pytest.mark.parametrize("count", [40, 300])
def test_it_tells_the_better_of_two(count: int):
    predictor = learnt(count)
    poor, good = ({f"block{site}": option for site in range(8)} for option in (0, 3))
    low, high = predictor.gains(Random(0), [poor, good])
    assert high > low


def test_it_says_how_well_it_ranks():
    found = learnt(200).correlations()
    assert {"surrogate_spearman_f0", "surrogate_kendall_f0"} == set(found)
    assert 0.8 < found["surrogate_spearman_f0"] <= 1.0
    assert found["surrogate_kendall_f0"] < found["surrogate_spearman_f0"]
    assert abs(learnt(200, noise=1e4).correlations()["surrogate_spearman_f0"]) < 0.3


def test_several_objectives_are_ranked_apart():
    assert 4 == len(learnt(60, TWO).correlations())


@pytest.mark.parametrize("value", [inf, -inf, nan, 1e300, 0.0])
def test_strange_values_do_no_harm(value: float):
    domain, rng, told = layered(), Random(0), Told(ONE)
    predictor = Predictor(told)
    for number in range(40):
        candidate = domain.draw(rng)
        told.add(finished(number, candidate, value if number % 3 else float(number)), candidate)
        predictor.learn()
    gains = predictor.gains(rng, [domain.draw(rng).genome for _ in range(5)])
    assert all(gain == gain for gain in gains)


def test_what_is_on_its_way_is_worth_less():
    predictor = learnt(40)
    genome = {f"block{site}": 3 for site in range(8)}
    alone, beside = (predictor.gains(Random(0), [genome], pending)[0] for pending in ([], [genome]))
    assert beside < alone


def test_ranks_of_equals_are_their_mean():
    assert [0.0, 2.0, 2.0, 2.0, 4.0] == ranks([1, 3, 3, 3, 9])


def test_correlations_of_orders():
    assert 1.0 == pytest.approx(spearman([1, 2, 3], [10, 20, 90]))
    assert -1.0 == pytest.approx(kendall([1, 2, 3], [3, 2, 1]))
    assert pytest.approx(1 / 3) == kendall([1, 2, 3], [1, 3, 2])
    assert 0.0 == spearman([1, 1, 1], [1, 2, 3]) == kendall([1, 1], [1, 2])
