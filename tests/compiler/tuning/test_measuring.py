"""Races, by a clock that only candidates move, and a few by the real one."""

import gc
from collections.abc import Callable
from dataclasses import dataclass, field
from itertools import count

import pytest
import torch

from archdsl_compiler.tuning import stopwatch as watches
from archdsl_compiler.tuning.measuring import SAMPLES, Timing, best, race
from archdsl_compiler.tuning.stopwatch import Stopwatch, stopwatch


@dataclass
class Machine:
    """A clock, and work that takes what it is told."""

    now: float = 0.0
    tick: float = 0.0
    calls: list[str] = field(default_factory=list[str])

    def read(self) -> float:
        self.now += self.tick
        return self.now

    def works(self, name: str, *seconds: float) -> Callable[[], None]:
        """Takes the last of the times from then on."""
        turn = count()

        def call() -> None:
            self.calls.append(name)
            self.now += seconds[min(next(turn), len(seconds) - 1)]

        return call


def timing(seconds: float) -> Timing:
    return Timing(seconds, seconds, 1)


def test_times_are_medians_without_the_first_call():
    machine = Machine()
    found = race(
        {"a": machine.works("a", 9.0, 0.01, 0.5, 0.02, 0.01), "b": machine.works("b", 0.012)},
        watch=Stopwatch(machine.read),
        budget=100,
    )
    assert {} == found.failures
    a, b = found.timings["a"], found.timings["b"]
    assert (0.01, 0.01, SAMPLES) == (pytest.approx(a.median), pytest.approx(a.least), a.samples)
    assert (0.012, 0.012, SAMPLES) == (pytest.approx(b.median), pytest.approx(b.least), b.samples)


def test_candidates_take_turns_in_changing_order():
    machine = Machine()
    race({name: machine.works(name, 0.01) for name in "abc"}, watch=Stopwatch(machine.read))
    rounds = ["".join(machine.calls[start : start + 3]) for start in range(6, len(machine.calls), 3)]
    assert SAMPLES == len(rounds)
    assert {"abc"} == {"".join(sorted(each)) for each in rounds}
    assert {"a", "b", "c"} == {each[0] for each in rounds} == {each[-1] for each in rounds}
    assert {"ab", "ba"} <= {pair for each in rounds for pair in (each[:2], each[1:])}


def test_the_simplest_goes_first():
    machine = Machine()
    race({name: machine.works(name, 0.01) for name in "abc"}, simplest="b", watch=Stopwatch(machine.read))
    assert "bbaacc" == "".join(machine.calls[:6])


def test_short_calls_are_timed_together():
    machine = Machine(tick=1e-6)
    found = race({"short": machine.works("short", 1e-5)}, watch=Stopwatch(machine.read)).timings["short"]
    assert (1e-5, SAMPLES) == (pytest.approx(found.median), found.samples)
    assert 2.4e-3 < (len(machine.calls) - 2) / SAMPLES * 1e-5 < 2.6e-3


def test_what_is_done_before_a_call_is_not_timed_nor_is_the_clock():
    machine = Machine(tick=3e-6)

    def crowd() -> None:
        machine.calls.append("crowd")
        machine.now += 1e-3

    found = race({"a": machine.works("a", 1e-5)}, watch=Stopwatch(machine.read, crowd)).timings["a"]
    assert (1e-5, 1e-5) == (pytest.approx(found.median), pytest.approx(found.least))
    assert ["a", "crowd", "a", "crowd"] == machine.calls[:4]
    assert SAMPLES * 4 + 1 == machine.calls.count("crowd")


def test_the_hopeless_are_not_timed_to_the_end():
    machine = Machine()
    names = {"good": 0.01, "near": 0.013, "slow": 0.02, "hopeless": 0.04, "at once": 0.1}
    timings = race(
        {name: machine.works(name, seconds) for name, seconds in names.items()},
        simplest="at once",
        watch=Stopwatch(machine.read),
        budget=100,
    ).timings
    assert names == {name: pytest.approx(timings[name].median) for name in names}
    samples = {name: timings[name].samples for name in names}
    assert {"good": SAMPLES, "near": SAMPLES, "slow": 6, "hopeless": 3, "at once": 1} == samples


def test_when_the_budget_is_over_what_was_timed_counts():
    machine = Machine()
    found = race(
        {name: machine.works(name, 1.0) for name in ("a", "b", "c", "d")}, watch=Stopwatch(machine.read), budget=5.5
    )
    assert {"a", "b", "c"} == set(found.timings)
    assert (("d",), {}) == (found.untried, found.failures)
    assert machine.now <= 6.0


def test_what_raises_is_left_out_with_its_reason():
    machine = Machine()

    def broken() -> None:
        raise RuntimeError("no memory")

    turn = count()

    def breaks_later() -> None:
        machine.now += 0.01
        if next(turn) > 5:
            raise ValueError("now")

    found = race(
        {"broken": broken, "later": breaks_later, "fine": machine.works("fine", 0.02)},
        simplest="broken",
        watch=Stopwatch(machine.read),
    )
    assert ["fine"] == list(found.timings)
    assert {"broken": "RuntimeError: no memory", "later": "ValueError: now"} == found.failures
    assert SAMPLES == found.timings["fine"].samples


def test_nobody_runs_and_nobody_wins():
    machine = Machine()
    assert {} == race({}, watch=Stopwatch(machine.read)).timings


def test_garbage_waits():
    seen: list[bool] = []
    race({"a": lambda: seen.append(gc.isenabled())}, watch=Stopwatch(Machine(tick=0.01).read), budget=1)
    assert {False} == set(seen)
    assert gc.isenabled()


def test_the_simpler_wins_a_tie():
    timings = {"fancy": timing(1.0), "plain": timing(1.04), "slow": timing(1.2)}
    assert "plain" == best(timings, ["slow", "plain", "fancy"])
    assert "fancy" == best(timings, ["slow", "plain", "fancy"], tie=0.03)
    assert "slow" == best(timings, ["slow"], tie=0.3)
    assert "fancy" == best(timings, ["another"])


@pytest.mark.usefixtures("one_thread")
def test_the_clock_of_one_thread_is_that_of_the_processor():
    assert stopwatch().read is watches.process_time
    assert stopwatch(alone=True).before is None
    torch.set_num_threads(2)
    assert stopwatch().read is watches.perf_counter


def test_the_clock_of_a_gpu_waits_for_it(monkeypatch: pytest.MonkeyPatch):
    events: list[str] = []
    monkeypatch.setattr(torch.cuda, "synchronize", lambda: events.append("waited"))
    watch = stopwatch("cuda:1")
    assert watch.before is None
    events.append("begun")
    before = watch.read()
    assert ["begun", "waited"] == events
    assert watch.read() > before


@pytest.mark.usefixtures("one_thread")
def test_real_kernels_are_told_apart():
    few, many = torch.ones(64, 256), torch.ones(256, 256)
    found = race({"twice": lambda: few @ many @ many, "once": lambda: few @ many})
    assert {} == found.failures
    assert found.timings["once"].median < found.timings["twice"].median
    assert "once" == best(found.timings, ["twice", "once"])
