"""Guessing from decisions: what few and many rows tell."""

from random import Random
from statistics import mean, stdev

import pytest

from archdsl.cost.fitting import rank_correlation
from archdsl.cost.predictor import Predictor, Row
from tests.bench.latency_prediction import DEVICES, correlations

pytestmark = pytest.mark.usefixtures("one_thread")


@pytest.mark.parametrize("count", [10, 100])
def test_it_guesses_no_worse_than_counts_of_options_alone(count: int):
    """Over all devices together, within the noise of the rows that were drawn."""
    repeats = 4 if count < 100 else 1
    pairs = [correlations(device, count, repeat) for device in DEVICES for repeat in range(repeats)]
    gains = [ours - low for low, ours in pairs]
    assert mean(gains) >= -stdev(gains) / len(gains) ** 0.5
    if count >= 100:
        assert mean(gains) > 0.02


def rows_of(count: int, seed: int) -> list[Row]:
    """Four layers and a width; the second half of the layers is there only for some."""
    rng = Random(seed)
    found: list[Row] = []
    for _ in range(count):
        depth = rng.choice([2, 4])
        layers = {f"layers.{i}": rng.choice(["skip", "conv", "attention"]) for i in range(depth)}
        found.append({"depth": str(depth), "width": rng.choice(["8", "16"]), **layers})
    return found


def cost(row: Row) -> float:
    by_layer = {"skip": 0.0, "conv": 1.0, "attention": 3.0}
    layers = sum(by_layer[option] * (i + 1) for i in range(4) if (option := row.get(f"layers.{i}")))
    return 5.0 + layers + (4.0 if row["width"] == "16" else 0.0)


def test_sums_over_conditional_places_are_found():
    known, asked = rows_of(80, 0), rows_of(40, 1)
    guesses = Predictor(known, [cost(row) for row in known])(asked)
    truth = [cost(row) for row in asked]
    assert rank_correlation(guesses, truth) > 0.99
    assert max(abs(a - b) for a, b in zip(guesses, truth, strict=True)) < 1.0


def test_options_that_were_never_seen_and_equal_values_are_no_trouble():
    known = rows_of(5, 0)
    assert Predictor(known, [2.0] * 5)(rows_of(3, 1)) == pytest.approx([2.0] * 3)
    assert Predictor(known[:1], [3.0])([{"other": "x"}]) == pytest.approx([3.0])
    once = Predictor(known, [cost(row) for row in known])
    assert once(rows_of(4, 2)) == Predictor(known, [cost(row) for row in known])(rows_of(4, 2))
