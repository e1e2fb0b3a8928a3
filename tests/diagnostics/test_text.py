"""The text form of diagnostics: snippets, carets under what is wide or cut, what is left out."""

import re

import pytest

from archdsl.diagnostics import codes
from archdsl.diagnostics.record import Diagnostic, Edit, Fix, Label
from archdsl.diagnostics.text import origin_text, presentable, render, render_one, summary
from archdsl.source import Source, Span

MODEL = Source(
    "models/meta.arch",
    """\
mixer local()(x: [b, c, h, w]) {
  return x |> conv(c, 5, gruops=c)
}

mixer other(kernel: int)(x: [b, c, h, w]) {
  return x |> local
}
""",
)


def span_of(source: Source, text: str) -> Span:
    start = source.text.index(text)
    return Span(source, start, start + len(text))


def unknown_setting() -> Diagnostic:
    place = span_of(MODEL, "gruops")
    return codes.UNKNOWN_SETTING.at(
        place,
        "`conv` has no setting `gruops`",
        "not a setting of `conv`",
        notes=("a setting with a similar name exists: `groups`",),
        fixes=(Fix("rename it", (Edit(place, "groups"),)),),
    )


def carets(shown: str) -> tuple[str, str]:
    """The first marked line of a rendering, and the carets below it."""
    lines = shown.splitlines()
    at = next(i for i, line in enumerate(lines) if re.search(r"\| *\^", line))
    return lines[at - 1].partition("| ")[2], lines[at].partition("| ")[2]


def test_the_whole_form():
    expected = """\
error[E0203]: `conv` has no setting `gruops`
 --> models/meta.arch:2:26
  |
2 |   return x |> conv(c, 5, gruops=c)
  |                          ^^^^^^ not a setting of `conv`
  |
  = a setting with a similar name exists: `groups`
  help: rename it (archdsl check --fix)
  more: archdsl explain E0203"""
    assert expected == render_one(unknown_setting())


def test_a_label_of_several_lines_hangs_below_its_place_and_the_chain_follows():
    source = Source("std/mixers.arch", "\n" * 44 + '  require c % heads == 0: "the width must be a multiple"\n')
    diagnostic = codes.REQUIREMENT.at(
        span_of(source, "c % heads == 0"),
        "requirement not met in `attention`",
        "c % heads == 0\n| | |     |\n| 3 5     false\n48",
        origin=("model meta(width=48)", "stages.0", "attention(heads=5)"),
    )
    expected = """\
error[E0401]: requirement not met in `attention`
  --> std/mixers.arch:45:11
   |
45 |   require c % heads == 0: "the width must be a multiple"
   |           ^^^^^^^^^^^^^^
   |           c % heads == 0
   |           | | |     |
   |           | 3 5     false
   |           48
   |
   = from: model meta(width=48) -> stages.0 -> attention(heads=5)
   more: archdsl explain E0401"""
    assert expected == render_one(diagnostic)


def test_labels_of_one_line_stand_below_each_other_and_those_of_other_lines_in_their_order():
    other = Source("std/layers.arch", "# one\nblock conv(c: int)\n")
    diagnostic = codes.DUPLICATE_ARGUMENT.at(
        span_of(MODEL, "gruops"),
        "given twice",
        "given again",
        others=(
            Label(span_of(MODEL, "5"), "given here"),
            Label(span_of(MODEL, "conv"), "of this op"),
            Label(span_of(MODEL, "other"), "elsewhere"),
            Label(span_of(MODEL, "local"), "in this mixer"),
            Label(span_of(other, "conv"), "declared here"),
        ),
    )
    expected = """\
error[E0205]: given twice
 --> models/meta.arch:2:26
  |
1 | mixer local()(x: [b, c, h, w]) {
  |       ----- in this mixer
2 |   return x |> conv(c, 5, gruops=c)
  |               ----    -  ^^^^^^ given again
  |               |       |
  |               |       given here
  |               of this op
...
5 | mixer other(kernel: int)(x: [b, c, h, w]) {
  |       ----- elsewhere
 ::: std/layers.arch:2:7
  |
2 | block conv(c: int)
  |       ---- declared here"""
    assert expected == render_one(diagnostic, more=False)


def test_a_single_line_between_two_marked_ones_is_shown():
    diagnostic = codes.UNCLOSED.at(
        span_of(MODEL, "}"), "closed here", others=(Label(span_of(MODEL, "mixer local"), "opened here"),)
    )
    expected = """\
error[E0006]: closed here
 --> models/meta.arch:3:1
  |
1 | mixer local()(x: [b, c, h, w]) {
  | ----------- opened here
2 |   return x |> conv(c, 5, gruops=c)
3 | }
  | ^"""
    assert expected == render_one(diagnostic, more=False)


def test_marks_that_overlap_have_carets_of_their_own():
    whole, part = span_of(MODEL, "conv(c, 5"), span_of(MODEL, "5")
    diagnostic = codes.WRONG_TYPE.at(part, "wrong", "this part", others=(Label(whole, "of this call"),))
    shown = render_one(diagnostic, more=False).splitlines()
    assert ["  |                       ^ this part", "  |               --------- of this call"] == shown[-2:]


def test_a_fault_over_a_few_lines_is_marked_on_each():
    source = Source("a.arch", "  let a = 1 +\n\n    2 * 3\nlet b = 2\n")
    expected = """\
error[E0213]: title
 --> a.arch:1:11
  |
1 |   let a = 1 +
  |           ^^^
2 |
3 |     2 * 3
  |     ^^^^^ label"""
    whole = Span(source, 10, source.text.index("3") + 1)
    assert expected == render_one(codes.UNREACHABLE.at(whole, "title", "label"), more=False)


def test_of_many_lines_the_first_is_marked():
    source = Source("a.arch", "let a = [\n1,\n2,\n3,\n4,\n5]\n")
    shown = render_one(codes.UNREACHABLE.at(Span(source, 8, len(source.text) - 1), "title", "label"), more=False)
    assert ["1 | let a = [", "  |         ^ label"] == shown.splitlines()[3:]


@pytest.mark.parametrize(
    ("before", "shown", "columns"),
    [
        ("\tlet a = ", "    let a = ", 12),
        ("a\tb = ", "a   b = ", 8),
        ('"日本" + ', '"日本" + ', 9),
        ('"e\u0301" + ', '"e\u0301" + ', 6),
        ('"\x1b[31m" + ', '"\\e[31m" + ', 11),
        ('"\u202e" + ', '"\\u{202e}" + ', 13),
    ],
    ids=["tab", "tab inside", "wide", "combining", "escape", "direction"],
)
def test_carets_stand_under_what_they_mark(before: str, shown: str, columns: int):
    source = Source("a.arch", f"{before}wrong + 1\n")
    line, marks = carets(render_one(codes.UNKNOWN_NAME.at(span_of(source, "wrong"), "title")))
    assert (f"{shown}wrong + 1", " " * columns + "^^^^^") == (line, marks)


@pytest.mark.parametrize("place", [0, 40, 5_000, 9_990])
def test_a_long_line_is_cut_around_its_mark(place: int):
    source = Source("a.arch", "x" * place + " wrong " + "y" * (10_000 - place))
    shown = render_one(codes.UNKNOWN_NAME.at(span_of(source, "wrong"), "title"), width=80)
    line, marks = carets(shown)
    assert ("wrong", 5) == (line[marks.index("^") : marks.index("^") + 5], marks.count("^"))
    assert 80 >= max(map(len, shown.splitlines()))
    assert (place > 70, place < 9_950) == (line.startswith("..."), line.endswith("..."))


def test_a_mark_longer_than_the_line_keeps_its_beginning():
    source = Source("a.arch", "let a = " + "z" * 1_000_000)
    shown = render_one(codes.TOO_LONG.at(span_of(source, "z" * 1_000_000), "title"), width=60)
    line, marks = carets(shown)
    assert line.index("zz") == marks.index("^")
    assert 60 >= max(map(len, shown.splitlines()))


def test_marks_far_apart_on_a_long_line_are_shown_one_after_the_other():
    source = Source("a.arch", "first" + " " * 500 + "second")
    first, second = span_of(source, "first"), span_of(source, "second")
    shown = render_one(codes.DECLARED_TWICE.at(second, "title", "again", others=(Label(first, "before"),)), more=False)
    assert (2, 1, 1) == (shown.count("1 | "), shown.count("^^^^^^ again"), shown.count("----- before"))


@pytest.mark.parametrize(("text", "place"), [("", ""), ("let a = ", ":1:9"), ("let a =\n", ":2:1")])
def test_the_end_of_a_text_can_be_marked(text: str, place: str):
    source = Source("a.arch", text)
    shown = render_one(codes.UNEXPECTED.at(Span(source, len(text), len(text)), "title"), more=False)
    assert (f" --> a.arch{place}", bool(text)) == (shown.splitlines()[1], "^" in shown)


def test_carriage_returns_are_not_shown():
    source = Source("a.arch", "let a = b\r\nlet c = d\r\n")
    assert ("let c = d", "        ^") == carets(render_one(codes.UNKNOWN_NAME.at(span_of(source, "d"), "title")))


def test_control_characters_in_messages_are_escaped():
    source = Source("a\x1b.arch", "let a = 1")
    shown = render_one(codes.UNEXPECTED.at(span_of(source, "1"), "bad \x1b[31m", "\x07", notes=("\x00",)))
    assert set() == {"\x1b", "\x07", "\x00"} & set(shown)


def test_colour_changes_nothing_but_colour():
    plain, coloured = render([unknown_setting()]), render([unknown_setting()], color=True)
    assert "\x1b[" not in plain
    assert "\x1b[1;31m^^^^^^" in coloured
    assert plain == re.sub(r"\x1b\[[0-9;]*m", "", coloured)


def test_diagnostics_are_sorted_and_shown_once_and_explained_once():
    first, second = codes.UNKNOWN_NAME.at(Span(MODEL, 3, 4), "a"), codes.UNKNOWN_NAME.at(Span(MODEL, 9, 10), "b")
    other = codes.UNUSED_NAME.at(Span(Source("a.arch", "let"), 0, 3), "c")
    assert (other, first, second) == presentable([second, first, other, second])
    shown = render([second, first, other, second])
    assert ["warning[W1002]: c", "error[E0101]: a", "error[E0101]: b"] == [
        line for line in shown.splitlines() if line.startswith(("error", "warning"))
    ]
    assert 1 == shown.count("archdsl explain E0101")


def test_of_a_file_twenty_errors_are_shown():
    errors = [codes.UNKNOWN_NAME.at(Span(MODEL, i, i + 1), f"number {i}") for i in range(32)]
    shown = render([*errors, codes.UNUSED_NAME.at(Span(MODEL, 0, 1), "a warning")])
    assert (20, 1, "... and 12 more errors") == (
        shown.count("error[E0101]"),
        shown.count("warning[W1002]"),
        shown.split("\n\n")[-1],
    )


@pytest.mark.parametrize(
    ("errors", "warnings", "expected"),
    [(0, 0, "no errors"), (1, 0, "1 error"), (2, 1, "2 errors, 1 warning"), (0, 3, "3 warnings")],
)
def test_the_summary_counts(errors: int, warnings: int, expected: str):
    found = [codes.UNKNOWN_NAME.at(Span(MODEL, i, i + 1), "title") for i in range(errors)]
    found += [codes.UNUSED_NAME.at(Span(MODEL, i, i + 1), "title") for i in range(warnings)]
    assert expected == summary([*found, *found])


def test_a_long_chain_is_shown_by_its_ends():
    assert "from: 0 -> 1" == origin_text(["0", "1"])
    assert "from: 0 -> 1 -> 2 -> 3 -> 4 -> 5" == origin_text([str(i) for i in range(6)])
    assert "from: 0 -> 1 -> ... 59 more ... -> 61 -> 62 -> 63" == origin_text([str(i) for i in range(64)])


def test_a_wide_chain_takes_a_line_for_each_step():
    expected = """\
error[E0101]: title
 --> a.arch:1:1
  |
1 | x
  | ^
  |
  = from: model(width=48)
       -> stages.0 = run(depth=2)
       -> blocks.1 = attend(name="nnnnnnnnnn...
  more: archdsl explain E0101"""
    steps = ("model(width=48)", "stages.0 = run(depth=2)", f'blocks.1 = attend(name="{"n" * 80}")')
    assert expected == render_one(
        codes.UNKNOWN_NAME.at(Span(Source("a.arch", "x"), 0, 1), "title", origin=steps), width=50
    )


def test_a_long_note_is_broken_between_words_and_a_drawing_is_not():
    notes = ("the names: " + ", ".join(["`conv`"] * 9), "c % heads == 0\n| |")
    shown = render_one(codes.UNKNOWN_NAME.at(Span(MODEL, 0, 5), "title", notes=notes), width=50, more=False)
    expected = [
        "  = the names: `conv`, `conv`, `conv`, `conv`,",
        "    `conv`, `conv`, `conv`, `conv`, `conv`",
        "  = c % heads == 0",
        "    | |",
    ]
    assert expected == shown.splitlines()[-4:]


def test_a_label_too_long_for_its_line_hangs_below():
    diagnostic = codes.UNKNOWN_SETTING.at(span_of(MODEL, "gruops"), "title", "use one of nearest, bilinear and bicubic")
    expected = """\
2 |   return x |> conv(c, 5, gruops=c)
  |                          ^^^^^^
  |       use one of nearest, bilinear and bicubic"""
    assert expected == "\n".join(render_one(diagnostic, width=50, more=False).splitlines()[-3:])
