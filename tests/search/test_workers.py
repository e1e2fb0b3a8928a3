"""What all kinds of workers do alike: jobs run, fail by themselves, and outlive the workers that die of them."""

import os
import signal
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import pytest

from archdsl.parts import default_part
from archdsl.search.contract import Part, Work
from archdsl.search.workers.contract import MOST_LOSSES, Equipment, Finished, Job, Workers, threads_for
from archdsl.search.workers.local import LocalWorkers
from tests.search.fakes import fake

Kind = Callable[[int, Equipment], Workers]


def on_ray(count: int, equipment: Equipment) -> Workers:
    from archdsl.search.workers.ray_cluster import open_workers

    return open_workers(default_part("executor", "ray", workers=count), equipment, "auto")


KINDS: dict[str, Kind] = {"local": LocalWorkers, "ray": on_ray}


@pytest.fixture(params=["local", pytest.param("ray", marks=pytest.mark.slow)])
def kind(request: pytest.FixtureRequest) -> Kind:
    if request.param == "ray":
        request.getfixturevalue("ray_cluster")
    return KINDS[request.param]


@contextmanager
def opened(kind: Kind, count: int, evaluator: Part) -> Iterator[Workers]:
    workers = kind(count, Equipment((evaluator,), threads_for(count), tuple(sys.path)))
    try:
        yield workers
    finally:
        workers.close()


def job(number: int, evaluator: Part, a: int = 0, b: int = 0, cutoffs: dict[int, float] | None = None) -> Job:
    return Job(number, Work("", {"a": a, "b": b}, evaluator, (), number, cutoffs=cutoffs or {}))


def all_of(workers: Workers, count: int) -> list[Finished]:
    """So many results, in the order of their jobs."""
    found: list[Finished] = []
    deadline = time.monotonic() + 60
    while len(found) < count and time.monotonic() < deadline:
        found += workers.poll(1.0)
    return sorted(found, key=lambda each: each.job)


def children() -> Sequence[int]:
    """The processes that this one has started and that are there, whether they run or not."""
    return [int(pid) for pid in Path(f"/proc/self/task/{os.getpid()}/children").read_text(encoding="ascii").split()]


def test_results_and_failures_come_back(kind: Kind):
    evaluator = fake(fail=(1,), wrong=(2,), weights=True)
    with opened(kind, 2, evaluator) as workers:
        assert 2 == workers.count
        found: list[Finished] = []
        for pair in ((0, 1), (2, 3)):
            for a in pair:
                workers.submit(job(a, evaluator, a, 5))
            found += all_of(workers, 2)
    results = [each.result for each in found]
    assert [None if r is None else r.metrics for r in results] == [
        {"good": 15.0, "cost": 5.0},
        None,
        None,
        {"good": 36.0, "cost": 8.0},
    ]
    assert results[3] is not None
    assert b"weights of 3 5" == results[3].weights
    assert ["", "no row for a=1", "KeyError: 2", ""] == [each.failure for each in found]
    assert [False, False, True, False] == ["fakes.py" in each.trace for each in found]


def test_a_worker_that_dies_once_costs_no_job(kind: Kind, tmp_path: Path):
    evaluator = fake(die_once=str(tmp_path / "died"))
    with opened(kind, 1, evaluator) as workers:
        workers.submit(job(7, evaluator, 1))
        (found,) = all_of(workers, 1)
    assert (7, 1, "", {"good": 7.0, "cost": 1.0}) == (
        found.job,
        found.losses,
        found.failure,
        found.result and found.result.metrics,
    )


def test_a_job_that_ends_its_workers_fails_and_others_go_on(kind: Kind):
    evaluator = fake(die=(1,))
    with opened(kind, 2, evaluator) as workers:
        workers.submit(job(0, evaluator, 1))
        workers.submit(job(1, evaluator, 2))
        killer, other = all_of(workers, 2)
        workers.submit(job(2, evaluator, 3))
        (later,) = all_of(workers, 1)
    assert (None, MOST_LOSSES) == (killer.result, killer.losses)
    assert "its worker ended" in killer.failure
    assert other.result
    assert later.result


def test_reports_below_a_cutoff_give_a_trial_up(kind: Kind):
    evaluator = fake(steps=(0.5, 0.6, float("nan"), 0.9))
    with opened(kind, 1, evaluator) as workers:
        workers.submit(job(0, evaluator))
        (whole,) = all_of(workers, 1)
        workers.submit(job(1, evaluator, cutoffs={0: 0.5, 1: 0.61}))
        (low,) = all_of(workers, 1)
        workers.submit(job(2, evaluator, cutoffs={0: 0.5, 2: 0.1}))
        (none,) = all_of(workers, 1)
    assert whole.result
    assert low.result
    assert none.result
    assert (False, [0, 1, 2, 3]) == (whole.result.pruned, list(whole.result.reports))
    assert (True, {0: 0.5, 1: 0.6}) == (low.result.pruned, low.result.reports)
    assert (True, [0, 1, 2]) == (none.result.pruned, list(none.result.reports))


def test_closing_ends_what_runs(kind: Kind):
    evaluator = fake(seconds=60.0)
    before = children()
    with opened(kind, 2, evaluator) as workers:
        workers.submit(job(0, evaluator))
        workers.submit(job(1, evaluator))
        assert [] == list(workers.poll(0.2))
        begun = time.monotonic()
    assert time.monotonic() - begun < 2
    assert before == children()
    workers.close()


def test_a_local_worker_that_is_killed_from_outside_is_replaced():
    evaluator = fake(seconds=0.3)
    before = children()
    with opened(LocalWorkers, 1, evaluator) as workers:
        workers.submit(job(0, evaluator, 4))
        (child,) = set(children()) - set(before)
        os.kill(child, signal.SIGKILL)
        (found,) = all_of(workers, 1)
    assert (1, "") == (found.losses, found.failure)


def test_one_job_runs_alone_beside_the_others():
    evaluator = fake()
    with opened(LocalWorkers, 1, evaluator) as workers:
        workers.submit(job(0, evaluator))
        workers.submit(Job(1, job(1, evaluator).work, "alone"))
        assert ["local-0", "local-1"] == [each.worker for each in all_of(workers, 2)]


def test_more_than_there_is_room_for_is_our_mistake():
    evaluator = fake(seconds=5.0)
    with opened(LocalWorkers, 1, evaluator) as workers:
        workers.submit(job(0, evaluator))
        with pytest.raises(RuntimeError, match="no room"):
            workers.submit(job(1, evaluator))
