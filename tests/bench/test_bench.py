"""The promised speeds, with a factor of ten: on a crowded machine the same code takes up to four times as long, and a
real regression is larger than what is left. `make bench` shows the figures without it."""

import os
from collections.abc import Callable
from pathlib import Path

import pytest

from archdsl.source import Source
from archdsl.syntax.format import format_text
from archdsl.syntax.parse import parse
from tests.bench.measures import FILE, MEASURES, MODELS, Measure
from tests.bench.neighborhood import neighborhood_attention
from tests.bench.timing import Times, machine

PATIENCE = 10.0


@pytest.mark.slow
@pytest.mark.parametrize("measuring", MEASURES, ids=lambda measuring: measuring.__name__)
def test_promises_are_kept(measuring: Callable[[], list[Measure]]):
    found = measuring()
    assert [] == [(m.name, m.value, m.unit) for m in found if not m.holds(PATIENCE)]
    assert any(m.at_least is not None or m.at_most is not None for m in found)


@pytest.mark.slow
@pytest.mark.parametrize("biased", [False, True])
def test_neighbours_are_faster_than_a_mask(biased: bool):
    """Both are measured in turn, so a crowded machine slows them alike."""
    found = neighborhood_attention(56, 2, 3, biased)
    assert found.holds(1.5), found


@pytest.mark.parametrize("file", [FILE, MODELS], ids=lambda file: file.name)
def test_what_is_measured_is_clean_and_canonical(file: Path):
    source = Source(file.name, file.read_text(encoding="utf-8"))
    assert ((), source.text) == (parse(source).diagnostics, format_text(source))


def test_the_file_that_is_checked_has_two_hundred_lines():
    assert 200 == pytest.approx(FILE.read_text(encoding="utf-8").count("\n"), abs=3)


def test_a_broken_promise_is_told():
    slow, fast = Measure("slow", 10.5, "ms", at_most=10.0), Measure("fast", 5_900.0, "lines/s", at_least=6_000.0)
    assert [False, False, True, True] == [slow.holds(), fast.holds(), slow.holds(PATIENCE), fast.holds(PATIENCE)]
    assert not Measure("far", 101.0, "ms", at_most=10.0).holds(PATIENCE)


def test_medians_and_shares():
    times = Times((3.0, 1.0, 2.0), (30.0, 10.0, 20.0))
    assert (2.0, 20.0, 10.0, 30.0) == (
        times.median_wall,
        times.median_processor,
        times.fastest_processor,
        times.processor_at(0.9),
    )


def test_the_machine_is_named():
    found = machine()
    assert (os.cpu_count(), 1) == (found["cores"], found["threads"])
    assert found["machine"]
