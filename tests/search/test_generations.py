"""NSGA-II and NSGA-III: a known front, directions, and who survives."""

from math import comb, sqrt
from random import Random

import pytest

from archdsl.search.fronts import hypervolume
from archdsl.search.standings import Standing, best
from archdsl.search.strategies.nsga3 import directions, survivors
from tests.search.domains import finished, reals, wishes
from tests.search.test_strategies import made


def zdt1(values: list[float]) -> tuple[float, float]:
    g = 1 + 9 * sum(values[1:]) / (len(values) - 1)
    return values[0], g * (1 - sqrt(values[0] / g))


@pytest.mark.slow
def test_nsga2_reaches_the_front_of_zdt1():
    """Within one percent of the hypervolume of as many points that are spread over the whole front."""
    wanted, reference = wishes("min", "min"), (1.1, 1.1)
    strategy = made("nsga2", reals(8), wanted, population=60, surrogate=False)
    points: list[tuple[float, float]] = []
    for number in range(8_000):
        candidate = strategy.propose(Random(number), ())
        assert candidate is not None
        point = zdt1([float(str(option)) for option in candidate.genome.values()])
        strategy.tell(finished(number, candidate, *point), candidate)
        points.append(point)
    ideal = hypervolume([(at / 1000, 1 - sqrt(at / 1000)) for at in range(1001)], reference)
    assert hypervolume(points, reference) > 0.99 * ideal


@pytest.mark.parametrize(("objectives", "most"), [(2, 50), (3, 50), (4, 56), (3, 3)])
def test_directions_are_an_even_grid(objectives: int, most: int):
    found = directions(objectives, most)
    assert len(found) <= most
    assert len(set(found)) == len(found)
    assert all(sum(point) == pytest.approx(1.0) for point in found)
    parts = round(1 / min(share for point in found for share in point if share > 0))
    assert comb(objectives + parts - 1, objectives - 1) == len(found)


def good(*losses: float) -> Standing:
    return Standing(0, 0.0, losses)


def test_nsga3_keeps_the_first_front_apart():
    """Of a crowd and a few at the ends, the ends stay."""
    crowd = [good(0.33 + at * 1e-3, 0.33 - at * 1e-3, 0.34) for at in range(20)]
    ends = [good(0.0, 0.5, 0.5), good(0.5, 0.0, 0.5), good(0.5, 0.5, 0.0), good(1.0, 0.0, 0.0), good(0.0, 1.0, 0.0)]
    kept = survivors(crowd + ends, 8)
    assert 8 == len(set(kept))
    assert {20, 21, 22, 23, 24} <= set(kept)


@pytest.mark.parametrize("survive", [best, survivors], ids=["nsga2", "nsga3"])
def test_those_that_miss_requirements_survive_last(survive: object):
    standings = [Standing(1, 2.0, (0.0, 0.0)), good(5.0, 5.0), Standing(3, 0.0, ()), Standing(1, 1.0, (0.0, 0.0))]
    assert [1, 3, 0] == survive(standings, 3)  # type: ignore[operator]
