"""Diagnostics as objects for programs."""

import json

from archdsl.diagnostics import codes
from archdsl.diagnostics.json import as_objects
from archdsl.diagnostics.record import Edit, Fix, Label
from archdsl.source import Source, Span

SOURCE = Source("a.arch", "let a =\n  foo\nlet b = a\n")
FOO = Span(SOURCE, 10, 13)


def test_every_part_of_a_diagnostic_is_there():
    diagnostic = codes.UNKNOWN_NAME.at(
        FOO,
        "nothing is called `foo`",
        "not known",
        others=(Label(Span(SOURCE, 4, 5), "bound here"), Label(Span(SOURCE, 0, 3))),
        notes=("a note",),
        fixes=(Fix("call it `b`", (Edit(FOO, "b"),)),),
        origin=("model m", "blocks.0"),
    )
    place = {"file": "a.arch", "line": 2, "column": 3, "end_line": 2, "end_column": 6}
    bound = {"file": "a.arch", "line": 1, "column": 5, "end_line": 1, "end_column": 6}
    expected = {
        "code": "E0101",
        "severity": "error",
        "message": "nothing is called `foo`",
        **place,
        "labels": [{**place, "text": "not known"}, {**bound, "text": "bound here"}],
        "notes": ["a note", "from: model m -> blocks.0"],
        "fixes": [{"title": "call it `b`", "safe": True, "edits": [{**place, "text": "b"}]}],
    }
    objects = as_objects([diagnostic])
    assert [expected] == objects
    assert objects == json.loads(json.dumps(objects))


def test_none_is_left_out_and_none_comes_twice():
    found = [codes.UNKNOWN_NAME.at(Span(SOURCE, i // 2, i // 2 + 1), "title") for i in range(48)]
    assert 24 == len(as_objects(reversed(found)))


def test_a_span_over_lines_ends_on_another_line():
    (found,) = as_objects([codes.UNUSED_NAME.at(Span(SOURCE, 4, 17), "title")])
    assert ("warning", 1, 5, 3, 4) == tuple(
        found[key] for key in ("severity", "line", "column", "end_line", "end_column")
    )
