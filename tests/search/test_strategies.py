"""What every strategy does, on every kind of domain."""

from collections.abc import Callable
from random import Random

import pytest

from archdsl.diagnostics.record import UsageError
from archdsl.meaning.catalogue.registry import family
from archdsl.search.contract import Candidate, Objective, Part, Strategy
from archdsl.search.strategies.registry import NAMES, strategy_of
from tests.search.domains import HandMade, Walk, finished, flat, grammar, layered, reals, wishes

ONE, TWO, THREE = wishes("max"), wishes("max", "min"), wishes("min", "max", "min")
DOMAINS: dict[str, Callable[[], HandMade]] = {
    "flat": lambda: flat(5, 4),
    "layered": layered,
    "grammar": grammar,
    "alike": lambda: HandMade(same_in_any_order),
    "reals": lambda: reals(4),
}
PREDICTING = ("evolution", "nsga2", "nsga3")


def same_in_any_order(walk: Walk) -> object:
    """Genomes with the same options in another order mean the same."""
    return sorted(str(walk.take(f"ops.{site}", ("a", "b", "c", None))) for site in range(5))


def part(name: str, **settings: object) -> Part:
    """A strategy with the defaults of the catalogue."""
    return Part(name, {each.name: each.default for each in family("strategy")[name].settings} | settings)


def made(name: str, domain: HandMade, objectives: tuple[Objective, ...] = ONE, **settings: object) -> Strategy:
    return strategy_of(part(name, **settings), domain, objectives)


def worth(candidate: Candidate, objectives: tuple[Objective, ...]) -> tuple[float, ...]:
    """Some values that depend on the genome."""
    numbers = [sum(map(ord, f"{path}{option}")) % 17 for path, option in candidate.genome.items()]
    return tuple(float(sum(numbers[at :: len(objectives)])) for at in range(len(objectives)))


def run(strategy: Strategy, count: int, objectives: tuple[Objective, ...] = ONE, start: int = 0) -> list[Candidate]:
    """So many proposals, each told before the next; some fail, some miss a requirement, some are stopped."""
    found: list[Candidate] = []
    for number in range(start, start + count):
        candidate = strategy.propose(Random(number), ())
        if candidate is None:
            break
        found.append(candidate)
        tell(strategy, number, candidate, objectives)
    return found


def tell(strategy: Strategy, number: int, candidate: Candidate, objectives: tuple[Objective, ...]) -> None:
    values = worth(candidate, objectives)
    if number % 11 == 5:
        trial = finished(number, candidate, state="failed")
    elif number % 11 == 7:
        trial = finished(number, candidate, state="pruned", rung=number % 2)
    else:
        trial = finished(number, candidate, *values, violation=max(0.0, values[0] - 30))
    strategy.tell(trial, candidate)


def works_on(name: str, domain: str) -> bool:
    return not (name == "grid" and domain == "reals")


CASES = [(name, domain) for name in NAMES for domain in DOMAINS if works_on(name, domain)]


@pytest.mark.parametrize(("name", "domain"), CASES)
@pytest.mark.parametrize("objectives", [ONE, TWO], ids=["one", "two"])
def test_proposals_are_valid_and_new(name: str, domain: str, objectives: tuple[Objective, ...]):
    walked = DOMAINS[domain]()
    found = run(made(name, walked, objectives, **small(name)), 30 if name != "tpe" else 15, objectives)
    assert len(found) > 12
    assert len({candidate.hash for candidate in found}) == len(found)
    for candidate in found:
        assert candidate == walked.complete(candidate.genome, Random(0))


def small(name: str) -> dict[str, object]:
    """Settings under which forty trials are several generations."""
    return {"population": 12} if name in PREDICTING else {}


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("domain", ["layered", "alike"])
def test_the_same_randomness_proposes_the_same(name: str, domain: str):
    one, other = (made(name, DOMAINS[domain](), TWO, **small(name)) for _ in range(2))
    count = 35 if name != "tpe" else 16
    assert run(one, count, TWO) == run(other, count, TWO)


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("told", [3, 14])
def test_one_that_is_told_again_goes_on_alike(name: str, told: int):
    count = 30 if name != "tpe" else 17
    whole = run(made(name, layered(), TWO, **small(name)), count, TWO)
    again = made(name, layered(), TWO, **small(name))
    for number, candidate in enumerate(whole[:told]):
        tell(again, number, candidate, TWO)
    assert whole[told:] == run(again, count - told, TWO, start=told)


def test_one_that_is_told_many_trials_again_goes_on_alike():
    """Beyond what a predictor looks at in full: what it looks at, and columns of the encoding that came later."""
    domain = layered((3, 4, 12))
    drawn = [domain.draw(Random(number)) for number in range(290)]
    once, again = made("evolution", layered((3, 4, 12))), made("evolution", layered((3, 4, 12)))
    for number, candidate in enumerate(drawn):
        tell(once, number, candidate, ONE)
    more = run(once, 20, start=290)
    assert 20 == len(more)
    for number, candidate in enumerate(drawn + more[:9]):
        tell(again, number, candidate, ONE)
    assert more[9:] == run(again, 11, start=299)


@pytest.mark.parametrize("name", NAMES)
def test_what_is_on_its_way_is_not_proposed_again(name: str):
    strategy = made(name, flat(4, 3), TWO, **small(name))
    run(strategy, 25, TWO)
    pending: list[Candidate] = []
    for number in range(8):
        candidate = strategy.propose(Random(100 + number), pending)
        assert candidate is not None
        assert candidate.hash not in {other.hash for other in pending}
        pending.append(candidate)
    for number, candidate in enumerate(reversed(pending)):
        tell(strategy, 25 + number, candidate, TWO)
    assert run(strategy, 5, TWO, start=40)


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("domain", [lambda: flat(3, 3), lambda: HandMade(same_in_any_order)], ids=["flat", "alike"])
def test_a_space_that_has_no_more_ends(name: str, domain: Callable[[], HandMade]):
    every = {candidate.hash for candidate in run(made("grid", domain()), 1_000)}
    found = run(made(name, domain(), **small(name)), len(every) + 5)
    assert every == {candidate.hash for candidate in found}
    assert len(every) == len(found)


@pytest.mark.parametrize("name", NAMES)
def test_a_space_of_one_candidate_has_one(name: str):
    assert 1 == len(run(made(name, HandMade(lambda walk: None)), 3))


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("count", [0, 3])
def test_a_search_that_ends_early_has_remarks_too(name: str, count: int):
    strategy = made(name, flat(6, 3), **small(name))
    run(strategy, count)
    assert all(-1.0 <= value <= 1.0 for value in dict(strategy.remarks()).values() if isinstance(value, float))


@pytest.mark.parametrize("name", [name for name in NAMES if name != "grid"])
def test_three_objectives(name: str):
    assert 30 == len(run(made(name, layered(), THREE, **small(name)), 30, THREE))


@pytest.mark.parametrize("name", NAMES)
def test_nothing_but_failures_stops_no_strategy(name: str):
    strategy = made(name, flat(6, 3), **small(name))
    for number in range(30):
        candidate = strategy.propose(Random(number), ())
        assert candidate is not None
        strategy.tell(finished(number, candidate, state="failed"), candidate)


@pytest.mark.parametrize("name", [name for name in NAMES if name not in ("random", "grid")])
@pytest.mark.parametrize("surrogate", [True, False])
def test_it_finds_better_ones_than_chance(name: str, surrogate: bool):
    if name not in PREDICTING and not surrogate:
        return
    settings = {"population": 20, "surrogate": surrogate} if name in PREDICTING else {}

    def fitness(candidate: Candidate) -> float:
        genome = candidate.genome
        return sum(genome[f"block{site}"] == site % 4 for site in range(10)) + 0.0

    def best_of(strategy: Strategy, seed: int) -> float:
        best = 0.0
        for number in range(70):
            candidate = strategy.propose(Random(f"{seed}/{number}"), ())
            assert candidate is not None
            strategy.tell(finished(number, candidate, fitness(candidate)), candidate)
            best = max(best, fitness(candidate))
        return best

    ours = [best_of(made(name, flat(10, 4), **settings), seed) for seed in range(2)]
    chance = [best_of(made("random", flat(10, 4)), seed) for seed in range(2)]
    assert sum(ours) > sum(chance)


def test_strategies_that_cannot_run_are_refused():
    with pytest.raises(UsageError, match="slimming"):
        strategy_of(Part("slimming"), flat(1, 2), ONE)


def test_each_strategy_of_the_registry_is_in_the_catalogue():
    assert set(NAMES) < set(family("strategy"))
