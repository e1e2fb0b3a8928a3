"""Text to nodes: shape of the tree, spans, documentation, and text that no parser should choke on."""

import dataclasses
import time
from collections.abc import Iterator

import pytest
from hypothesis import given, settings

from archdsl.source import Source, Span
from archdsl.syntax import nodes
from archdsl.syntax.limits import SyntaxLimits
from archdsl.syntax.parse import Parsed, parse
from tests.strategies import programs

NOWHERE = Span(Source("nowhere", ""), 0, 0)


def parsed(text: str, **limits: int) -> Parsed:
    return parse(Source("a.arch", text), SyntaxLimits(**limits))


def value(expression: str) -> nodes.Expression:
    """The node of an expression."""
    found = parsed(f"let a = {expression}")
    assert () == found.diagnostics
    (let,) = found.file.items
    assert isinstance(let, nodes.Let)
    return let.value


def faults(text: str, **limits: int) -> list[tuple[str, int, int]]:
    found = parsed(text, **limits)
    return [(d.code, *found.file.source.position(d.primary.span.start)) for d in found.diagnostics]


def within(node: object) -> Iterator[nodes.Node]:
    if isinstance(node, nodes.Node):
        yield node
        for field in dataclasses.fields(node):
            yield from within(getattr(node, field.name))
    elif isinstance(node, tuple) and not isinstance(node, Span):
        for part in node:
            yield from within(part)


def name(text: str) -> nodes.Name:
    return nodes.Name(NOWHERE, text)


def integer(number: int) -> nodes.Integer:
    return nodes.Integer(NOWHERE, number)


def binary(left: nodes.Expression, operator: str, right: nodes.Expression) -> nodes.Binary:
    return nodes.Binary(NOWHERE, operator, left, right)


@pytest.mark.parametrize(
    ("loose", "grouped"),
    [
        ("a + b * c", "a + (b * c)"),
        ("a - b - c", "(a - b) - c"),
        ("a ** b ** c", "a ** (b ** c)"),
        ("-a ** b", "-(a ** b)"),
        ("a ** -b", "a ** (-b)"),
        ("a * -b", "a * (-b)"),
        ("a + b as n", "a + (b as n)"),
        ("a ** b as n", "a ** (b as n)"),
        ("a |> b + c |> d", "(a |> (b + c)) |> d"),
        ("a or b and not c == d", "a or (b and (not (c == d)))"),
        ("0..<n - 1 by k", "0..<(n - 1) by k"),
        ("a < 0..2", "a < (0..2)"),
        ("if a then b |> c else d |> e", "if a then (b |> c) else (d |> e)"),
        ("a @ b.T", "a @ (b.T)"),
        ("f(a)[b].c(d)", "(((f(a))[b]).c)(d)"),
        ("x |> f as a.b[i + 1]", "x |> (f as a.b[(i + 1)])"),
    ],
)
def test_precedence(loose, grouped):
    assert value(grouped) == value(loose)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("a", name("a")),
        ("10", integer(10)),
        ("1e-5", nodes.Real(NOWHERE, 1e-5, "1e-5")),
        ("20min", nodes.Quantity(NOWHERE, 20, "min", "20min")),
        ("1.6ms", nodes.Quantity(NOWHERE, 1.6, "ms", "1.6ms")),
        (r'"a\"\\\n\tb"', nodes.String(NOWHERE, 'a"\\\n\tb')),
        ("true", nodes.Boolean(NOWHERE, True)),
        ("none", nodes.Nothing(NOWHERE)),
        ("()", None),
        ("(a,)", nodes.Tuple(NOWHERE, (name("a"),))),
        ("[]", nodes.List(NOWHERE, ())),
        ("a <= b < c", nodes.Comparison(NOWHERE, (name("a"), name("b"), name("c")), ("<=", "<"))),
        ("a in b", nodes.Comparison(NOWHERE, (name("a"), name("b")), ("in",))),
        ("1..2", nodes.Range(NOWHERE, integer(1), integer(2), True, None)),
        ("1..<2 by 3", nodes.Range(NOWHERE, integer(1), integer(2), False, integer(3))),
        (
            "a[:, 1:, ...]",
            nodes.Index(
                NOWHERE,
                name("a"),
                (nodes.Slice(NOWHERE, None, None), nodes.Slice(NOWHERE, integer(1), None), nodes.Rest(NOWHERE)),
            ),
        ),
        (
            "f(a, k=1)",
            nodes.Call(
                NOWHERE,
                name("f"),
                (
                    nodes.Argument(NOWHERE, None, name("a")),
                    nodes.Argument(NOWHERE, nodes.Identifier(NOWHERE, "k"), integer(1)),
                ),
            ),
        ),
        (
            "choose(a when b, 1)",
            nodes.Choose(
                NOWHERE, (nodes.Option(NOWHERE, name("a"), name("b")), nodes.Option(NOWHERE, integer(1), None))
            ),
        ),
    ],
)
def test_expressions(text, expected):
    if expected is None:
        assert [("E0001", 1, 10)] == faults(f"let a = {text}")
    else:
        assert expected == value(text)


def test_a_call_with_a_bare_comprehension():
    call = value("sum(f(i) for i, j in xs if i for k in j)")
    assert isinstance(call, nodes.Call)
    (argument,) = call.arguments
    assert isinstance(argument.value, nodes.Listing)
    assert argument.value.bare
    assert [2, 1] == [len(clause.targets) for clause in argument.value.clauses]


@pytest.mark.parametrize(
    ("label", "steps", "quoted"),
    [
        ("norm1", ("norm1",), False),
        ("patch_embed.proj", ("patch_embed", "proj"), False),
        ("blocks[i][2].norm", ("blocks", name("i"), integer(2), "norm"), False),
        ('"block{i + 1}.{j}"', ("block", binary(name("i"), "+", integer(1)), ".", name("j")), True),
        ('"{part}"', (name("part"),), True),
        ('"plain"', ("plain",), True),
        ('""', (), True),
    ],
)
def test_labels(label, steps, quoted):
    labelled = value(f"f as {label}")
    assert isinstance(labelled, nodes.Labelled)
    assert (steps, quoted) == (labelled.label.steps, labelled.label.quoted)


def test_a_hole_knows_its_place():
    labelled = value('f as "block{i + 1}"')
    assert isinstance(labelled, nodes.Labelled)
    hole = labelled.label.steps[1]
    assert isinstance(hole, nodes.Binary)
    assert ("i + 1", 20) == (hole.span.text, hole.span.start)


def test_a_declaration():
    found = parsed(
        "block f(a: list[int]? in 1..2 = none, b)(x: [b, 2, s..., _], y: int64[]? = none, z: list) -> [b], [...] { }"
    )
    assert () == found.diagnostics
    (block,) = found.file.items
    assert isinstance(block, nodes.Declaration)
    assert block.settings is not None
    first, second = block.settings
    assert nodes.Type(NOWHERE, "list", (nodes.Type(NOWHERE, "int", (), False),), True) == first.type
    assert (nodes.Range(NOWHERE, integer(1), integer(2), True, None), nodes.Nothing(NOWHERE)) == (
        first.domain,
        first.default,
    )
    assert (None, None, None) == (second.type, second.domain, second.default)
    assert block.tensors is not None
    x, y, z = block.tensors
    assert x.form is not None
    assert x.form.shape is not None
    assert (name("b"), nodes.Rest(NOWHERE, nodes.Identifier(NOWHERE, "s"))) == x.form.shape.axes[::2]
    assert nodes.Form(NOWHERE, nodes.Identifier(NOWHERE, "int64"), nodes.Shape(NOWHERE, ()), True) == y.form
    assert nodes.Form(NOWHERE, nodes.Identifier(NOWHERE, "list"), None, False) == z.form
    assert block.result is not None
    assert 2 == len(block.result)


def test_lists_that_are_not_written_are_none():
    (block, space) = parsed("block f { } space g() { }").file.items
    assert isinstance(block, nodes.Declaration)
    assert isinstance(space, nodes.Declaration)
    assert (None, None, None) == (block.settings, block.tensors, block.result)
    assert ((), None) == (space.settings, space.tensors)


def test_imports():
    near, far = parsed("from .a.b import c, d as e from std.x import y").file.items
    assert isinstance(near, nodes.Import)
    assert isinstance(far, nodes.Import)
    assert (True, ["a", "b"]) == (near.relative, [step.text for step in near.path])
    assert [("c", None), ("d", "e")] == [(n.name.text, n.alias.text if n.alias else None) for n in near.names]
    assert not far.relative


@given(programs())
@settings(max_examples=150)
def test_the_span_of_a_node_holds_those_in_it(text):
    found = parsed(text)
    assert () == found.diagnostics
    for node in within(found.file.items):
        assert 0 <= node.span.start < node.span.end <= len(text)
        assert node.span.text == node.span.text.strip()
        inner = [part.span for part in within(node)]
        assert (node.span.start, node.span.end) == (min(s.start for s in inner), max(s.end for s in inner))


def test_documentation_is_what_stands_straight_above():
    found = parsed(
        """\
# A note.
## Not of this one.

## The first line,
##   and the second.
block f(
  ## How wide.
  width: int,
  depth: int, ## Not above.
)(x: [b]) {
  ## What.
  x = 1
  ## Where.
  # And a note between.
  let y = 2
}
## Of the rest.
let z = 3
"""
    )
    block, z = found.file.items
    assert isinstance(block, nodes.Declaration)
    assert isinstance(z, nodes.Let)
    assert block.settings is not None
    x, y = block.body.items
    assert isinstance(x, nodes.Assign)
    assert isinstance(y, nodes.Let)
    documented = [block.doc, *(setting.doc for setting in block.settings), x.doc, y.doc, z.doc]
    assert ["The first line,\n  and the second.", "How wide.", "", "What.", "", "Of the rest."] == documented


def test_all_comments_are_kept():
    comments = parsed("# a \nlet x = [1, # b\n  # c\n  2]\n# d").file.comments
    assert [("# a", True), ("# b", False), ("# c", True), ("# d", True)] == [(c.text, c.own_line) for c in comments]


def test_byte_order_mark_and_carriage_returns_mean_nothing():
    plain = parsed("# n\nlet a = 1\nlet b = 2\n")
    other = parsed("\ufeff# n\r\nlet a = 1\r\nlet b = 2\r\n")
    assert (plain.file.items, ()) == (other.file.items, other.diagnostics)
    assert ["# n"] == [comment.text for comment in other.file.comments]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("", []),
        (" \n\t ", []),
        ("# only this", []),
        ("let a = 1\0", [("E0002", 1, 10)]),
        ('let a = "x\0y"', [("E0002", 1, 11)]),
        ("let a = 1 # \0", [("E0002", 1, 13)]),
        ("let a = \x07", [("E0002", 1, 9)]),
        ("let café = 1", [("E0001", 1, 8)]),
        ("let a = 1 $$$ 2", [("E0001", 1, 11)]),
        (r'let a = "x\d\e"', [("E0004", 1, 11)]),
        ('let a = "x', [("E0004", 1, 9)]),
        ('let a = f as "b{i"', [("E0006", 1, 16)]),
        ('let a = f as "b}"', [("E0001", 1, 16)]),
        ('let a = f as "{}"', [("E0001", 1, 15)]),
        ('let a = f as "{i +}"', [("E0001", 1, 18)]),
        ('let a = f as "{!}"', [("E0001", 1, 16)]),
        ("let a = " + "9" * 401, [("E0007", 1, 9)]),
        ("let a = 1e999", [("E0007", 1, 9)]),
    ],
)
def test_text_that_is_no_program(text, expected):
    assert expected == faults(text)


@pytest.mark.parametrize(
    ("limit", "text", "place"),
    [
        ("nesting", "let a = ((((1))))", 12),
        ("nesting", "block f { for i in x { for j in y { if z { } } } }", 42),
        ("nesting", "let a = f([g([1])])", 14),
        ("chain", "let a = 1 + 2 * 3 - 4 + 5", 23),
        ("chain", "let a = b.c.d.e.f", 16),
        ("chain", "let a = b[0][0][0][0]", 18),
        ("chain", "let a = - - - - 1", 15),
        ("chain", "let a = b |> c |> d |> e |> f", 26),
        ("chain", "let a = ((1 + 2) + 3) + 4", 21),
        ("chain", "block f { if a { } else if b { } else if c { } else if d { } }", 39),
        ("digits", "let a = 12345", 9),
    ],
)
def test_limits(limit, text, place):
    code = "E0007" if limit == "digits" else "E0003"
    most = 4 if limit == "digits" else 3
    assert [(code, 1, place)] == faults(text, **{limit: most})
    found = parsed(text, **{limit: most})
    assert f"--limit {limit}=" in " ".join(found.diagnostics[0].notes)
    assert [] == faults(text, **{limit: 20})


def test_a_text_over_the_limit_is_not_read():
    found = parsed("let a = 1", characters=8)
    assert ["E0007"] == [d.code for d in found.diagnostics]
    assert ("raise the limit: --limit characters=9" in found.diagnostics[0].notes[0], ()) == (True, found.file.items)


def test_what_is_long_and_flat_is_no_chain():
    text = (
        "let a = ["
        + "1 + 1, " * 3000
        + "]\n"
        + "block f { "
        + "if x { y = 1 }\n" * 3000
        + "}\n"
        + "let b = 1 + 2\n" * 3000
    )
    assert [] == faults(text)


def test_limits_reach_the_holes_of_labels():
    assert [("E0003", 1, 22)] == faults('let a = f as "{1 + 2 + 3}"', chain=1)
    assert [] == faults('let a = f as "{1 + 2 + 3}"', chain=3)


HOSTILE = {
    "open brackets": "let x = " + "(" * 100_000,
    "brackets": "let x = " + "[" * 100_000 + "]" * 100_000,
    "braces": "block a() " + "{" * 100_000,
    "closing braces": "}" * 100_000,
    "sum": "let x = 1" + " + 1" * 100_000,
    "members": "let x = a" + ".b" * 100_000,
    "signs": "let x = " + "-" * 100_000 + "1",
    "selections": "let x = " + "if a then b else " * 50_000 + "1",
    "else if": "block a() {" + "if a { } else " * 50_000 + "{ } }",
    "long string": 'let x = "' + "a" * 1_000_000 + '"',
    "escapes": 'let x = "' + "\\n" * 500_000 + '"',
    "open string": 'let x = "' + "\\n" * 500_000,
    "strange characters": "$ " * 500_000,
    "quotes": '"\n' * 200_000,
    "words": "a b c " * 50_000,
    "broken lines": "block a() {\n" + "  x = *\n" * 30_000 + "}\n",
    "broken items": "block a() {\n  x = *\n}\n" * 10_000,
    "missing braces": "block a() {\n  x = 1\n" * 10_000,
    "holes": 'let x = f as "' + "{i}" * 30_000 + '"',
    "too long": "a" * 10_000_000,
}


@pytest.mark.slow
@pytest.mark.parametrize("text", HOSTILE.values(), ids=HOSTILE)
def test_nothing_takes_long(text):
    start = time.process_time()
    found = parsed(text)
    assert time.process_time() - start < 5
    assert len(found.diagnostics) <= 100
