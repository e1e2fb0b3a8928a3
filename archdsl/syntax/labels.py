"""What stands between the quotes of a label: text, and expressions in braces."""

import re
from typing import Final

from archdsl.diagnostics import codes
from archdsl.diagnostics.record import Diagnostic
from archdsl.source import Source, Span
from archdsl.syntax import nodes
from archdsl.syntax.strings import unescape

_HOLE: Final = re.compile(r"\{[^{}]*\}")
_BRACE: Final = re.compile(r"[{}]")


class Unparsed(Exception):
    """A label whose holes do not parse: carries what to say."""

    def __init__(self, *diagnostics: Diagnostic) -> None:
        super().__init__()
        self.diagnostics = diagnostics


def holes_and_text(span: Span) -> "tuple[str | nodes.Expression, ...]":
    """The steps of a quoted label; raises Unparsed."""
    # The parser itself: it needs this module to make nodes.
    from archdsl.syntax.parse import parse_hole

    source, start, end = span
    steps: list[str | nodes.Expression] = []
    at = start + 1
    for hole in _HOLE.finditer(source.text, at, end - 1):
        steps += _plain(source, at, hole.start())
        steps.append(parse_hole(Span(source, hole.start(), hole.end())))
        at = hole.end()
    steps += _plain(source, at, end - 1)
    return tuple(steps)


def _plain(source: Source, start: int, end: int) -> list[str]:
    """The text of a label between its holes."""
    text = source.text[start:end]
    if brace := _BRACE.search(text):
        place = Span(source, start + brace.start(), start + brace.end())
        if brace.group() == "{":
            raise Unparsed(codes.UNCLOSED.at(place, "`{` is never closed", "the hole of a label ends with `}`"))
        raise Unparsed(codes.UNEXPECTED.at(place, "`}` closes nothing", "the hole of a label begins with `{`"))
    return [unescape(text)] if text else []
