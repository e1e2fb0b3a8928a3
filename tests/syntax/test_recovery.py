"""Every syntax error of a file is found in one run, once, on its line, and spoils only its own item."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from archdsl.source import Source
from archdsl.syntax import nodes
from archdsl.syntax.parse import Parsed, parse

SOUND = """\
from std.layers import attention, mlp as m

## A block.
block first(width: int, names: list[str] = ["a", "b"])(x: [b, c]) -> [b, c] {
  let y = x |> linear(width) as fc1 |> gelu
  let z = concat([x, y, x], axis=1)
  for i in 0..<4 {
    x = x |> f(a, b, key=2) as blocks[i]
  }
  if width > 3 {
    x = x + y
  } else {
    x = x - y
  }
  return x + y
}

mixer second()(x: [b, c]) {
  return x
}

let third = first(width=3)

search fourth() {
  space    = third
  minimize latency = latency(device="cpu")
  require latency < 3: "why"
}
"""

# What is replaced, by what, and the line, code and title of the only error that follows.
SEEDED = [
    ("linear(width) as", "|> linear(width) as", 5, "E0001", "a step is missing between two pipes"),
    ("return x + y", "return x +", 15, "E0001", "a value is missing after `+`"),
    ("  x = x + y\n", "  x = x +\n", 11, "E0001", "a value is missing after `+`"),
    ("  x = x + y\n", "  x =\n", 11, "E0001", "a value is missing after `=`"),
    ("as fc1 |> gelu", "as fc1 |>", 5, "E0001", "a value is missing after `|>`"),
    ("f(a, b, key=2)", "f(a, b, key=2", 8, "E0006", "`(` is never closed"),
    ("f(a, b, key=2) as blocks[i]", "f(a, b, key=2", 8, "E0006", "`(` is never closed"),
    ("blocks[i]", "blocks[i", 8, "E0006", "`[` is never closed"),
    ("[x, y, x], axis", "[x, y, x, axis", 6, "E0006", "`[` is never closed"),
    ("[x, y, x], axis=1)", "[x, y, x]", 6, "E0006", "`(` is never closed"),
    ("[x, y, x]", "[x, y, x)", 6, "E0006", "`)` does not close `[`"),
    ("(width) as", "(width] as", 5, "E0006", "`]` does not close `(`"),
    ("axis=1)", "axis=1))", 6, "E0001", "`)` closes nothing"),
    ("[x, y, x]", "[x, y x]", 6, "E0001", "`,` is missing before `x`"),
    ("f(a, b,", "f(a b,", 8, "E0001", "`,` is missing before `b`"),
    ("int, names", "int names", 4, "E0001", "`=` is missing before `names`"),
    ("width > 3", "!width > 3", 10, "E0001", "`!` is not part of the language"),
    ("return x\n", "return x;\n", 19, "E0001", "`;` is not part of the language"),
    ("let y = x", "let y x", 5, "E0001", "`=` is missing before `x`"),
    ("x = x - y", "x x - y", 13, "E0001", "`=` is missing before `x`"),
    ("third = first", "third first", 22, "E0001", "`=` is missing before `first`"),
    ("let third =", "third =", 22, "E0001", "`third` is bound outside of every declaration"),
    ("let third = first(width=3)", "return third", 22, "E0001", "`return` stands outside of every declaration"),
    ("(width=3)", "(width=3", 22, "E0006", "`(` is never closed"),
    ("(width=3)", "(width=)", 22, "E0001", "a value is missing after `=`"),
    ("  return x\n}\n", "  return x\n", 19, "E0006", "`{` is never closed"),
    ("  return x + y\n}\n", "  return x + y\n", 15, "E0006", "`{` is never closed"),
    ("blocks[i]\n  }\n", "blocks[i]\n", 8, "E0006", "`{` is never closed"),
    ("  } else {", "  else {", 11, "E0006", "`{` is never closed"),
    ("  } else {", "  } else", 12, "E0001", "`{` is missing"),
    ("0..<4 {", "0..<4", 7, "E0001", "`{` is missing"),
    ("second()(x: [b, c]) {", "second()(x: [b, c])", 18, "E0001", "`{` is missing"),
    ("  return x\n}\n", "  return x\n}\n}\n", 21, "E0001", "`}` closes nothing"),
    ("blocks[i]\n  }\n", "blocks[i]\n  }\n  }\n", 10, "E0001", "`}` closes nothing"),
    ("blocks[i]\n  }\n", "blocks[i] }\n  }\n", 8, "E0001", "`}` closes nothing"),
    ('"why"', '"why', 27, "E0004", "this string has no end"),
    ('"cpu")', '"cpu)', 26, "E0004", "this string has no end"),
    ('"why"', '"w\\hy"', 27, "E0004", "strings know no escape `\\h`"),
    ("let third", "let in", 22, "E0005", "`in` is a reserved word and cannot be a name"),
    ("mixer second", "mixer at", 18, "E0005", "`at` is a reserved word and cannot be a name"),
    ("(width: int", "(by: int", 4, "E0005", "`by` is a reserved word and cannot be a name"),
    ("(x: [b, c]) ->", "(for: [b, c]) ->", 4, "E0005", "`for` is a reserved word and cannot be a name"),
    ("key=2", "if=2", 8, "E0005", "`if` is a reserved word and cannot be a name"),
    ("let z", "let return", 6, "E0005", "`return` is a reserved word and cannot be a name"),
    ("  space    =", "  at    =", 25, "E0005", "`at` is a reserved word and cannot be a name"),
    ("for i in 0", "for in in 0", 7, "E0005", "`in` is a reserved word and cannot be a name"),
    ("for i in 0", "for i 0", 7, "E0001", "`in` is missing before `0`"),
    ("for i in 0..<4", "for i in 0..<", 7, "E0001", "a value is missing after `..<`"),
    ("import attention, mlp as m", "attention, mlp as m", 1, "E0001", "`import` is missing before `attention`"),
    ("mlp as m", "mlp as", 1, "E0001", "a name is missing after `as`"),
    ("mixer second()", "mixer ()", 18, "E0001", "a name is missing before `(`"),
    ("return x\n", "retrun x\n", 19, "E0001", "no statement begins with `retrun`"),
    ("return x\n", "return if x then y\n", 19, "E0001", "`else` is missing after `y`"),
    ("return x\n", "return x y\n", 19, "E0001", "`y` does not fit after `x`"),
    ("  x = x + y\n", "  x += y\n", 11, "E0001", "`+=` is not part of the language"),
    ("width > 3", "width === 3", 10, "E0001", "`===` is not part of the language"),
    ("[x, y, x]", "(z) ? x : y", 6, "E0001", "`?` is not part of the language"),
    ("if width", "while width", 10, "E0001", "no statement begins with `while`"),
    ("} else {", "} elif width {", 12, "E0001", "no statement begins with `elif`"),
    ("mixer second()", "while true", 18, "E0001", "no declaration begins with `while`"),
    ('"why"', "'why'", 27, "E0001", "`'` is not part of the language"),
    ("  x = x + y\n", "  y |> f(x) as b\n", 11, "E0001", "this has no effect"),
    ("  x = x + y\n", "  f(x)\n", 11, "E0001", "this has no effect"),
    ("f(a, b, key=2)", "f(a (b c) -> a b, key=2)", 8, "E0001", "a pattern stands in quotes"),
    ("latency = latency(", "latency(", 26, "E0001", "an objective with arguments needs a name"),
    ("third = first", "third = from", 22, "E0005", "`from` is a reserved word and cannot be a name"),
]


def parsed(text: str) -> Parsed:
    return parse(Source("a.arch", text))


def told(found: Parsed) -> list[tuple[int, str, str]]:
    place = found.file.source.position
    return [(place(d.primary.span.start)[0], d.code, d.title) for d in found.diagnostics]


def declared(item: nodes.Item) -> tuple[str, ...]:
    if isinstance(item, nodes.Broken):
        return tuple(name.text for name in item.names)
    if isinstance(item, nodes.Import):
        return tuple((imported.alias or imported.name).text for imported in item.names)
    return tuple(name.text for name in item.targets) if isinstance(item, nodes.Let) else (item.name.text,)


def test_the_text_is_sound_without_a_fault():
    found = parsed(SOUND)
    assert () == found.diagnostics
    assert [("attention", "m"), ("first",), ("second",), ("third",), ("fourth",)] == [*map(declared, found.file.items)]


@pytest.mark.parametrize(("old", "new", "line", "code", "title"), SEEDED, ids=[new.strip() for _, new, *_ in SEEDED])
def test_one_fault_is_one_error(old, new, line, code, title):
    assert 1 == SOUND.count(old)
    found = parsed(SOUND.replace(old, new))
    assert [(line, code, title)] == told(found)
    sound = parsed(SOUND).file.items
    assert 5 == len(found.file.items)
    assert 4 <= sum(item in sound for item in found.file.items)


def unbalances(seed):
    """Whether a fault leaves a brace too many or too few."""
    old, new, *_ = seed
    return old.count("{") - old.count("}") != new.count("{") - new.count("}")


@given(
    st.lists(st.sampled_from(SEEDED), min_size=2, max_size=7, unique_by=lambda seed: seed[2]).filter(
        lambda seeds: sum(map(unbalances, seeds)) <= 1
    )
)
@settings(max_examples=100)
def test_faults_on_lines_of_their_own_do_not_disturb_each_other(seeds):
    """Each is put on a copy of the text of its own, one copy behind the other. Two that unbalance the braces can make
    up for each other, and then nobody knows where the braces were meant."""
    length = SOUND.count("\n")
    text, expected = "", []
    for number, (old, new, line, code, title) in enumerate(seeds):
        expected.append((text.count("\n") + line, code, title))
        text += SOUND.replace(old, new)
        assert text.count("\n") >= (number + 1) * length - number - 1
    assert expected == told(parsed(text))


SEVEN = """\
from std.layers import attention, mlp as

let width = 3 +

block one(a: int, b)(x: [b, c]) {
  x = x |> |> conv(a, 3)
  let y = f(x, a
  return x + [1, 2 3]
}

mixer two()(x: [b]) {
  return f(x]
}

let at = 4

let fine = one(3)
"""


def test_seven_faults_are_seven_errors():
    expected = [
        (1, "E0001", "a name is missing after `as`"),
        (3, "E0001", "a value is missing after `+`"),
        (6, "E0001", "a step is missing between two pipes"),
        (7, "E0006", "`(` is never closed"),
        (8, "E0001", "`,` is missing before `3`"),
        (12, "E0006", "`]` does not close `(`"),
        (15, "E0005", "`at` is a reserved word and cannot be a name"),
    ]
    found = parsed(SEVEN)
    assert expected == told(found)
    kinds = [type(item).__name__ for item in found.file.items]
    assert ["Broken", "Broken", "Broken", "Broken", "Broken", "Let"] == kinds
    names = [("attention", "mlp"), ("width",), ("one",), ("two",), (), ("fine",)]
    assert names == [declared(item) for item in found.file.items]


def test_faults_without_line_ends():
    found = parsed("block a() { x = } block b() { x = 1 } let c = f(1 2) block d() { y = 3 z = }")
    assert [14, 50, 73] == [d.primary.span.start for d in found.diagnostics]
    assert ["Broken", "Declaration", "Broken", "Broken"] == [type(item).__name__ for item in found.file.items]


def test_faults_without_indentation():
    found = parsed("block a() {\nlet x = 1\nreturn x +\n}\nblock b() {\nlet y = (2\nreturn y\n}\nlet c = 3\n")
    assert [(3, "E0001"), (6, "E0006")] == [(line, code) for line, code, _ in told(found)]
    assert [("a",), ("b",), ("c",)] == [declared(item) for item in found.file.items]


@pytest.mark.parametrize(
    ("text", "label", "inside"),
    [
        ("let a = f(1, 2", "`)` is missing after this", "opens the arguments of `f`"),
        ("let a = [1, 2", "`]` is missing after this", "opens a list"),
        ("let a = b[1", "`]` is missing after this", "opens the index of `b`"),
        ("let a = choose(1, 2", "`)` is missing after this", "opens the options of `choose`"),
        ("let a = (1 + 2", "`)` is missing after this", "opens a parenthesis"),
        ("let a = b as c[1", "`]` is missing after this", "opens a label"),
        ("block f(a: int { }", "`)` is missing after this", "opens the settings of `f`"),
        ("block f()(x: [b] { }", "`)` is missing after this", "opens the list of tensors"),
        ("block f()(x: [b { }", "`]` is missing after this", "opens a shape"),
        ("block f() { x = 1", "`}` is missing after this", "opened here"),
    ],
)
def test_an_open_bracket_is_shown(text, label, inside):
    (error,) = parsed(text).diagnostics
    (other,) = error.others
    assert ("E0006", label, inside) == (error.code, error.primary.text, other.text)


@pytest.mark.parametrize(
    ("text", "mended"),
    [
        ("let a = [1, 2 3]", "let a = [1, 2, 3]"),
        ("let a = f(b c)", "let a = f(b, c)"),
        ("let a 3", "let a = 3"),
        ("a = 3", "let a = 3"),
        ("block f { for i x { } }", "block f { for i in x { } }"),
        ("block f { retrun 1 }", "block f { return 1 }"),
        ("search f { minimize a(b=1) }", "search f { minimize a = a(b=1) }"),
        ("let a = 'b'", 'let a = "b"'),
    ],
)
def test_a_fix_mends_the_fault(text, mended):
    (error,) = parsed(text).diagnostics
    (fix,) = error.fixes
    for edit in fix.edits:
        text = text[: edit.span.start] + edit.text + text[edit.span.end :]
    assert mended == text
    assert () == parsed(text).diagnostics


@pytest.mark.parametrize(
    ("text", "safe"),
    [("let a 3", True), ("block f { for i x { } }", True), ("let a = f(b c)", False), ("block f(a: int b) { }", False)],
)
def test_a_sign_is_put_in_by_itself_only_where_nothing_else_can_be_meant(text, safe):
    (error,) = parsed(text).diagnostics
    (fix,) = error.fixes
    assert safe == fix.safe


RESERVED = """\
block one(in: int)(x: [b, c]) {
  let at = in // 2
  return x |> f(at, in) as "k{at}"
}

let a = one(in=3)

block two(in: int)(x: [b, c]) {
  let y = by
  return y * by
}
"""


def test_a_reserved_word_is_told_where_it_is_a_name_and_not_again_where_it_is_used():
    expected = [
        (1, "E0005", "`in` is a reserved word and cannot be a name"),
        (2, "E0005", "`at` is a reserved word and cannot be a name"),
        (8, "E0005", "`in` is a reserved word and cannot be a name"),
        (9, "E0005", "`by` is a reserved word and cannot be a name"),
    ]
    assert expected == told(parsed(RESERVED))


@pytest.mark.parametrize(
    ("text", "label"),
    [
        ("block f { out -= 2 * out }", "write `out = out - ...`"),
        ("let a = b ? c : d", "write `if a then b else c`"),
        ("let a = b !== c", "write `!=`"),
        ("while true { }", "loops are `for`"),
        ("let a = 'b'", 'strings stand in `"`'),
        ("block f { y |> g() as norm }", "bind it: `y = y |> ...`"),
        ("block f { g(y) }", "bind it to a name"),
        ("search f { maximize a(b=1) }", "write `maximize a = a(...)`"),
        ("let a = g(b, c d -> d c)", 'write `"` around it'),
        ("let a =", "write a value after this"),
    ],
)
def test_what_this_language_writes_instead_is_said(text, label):
    (error,) = parsed(text).diagnostics
    assert label == error.primary.text


@pytest.mark.parametrize(
    ("text", "notes"),
    [
        ("let c = 3 // 2 // a comment", ("comments begin with `#`",)),
        ("let c = 3 // for later", ("comments begin with `#`",)),
        ("block f { let a = 2 }\n// the end", ("comments begin with `#`",)),
        ("block f { return x // y 3 }", ()),
        ("block f { return x // 2 y }", ()),
    ],
)
def test_a_comment_of_another_language_is_seen(text, notes):
    (error,) = parsed(text).diagnostics
    assert notes == error.notes
