"""Numbers and columns as they are printed."""

import pytest

from archdsl.tables import bytes_of, clipped, shape, short, table


@pytest.mark.parametrize(
    ("number", "expected"),
    [
        (0, "0"),
        (999, "999"),
        (1000, "1.00 K"),
        (28288354, "28.3 M"),
        (864224000, "864 M"),
        (4490566656, "4.49 G"),
        (10**20, "100000 P"),
    ],
)
def test_large_numbers_get_a_unit(number, expected):
    assert expected == short(number)


def test_bytes_have_theirs():
    assert ["7 B", "7.00 KB", "188 MB"] == [bytes_of(7), bytes_of(7000), bytes_of(188_307_016)]


def test_columns_are_as_wide_as_their_cells():
    assert ["a      1", "long  22"] == table([["a", "1"], ["long", "22"]], [False, True])
    assert [] == table([], [])


def test_texts_are_cut_where_they_are_too_long():
    assert ["short", "a lo..."] == [clipped("short", 5), clipped("a long one", 7)]


def test_a_shape_is_written_as_in_messages():
    assert ["[1, 3, 8]", "[]"] == [shape((1, 3, 8)), shape(())]
