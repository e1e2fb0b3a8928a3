"""The name that was probably meant."""

import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from archdsl.diagnostics.suggest import closest, did_you_mean

NAMES = st.text("abc_AB", max_size=8)


@pytest.mark.parametrize(
    ("name", "candidates", "expected"),
    [
        ("gruops", ["bias", "groups", "group_norm"], "groups"),
        ("Conv", ["cone", "conv"], "conv"),
        ("batchnorm", ["instance_norm", "batch_norm"], "batch_norm"),
        ("batchNorm", ["batch_norms", "batch_norm"], "batch_norm"),
        ("conv2d", ["convolve", "conv"], "conv"),
        ("drop", ["drop_path", "dropout"], "dropout"),
        ("patches", ["patch", "pad"], "patch"),
        ("attention_block_of_nobody", ["attention"], None),
        ("norm", ["batch_norm", "relu"], "batch_norm"),
        ("norm", ["batch_norm", "layer_norm"], None),
        ("ab", ["ac", "ba"], "ba"),
        ("int9", ["int2", "int16", "int8", "int7"], "int8"),
        ("x", ["y"], None),
        ("w", ["W", "h"], "W"),
        ("unrelated", ["conv", "relu"], None),
        ("conv", ["conv"], None),
        ("conv", [], None),
        ("", ["a"], None),
    ],
)
def test_the_nearest_is_offered(name: str, candidates: list[str], expected: str | None):
    assert expected == closest(name, candidates)


@given(NAMES, st.lists(NAMES))
def test_the_order_of_the_candidates_makes_no_difference(name: str, candidates: list[str]):
    shuffled = random.Random(0).sample(candidates, len(candidates))
    found = closest(name, candidates)
    assert found == closest(name, [*shuffled, *shuffled])
    assert found is None or (found in candidates and found != name)


@given(st.text("abcdef", min_size=4, max_size=10), st.integers(0, 8))
def test_two_letters_swapped_are_found(name: str, place: int):
    place %= len(name) - 1
    swapped = name[:place] + name[place + 1] + name[place] + name[place + 2 :]
    assert (name if swapped != name else None) == closest(swapped, [name])


def test_names_without_measure_cost_nothing():
    assert closest("a" * 1_000_000, ["b" * 1_000_000, "conv"]) is None


def test_the_note_names_what_it_is():
    assert "a setting with a similar name exists: `groups`" == did_you_mean("gruops", ["groups"], "setting")
    assert "an op with a similar name exists: `conv`" == did_you_mean("cnov", ["conv"], "op")
    assert did_you_mean("gruops", ["bias"]) is None
