"""Parsing is fast, and linear: the figures that people see are printed by `tests/bench/bench_parse.py`; here the
margins are wide, for machines that have other things to do."""

import pytest

from tests.bench.bench_parse import sample, seconds

pytestmark = pytest.mark.slow


def test_parsing_reads_thousands_of_lines_a_second():
    text = sample(1500)
    assert text.count("\n") / seconds(text) > 3000


def test_parsing_is_linear():
    short, long = sample(2000), sample(10_000)
    per_line = [seconds(text) / text.count("\n") for text in (short, long)]
    assert per_line[1] / per_line[0] < 2
