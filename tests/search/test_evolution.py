"""Evolution: who lives, what generations are made of, and that a search of hybrid stages finds the best."""

from collections.abc import Mapping
from random import Random

import pytest

from archdsl.search.contract import Candidate, Option
from archdsl.search.strategies.evolution import Evolution, Plan
from archdsl.search.strategies.paths import rows_of
from archdsl.search.strategies.rows import CHANGES
from archdsl.search.strategies.variation import Variation
from tests.search.domains import HandMade, Walk, finished, flat, grammar, layered
from tests.search.test_strategies import made

LOCAL, GLOBAL = "modulation", "attention"
MIXERS = (LOCAL, GLOBAL, "pool", "conv")


def evolved(**settings: object) -> Evolution:
    strategy = made("evolution", flat(8, 4), surrogate=False, **settings)
    assert isinstance(strategy, Evolution)
    return strategy


@pytest.mark.parametrize("population", [5, 12])
def test_none_lives_longer_than_the_population(population: int):
    strategy = evolved(population=population)
    told: list[Candidate] = []
    for number in range(60):
        candidate = strategy.propose(Random(number), ())
        assert candidate is not None
        # The first is the best there is, and dies all the same.
        strategy.tell(finished(number, candidate, 100.0 - number), candidate)
        told.append(candidate)
        assert set(map(id, strategy.living())) == set(map(id, told[-population:]))


def test_what_is_kept_lives_on():
    strategy = evolved(population=10, keep=3)
    told: list[Candidate] = []
    for number in range(35):
        candidate = strategy.propose(Random(number), ())
        assert candidate is not None
        strategy.tell(finished(number, candidate, 100.0 - number), candidate)
        told.append(candidate)
    assert told[0] is strategy.living()[0]
    assert 3 == len(strategy.living())


def test_generations_end():
    strategy = evolved(population=6, generations=3)
    found = 0
    while (candidate := strategy.propose(Random(found), ())) is not None:
        strategy.tell(finished(found, candidate, float(found)), candidate)
        found += 1
    assert 18 == found


def test_a_generation_has_its_kinds():
    plan = Plan(50, 10, 10, None, 25, 20)
    for generation in range(3):
        kinds = [plan.kind(generation * 50 + number) for number in range(50)]
        assert (25, 20, 5) == tuple(kinds.count(kind) for kind in ("mutated", "crossed", "drawn"))


def hybrid() -> HandMade:
    """Two stages of mixers with depths and a width; attention in the second one only."""

    def space(walk: Walk) -> None:
        walk.take("width", (32, 48, 64, 96))
        for stage, most in enumerate((3, 6)):
            depth = walk.take(f"depths.{stage}", range(1, most + 1))
            assert isinstance(depth, int)
            for block in range(depth):
                allowed = [n for n, mixer in enumerate(MIXERS) if stage > 0 or mixer != GLOBAL]
                walk.take(f"mixers.{stage}.{block}", MIXERS, allowed)

    return HandMade(space)


BEST: Mapping[str, Option] = {
    "width": 64,
    "depths.0": 2,
    **{f"mixers.0.{block}": LOCAL for block in range(2)},
    "depths.1": 6,
    **{f"mixers.1.{block}": (LOCAL, GLOBAL)[block % 2] for block in range(6)},
}


def likeness(genome: Mapping[str, Option]) -> float:
    """The share of decisions that are those of the best."""
    return sum(genome.get(path) == option for path, option in BEST.items()) / max(len(genome), len(BEST))


@pytest.mark.parametrize("surrogate", [True, False])
def test_a_search_of_hybrid_stages_finds_the_best(surrogate: bool):
    for seed in range(5):
        strategy = made("evolution", hybrid(), surrogate=surrogate)
        best = 0.0
        for number in range(150 if surrogate else 1_200):
            candidate = strategy.propose(Random(f"{seed}/{number}"), ())
            assert candidate is not None
            best = max(best, likeness(candidate.genome))
            if best == 1.0:
                break
            strategy.tell(finished(number, candidate, likeness(candidate.genome)), candidate)
        assert 1.0 == best


@pytest.mark.parametrize("domain", [layered, grammar, hybrid])
def test_children_stay_near_their_parents(domain: object):
    """Most decisions of a child are those of a parent, and what is wanted leads to a valid candidate mostly."""
    walked = domain()  # type: ignore[operator]
    rng, variation = Random(0), Variation()
    valid = 0
    for _ in range(200):
        one, other = walked.draw(rng), walked.draw(rng)
        for wanted in (variation.mutated(rng, one), variation.crossed(rng, one, other)):
            child = walked.complete(wanted, rng)
            if isinstance(child, Candidate):
                valid += 1
    assert valid > 300


@pytest.mark.parametrize("change", CHANGES, ids=lambda change: change.__name__)
def test_changes_of_rows_change_one_row_alone(change: object):
    rng, domain = Random(1), layered((3, 8))
    changed = 0
    for _ in range(100):
        parent = domain.draw(rng)
        rows = [row for row in rows_of(parent.decisions) if row[0].path.startswith("mixers.1")]
        for row in rows:
            wanted = change(rng, parent.genome, row)  # type: ignore[operator]
            others = {path: option for path, option in parent.genome.items() if not path.startswith("mixers.1.")}
            assert others == {path: option for path, option in wanted.items() if not path.startswith("mixers.1.")}
            changed += wanted != parent.genome
    assert changed > 40
