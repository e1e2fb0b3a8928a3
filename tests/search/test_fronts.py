"""Fronts and hypervolume, against their definitions."""

from itertools import product
from math import inf, nan
from random import Random

import pytest

from archdsl.search.contract import Objective, Part
from archdsl.search.fronts import Point, crowding, dominates, front, hypervolume, igd_plus, layers, losses


def points(seed: int, count: int, axes: int, grid: int) -> list[Point]:
    rng = Random(seed)
    return [tuple(float(rng.randrange(grid)) for _ in range(axes)) for _ in range(count)]


def peeled(found: list[Point]) -> list[list[int]]:
    left, layers_ = set(range(len(found))), []
    while left:
        best = {i for i in left if not any(dominates(found[j], found[i]) for j in left)}
        layers_.append(sorted(best))
        left -= best
    return layers_


def counted(found: list[Point], reference: Point) -> int:
    """The unit cells below the reference that some point dominates: the hypervolume of whole numbers."""
    cells = product(*(range(int(end)) for end in reference))
    return sum(any(all(a <= b for a, b in zip(p, cell, strict=True)) for p in found) for cell in cells)


@pytest.mark.parametrize("axes", [1, 2, 3, 4])
@pytest.mark.parametrize("grid", [4, 1000])
def test_layers_are_what_peeling_gives(axes: int, grid: int):
    for seed in range(10):
        found = points(seed, 60, axes, grid)
        assert peeled(found) == [sorted(layer) for layer in layers(found)]


def test_layers_stop_when_there_are_enough():
    found = points(1, 80, 2, 50)
    some = layers(found, 20)
    assert layers(found)[: len(some)] == some
    assert sum(map(len, some)) >= 20 > sum(map(len, some[:-1]))


def test_a_front_has_all_that_none_dominates():
    assert [0, 2, 3] == front([(1.0, 3.0), (2.0, 3.0), (2.0, 2.0), (1.0, 3.0)])
    assert [] == front([])


def test_domination():
    assert dominates((1, 2), (1, 3))
    assert not dominates((1, 3), (1, 3))
    assert not dominates((1, 3), (2, 2))


def test_losses_are_worst_where_there_is_no_number():
    wishes = (Objective("a", True, Part("a")), Objective("b", False, Part("b")))
    assert (-2.0, 3.0) == losses((2.0, 3.0), wishes)
    assert (inf, inf) == losses((nan, nan), wishes)


def test_crowding_is_infinite_at_the_ends_and_sums_gaps():
    assert [inf, 1.0 + 1.0, inf] == crowding([(0.0, 2.0), (1.0, 1.0), (2.0, 0.0)])
    assert [inf, 0.5 + 0.75, 0.75 + 0.5, inf] == crowding([(0.0, 4.0), (1.0, 2.0), (2.0, 1.0), (4.0, 0.0)])
    assert [] == crowding([])


def test_the_hypervolume_of_the_textbook():
    assert 6.0 == hypervolume([(1, 3), (2, 2), (3, 1)], (4, 4))


@pytest.mark.parametrize("axes", [1, 2, 3, 4])
def test_the_hypervolume_counts_cells(axes: int):
    for seed in range(15):
        found = points(seed, 12, axes, 7)
        assert counted(found, (6.0,) * axes) == hypervolume(found, (6.0,) * axes)


@pytest.mark.parametrize("axes", [2, 3])
def test_the_hypervolume_grows_with_points_that_are_not_dominated_alone(axes: int):
    for seed in range(20):
        found = points(seed, 10, axes, 50)
        reference = (50.0,) * axes
        before = hypervolume(found, reference)
        one = points(seed + 100, 1, axes, 50)[0]
        after = hypervolume([*found, one], reference)
        assert before == after if any(p == one or dominates(p, one) for p in found) else before < after
        assert before == hypervolume([found[i] for i in front(found)], reference)
        assert before == hypervolume(reversed(found), reference)


def test_points_beyond_the_reference_add_nothing():
    assert 0.0 == hypervolume([(5.0, 1.0), (4.0, 0.0), (1.0, inf)], (4.0, 4.0))


def test_igd_plus_is_zero_where_all_is_reached_or_dominated():
    wanted = [(0.0, 2.0), (1.0, 1.0), (2.0, 0.0)]
    assert 0.0 == igd_plus([(0.0, 1.0), (1.0, 0.0)], wanted)
    assert pytest.approx((1.0 + 0.0 + 1.0) / 3) == igd_plus([(1.0, 1.0)], wanted)
    assert inf == igd_plus([], wanted)
