"""Who goes on: the shares that halving promises, the medians, and that a journal told again judges alike."""

from math import inf, nan
from random import Random

import pytest

from archdsl.diagnostics.record import UsageError
from archdsl.search.contract import Part
from archdsl.search.promotion import Halving, Median, promotion_of
from archdsl.search.standings import Standing


def good(loss: float) -> Standing:
    return Standing(0, 0.0, (loss,))


@pytest.mark.parametrize("factor", [2, 3, 4])
@pytest.mark.parametrize("order", ["random", "improving", "worsening", "equal"])
def test_halving_stops_all_but_the_share_at_the_first_rung(factor: int, order: str):
    rng = Random(factor)
    losses = [1.0 if order == "equal" else rng.random() for _ in range(250)]
    if order in ("improving", "worsening"):
        losses.sort(reverse=order == "improving")
    halving = Halving(factor)
    went_on = 0
    for count, loss in enumerate(losses, 1):
        went_on += halving.goes_on(0, good(loss))
        assert 1 <= went_on <= max(1, count / factor)


def test_halving_lets_the_good_go_on():
    rng, halving = Random(0), Halving(4)
    judged = [(loss := rng.random(), halving.goes_on(0, good(loss))) for _ in range(400)]
    on, off = [loss for loss, passed in judged[1:] if passed], [loss for loss, passed in judged if not passed]
    assert max(on) < 0.4
    assert len(on) > 60
    assert sum(on) / len(on) < 0.5 * sum(off) / len(off)


def test_nothing_that_failed_goes_on():
    halving = Halving(4)
    assert not halving.goes_on(0, Standing(3, 0.0, ()))
    assert halving.goes_on(0, good(5.0))


def test_rungs_are_apart():
    halving = Halving(2)
    assert halving.goes_on(0, good(1.0))
    assert halving.goes_on(1, good(9.0))


def test_what_is_recalled_is_judged_alike():
    rng = Random(3)
    standings = [good(rng.random()) for _ in range(100)]
    once = Halving(3)
    judged = [once.goes_on(0, standing) for standing in standings]
    again = Halving(3)
    for standing, went_on in zip(standings[:50], judged, strict=False):
        again.recall(0, standing, went_on)
    assert judged[50:] == [again.goes_on(0, standing) for standing in standings[50:]]


def test_several_objectives_go_on_by_their_fronts():
    halving = Halving(2)
    for point in ((5.0, 5.0), (6.0, 6.0), (7.0, 7.0)):
        halving.goes_on(0, Standing(0, 0.0, point))
    assert halving.goes_on(0, Standing(0, 0.0, (1.0, 9.0)))
    assert not halving.goes_on(0, Standing(0, 0.0, (9.0, 9.0)))


@pytest.mark.parametrize("factor", [2, 4])
def test_cutoffs_of_halving_stop_the_share_at_the_first_step(factor: int):
    rng, halving = Random(1), Halving(factor)
    reports: list[dict[int, float]] = []
    for _ in range(200):
        cutoffs, report = halving.cutoffs(reports), {}
        for step in range(1, 2 * factor + 1):
            report[step] = rng.random() + step
            if report[step] < cutoffs.get(step, -inf):
                break
        reports.append(report)
    for step in (1, factor):
        came = [report for report in reports if step in report]
        stopped = sum(max(report) == step for report in came)
        assert stopped >= (1 - 1 / factor) * len(came) - 1
        assert stopped < len(came)


def test_nothing_is_given_up_at_the_last_step():
    assert {1: 2.0} == Halving(4).cutoffs([{1: 1.0, 2: 2.0, 3: 3.0, 4: 4.0}, *({1: float(i)} for i in range(-3, 4))])
    assert {} == Halving(4).cutoffs([])


def test_medians_of_the_steps():
    reports = [{1: 0.1, 2: 1.0}, {1: 0.2, 2: 2.0}, {1: 0.3, 2: 9.0}, {1: nan}]
    assert {2: 2.0} == Median(3, 1).cutoffs(reports)
    assert {1: pytest.approx(0.15), 2: 2.0} == Median(3, 0).cutoffs(reports)
    assert {} == Median(5, 0).cutoffs(reports)


def test_promotions_by_their_part():
    assert Halving(4) == promotion_of(Part("halving", {"factor": 4}))
    assert Median(5, 1) == promotion_of(Part("median", {"startup": 5, "warmup": 1}))
    with pytest.raises(UsageError):
        promotion_of(Part("other"))
