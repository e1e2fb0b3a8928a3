"""The canonical form: it means the same, formatting it again changes nothing, and no comment is lost."""

from pathlib import Path

import pytest
from hypothesis import given, settings

from archdsl.diagnostics.record import ArchError
from archdsl.source import Source
from archdsl.syntax.format import format_text
from archdsl.syntax.limits import SyntaxLimits
from archdsl.syntax.parse import parse
from tests.strategies import programs, scattered

ROOT = Path(__file__).parents[2]
FOLDERS = ("examples", "archdsl/std", "archdsl/zoo", "searchspaces")
SHIPPED = sorted(path for folder in FOLDERS for path in (ROOT / folder).rglob("*.arch"))


def fmt(text: str) -> str:
    return format_text(Source("a.arch", text))


def assert_canonical(text: str) -> None:
    once = fmt(text)
    before, after = parse(Source("a.arch", text)), parse(Source("a.arch", once))
    assert () == after.diagnostics
    assert before.file.items == after.file.items
    assert [c.text for c in before.file.comments] == [c.text for c in after.file.comments]
    assert once == fmt(once)


@given(programs())
@settings(max_examples=150)
def test_programs_keep_their_meaning(text):
    assert_canonical(text)


@given(scattered())
@settings(max_examples=150)
def test_comments_stay_wherever_they_stand(text):
    assert_canonical(text)


@pytest.mark.parametrize("path", SHIPPED, ids=lambda path: path.name)
def test_what_is_shipped_keeps_its_meaning(path):
    assert_canonical(path.read_text("utf-8"))


# Text that is canonical already: formatting changes nothing.
CANONICAL = {
    "operators": "let a = (1 + 2) * -3 ** -b.c[0] - (d as e)[:, 1:, f:] @ g.T\n",
    "logic": "let a = not b == c and (d or e) and 1 <= f <= 8\n",
    "pipe in a sum": "let a = x + (x |> norm() as n |> mlp as m)\n",
    "ranges": "let a = [0..<4, 1..6 by 2, b - 1..<c]\n",
    "select": "let a = if b then c else if d then e else f\n",
    "tuple of one": "let a = (b,)\n",
    "bare comprehension": "let a = sum(f(i) for i, j in zip(b, c) if i)\n",
    "labels": 'let a = f() as b.c[2 * i] |> g() as "h{i + 1}.{j}" |> k() as _\n',
    "choose": "let a = choose(b when c > 1, d(1), none) as e\n",
    "imports": "from .a.b import c as d, e\n",
    "extern": 'extern block f(a: int? = none)(x: [b, ...]) -> [b], [] = "m.n:F"\n',
    "empty bodies": "block f {}\n\nblock g(a, b=1)(x: int64[b]? = none, y: list, z=none) {}\n",
    "settings in a row": "block f(a: list[int] in 1..2 = [1], b: dict[str, list[int]]?)(x: [size...]) {}\n",
    "fields in a column": "train f() {\n  a    = 1\n  bcde = 2\n\n  fg = 3\n}\n",
    "no column in a component": "block f() {\n  let a = 1\n  bcde = 2\n}\n",
    "lets in a column": "let a   = 1\nlet bcd = 2\n",
    "names of quite different widths": "let a = 1\nlet bcdefg = 2\n",
    "one-line body": 'quant f() {\n  at "a", b { weights = none  activations = none }\n}\n',
    "pipes where the author broke them": "let a = x\n  |> b() |> c\n  |> d(1)\n",
    "an open last step": "let a = x |> choose(\n  b,\n  c,\n) as d\n",
    "open brackets": "let a = f(\n  1,\n  b=[2],\n)\n",
    "rows": "let a = [\n  1, 2,\n  3, 4,\n]\n",
    "an open last argument": 'let a = f(b, [\n  ("c", 1),\n  ("d", 2),\n])\n',
    "else": "block f() {\n  if a {\n    b = 1\n  } else if c {\n    b = 2\n  } else {\n    b = 3\n  }\n}\n",
    "comments": (
        "# One.\n\n## Two.\nblock f(\n  a,  # three\n  # four\n  b,\n) {  # five\n"
        "  # six\n\n  return a  # seven\n  # eight\n}\n# nine\n"
    ),
}


@pytest.mark.parametrize("text", CANONICAL.values(), ids=CANONICAL)
def test_what_is_canonical_stays(text):
    assert text == fmt(text)


LONG = "a_name_of_thirty_characters_aa"

CHANGED = {
    "spaces": ("let  a=1+2*( 3 )", "let a = 1 + 2 * 3\n"),
    "needless parentheses": ("let a = ((b)) + ((c * (d)))", "let a = b + c * d\n"),
    "parentheses around the beginning of a run": ("let a = ((b + c) - d) |> (e)", "let a = b + c - d |> e\n"),
    "parentheses that matter": ("let a = b - (c - d) + (e |> f)", "let a = b - (c - d) + (e |> f)\n"),
    "empty lines": ("\n\nlet a = 1\n\n\n\nlet b = 2\n\n", "let a = 1\n\nlet b = 2\n"),
    "empty lines in a body": ("block f {\n\n  a = 1\n\n\n  b = 2\n\n}", "block f {\n  a = 1\n\n  b = 2\n}\n"),
    "one line": ("let a = 1 let b = 2", "let a = 1\nlet b = 2\n"),
    "carriage returns": ("\ufefflet a = 1\r\n# b\r\n", "let a = 1\n# b\n"),
    "trailing comma": ("let a = f(1, 2,)", "let a = f(1, 2)\n"),
    "tab": ("block f {\n\ta = 1\n}", "block f {\n  a = 1\n}\n"),
    "a long call": (
        f"let a = f({LONG}, {LONG}, {LONG}, b={LONG})",
        f"let a = f(\n  {LONG},\n  {LONG},\n  {LONG},\n  b={LONG},\n)\n",
    ),
    "a long pipe": (
        f"let a = {LONG} |> {LONG} |> {LONG} |> {LONG}",
        f"let a = {LONG}\n  |> {LONG}\n  |> {LONG}\n  |> {LONG}\n",
    ),
    "a long sum": (
        f"let a = {LONG} + {LONG} - {LONG} * b + {LONG}",
        f"let a = {LONG}\n  + {LONG}\n  - {LONG} * b\n  + {LONG}\n",
    ),
    "a long comprehension": (
        f"let a = [f({LONG}, {LONG}) for {LONG} in {LONG}]",
        f"let a = [\n  f({LONG}, {LONG})\n  for {LONG} in {LONG}\n]\n",
    ),
    "a long list": (
        f"let a = [{', '.join(str(number) for number in range(100, 140))}]",
        f"let a = [\n  {', '.join(str(number) for number in range(100, 123))},\n"
        f"  {', '.join(str(number) for number in range(123, 140))},\n]\n",
    ),
    "a long selection": (
        f"let a = if {LONG} == {LONG} then {LONG} else {LONG}",
        f"let a = if {LONG} == {LONG}\n  then {LONG}\n  else {LONG}\n",
    ),
    "a long header": (
        f"block f({LONG}: int, {LONG}b: int)(x: [b, {LONG}, {LONG}]) {{ }}",
        f"block f(\n  {LONG}: int,\n  {LONG}b: int,\n)(x: [b, {LONG}, {LONG}]) {{}}\n",
    ),
    "a long reason": (
        f'block f {{ require {LONG} == {LONG}: "{LONG} and {LONG}" }}',
        f'block f {{\n  require {LONG} == {LONG}:\n    "{LONG} and {LONG}"\n}}\n',
    ),
    "a body too long for a line": (
        f"quant f() {{ at a {{ b = {LONG}  cde = {LONG}  d = {LONG}  e = 1 }} }}",
        f"quant f() {{\n  at a {{\n    b   = {LONG}\n    cde = {LONG}\n    d   = {LONG}\n    e   = 1\n  }}\n}}\n",
    ),
    "comments among arguments": (
        "let a = f(1, # one\n  2 # two\n)",
        "let a = f(\n  1,  # one\n  2,  # two\n)\n",
    ),
    "a comment before else": (
        "block f { if a { b = 1 }\n# why\nelse { b = 2 } }",
        "block f {\n  if a {\n    b = 1\n  }\n  # why\n  else {\n    b = 2\n  }\n}\n",
    ),
    "a comment before a brace": ("block f # why\n{ }", "block f  # why\n{}\n"),
    "a comment alone in a body": ("block f { # why\n}", "block f {  # why\n}\n"),
    "a comment without an end": ("let a = 1 # b", "let a = 1  # b\n"),
}


@pytest.mark.parametrize(("before", "after"), CHANGED.values(), ids=CHANGED)
def test_what_is_not_canonical_changes(before, after):
    assert after == fmt(before)
    assert after == fmt(after)


def test_what_does_not_parse_is_refused():
    with pytest.raises(ArchError) as raised:
        fmt("let a = f(1, 2\nlet b = 3 +\n")
    assert ["E0006", "E0001"] == [diagnostic.code for diagnostic in raised.value.diagnostics]


@pytest.mark.parametrize(
    "text",
    [
        "let a = " + "(" * 190 + "b + c" + ") * d" * 190,
        "let a = b" + " + c" * 990,
        "let a = b" + " |> c" * 990,
        "let a = b" + "[0]" * 900,
        "let a = " + "-" * 990 + "b",
        "let a = " + "if b then c else " * 990 + "d",
        "block f {" + "if a { } else " * 900 + "{ } }",
    ],
    ids=["brackets", "sum", "pipe", "index", "signs", "select", "else if"],
)
def test_what_is_as_deep_as_the_limits_allow(text):
    roomy = SyntaxLimits(characters=3_000_000)  # indentation makes deep nesting long
    once = format_text(Source("a.arch", text), roomy)
    assert once == format_text(Source("a.arch", once), roomy)


def test_raised_limits_hold_here_too():
    text = "let a = b" + " + c" * 3000
    assert text + "\n" == format_text(Source("a.arch", text), SyntaxLimits(chain=4000)).replace("\n  +", " +")
