"""Fixes that are applied, and those that are not."""

import pytest

from archdsl.diagnostics import codes
from archdsl.diagnostics.fixes import apply_fixes
from archdsl.diagnostics.record import Diagnostic, Edit, Fix
from archdsl.source import Source, Span

TEXT = "let a = gruops + kernal\n"
SOURCE = Source("a.arch", TEXT)


def fault(*edits: tuple[int, int, str], safe: bool = True, source: Source = SOURCE) -> Diagnostic:
    made = tuple(Edit(Span(source, start, end), text) for start, end, text in edits)
    return codes.UNKNOWN_NAME.at(made[0].span, "title", fixes=(Fix("mend it", made, safe),))


def test_all_safe_fixes_of_a_file_are_applied():
    found = [fault((17, 23, "kernel")), fault((8, 14, "groups"))]
    assert {"a.arch": "let a = groups + kernel\n"} == apply_fixes({"a.arch": TEXT}, found)


def test_the_same_fix_twice_is_applied_once():
    assert {"a.arch": "let a = groups + kernal\n"} == apply_fixes({"a.arch": TEXT}, [fault((8, 14, "groups"))] * 2)


@pytest.mark.parametrize(
    "diagnostic",
    [
        fault((8, 14, "groups"), safe=False),
        fault((8, 14, "groups"), source=Source("std/layers.arch", TEXT)),
        fault((8, 14, "groups"), source=Source("a.arch", f"# before it was changed\n{TEXT}")),
        codes.UNKNOWN_NAME.at(Span(SOURCE, 8, 14), "title"),
    ],
    ids=["unsafe", "another file", "another text", "no fix"],
)
def test_what_is_not_safe_is_left_alone(diagnostic: Diagnostic):
    assert {} == apply_fixes({"a.arch": TEXT}, [diagnostic])


@pytest.mark.parametrize(
    ("first", "second"),
    [
        ((8, 14, "groups"), (10, 16, "x")),
        ((8, 14, ""), (9, 10, "x")),
        ((8, 8, "x"), (8, 8, "y")),
        ((8, 8, "x"), (8, 14, "")),
    ],
)
def test_of_two_that_meet_the_first_is_applied(first: tuple[int, int, str], second: tuple[int, int, str]):
    start, end, text = first
    expected = TEXT[:start] + text + TEXT[end:]
    assert {"a.arch": expected} == apply_fixes({"a.arch": TEXT}, [fault(first), fault(second)])


def test_edits_that_touch_do_not_meet():
    found = [fault((8, 14, "a")), fault((14, 17, "-"))]
    assert {"a.arch": "let a = a-kernal\n"} == apply_fixes({"a.arch": TEXT}, found)


def test_a_fix_is_applied_as_a_whole_or_not_at_all():
    found = [fault((8, 14, "groups")), fault((10, 11, "x"), (17, 23, "kernel"))]
    assert {"a.arch": "let a = groups + kernal\n"} == apply_fixes({"a.arch": TEXT}, found)
    together = [fault((8, 14, "groups"), (17, 23, "kernel"))]
    assert {"a.arch": "let a = groups + kernel\n"} == apply_fixes({"a.arch": TEXT}, together)
