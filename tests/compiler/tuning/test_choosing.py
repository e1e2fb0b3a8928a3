"""Modes over a graph: the least sum, whatever way branches meet."""

import itertools
from random import Random

import numpy
import pytest

from archdsl_compiler.tuning import choosing
from archdsl_compiler.tuning.choosing import Term, choose, conversion_terms, total


def random_terms(seed: int) -> tuple[int, int, list[Term]]:
    random = Random(seed)
    count, modes = random.randint(1, 8), random.choice([2, 2, 3])
    terms = [Term((region,), numpy.array([random.random() for _ in range(modes)])) for region in range(count)]
    for _ in range(random.randint(0, 10)):
        size = min(count, random.randint(2, 3))
        table = numpy.array([random.random() for _ in range(modes**size)]).reshape((modes,) * size)
        terms.append(Term(tuple(random.sample(range(count), size)), table))
    return count, modes, terms


@pytest.mark.parametrize("seed", range(60))
def test_the_choice_is_the_best_of_all(seed: int):
    count, modes, terms = random_terms(seed)
    best = min(total(each, terms) for each in itertools.product(range(modes), repeat=count))
    assert total(choose(count, modes, terms), terms) == pytest.approx(best)


def test_where_too_many_meet_the_choice_is_no_worse_than_one_mode_for_all(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(choosing, "LARGEST", 8)
    for seed in range(40):
        count, modes, terms = random_terms(seed)
        found = total(choose(count, modes, terms), terms)
        assert found <= min(total([mode] * count, terms) for mode in range(modes)) + 1e-12


def test_a_long_chain_is_solved_by_the_shortest_path():
    random = Random(3)
    alone = [Term((region,), numpy.array([random.random(), random.random()])) for region in range(400)]
    between = [Term((k, k + 1), numpy.array([[0, 0.3], [0.3, 0]])) for k in range(399)]
    costs = alone[0].table
    for term in alone[1:]:
        costs = term.table + numpy.minimum(costs, costs[::-1] + 0.3)
    assert total(choose(400, 2, [*alone, *between]), [*alone, *between]) == pytest.approx(float(costs.min()))


def test_a_form_that_several_want_is_made_once():
    (term,) = conversion_terms(0, ["a", "b"], {1: ["a", "b"], 2: ["a", "b"]}, {("a", "b"): 2.0, ("b", "a"): 3.0})
    assert term.regions == (0, 1, 2)
    assert [float(term.table[place]) for place in ((0, 0, 0), (0, 1, 1), (0, 0, 1), (1, 0, 0))] == [0, 2, 2, 3]


def test_readers_that_need_no_conversion_take_no_part():
    assert conversion_terms(0, ["a", "a"], {1: ["a", "a"]}, {}) == []
    (term,) = conversion_terms(None, ["a"], {4: ["a", "b"], 5: ["a", "a"]}, {("a", "b"): 1.0})
    assert (term.regions, term.table.tolist()) == ((4,), [0.0, 1.0])


def test_a_value_that_everything_reads_makes_no_table_over_everything():
    readers = {number: ["a", "b"] for number in range(1, 60)}
    terms = conversion_terms(0, ["a", "b"], readers, {("a", "b"): 1.0, ("b", "a"): 1.0})
    assert len(terms) == 59
    assert max(term.table.size for term in terms) == 4
