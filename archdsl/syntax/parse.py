"""Text to nodes: `parse` reads a whole file and finds all its syntax errors, each of which spoils only its own item at
the top of the file.

A file without errors is parsed in one go. Only where that fails are its tokens cut into pieces (see `recovery`)."""

from contextvars import ContextVar
from dataclasses import dataclass
from typing import cast

from archdsl.diagnostics import codes
from archdsl.diagnostics.record import ArchError, Diagnostic
from archdsl.source import Source, Span
from archdsl.syntax import nodes
from archdsl.syntax.engine import END, Failure, reduce_tokens
from archdsl.syntax.labels import Unparsed
from archdsl.syntax.limits import DEFAULT_LIMITS, SyntaxLimits
from archdsl.syntax.misfits import explain
from archdsl.syntax.recovery import recover
from archdsl.syntax.tokens import Token, tokenize


@dataclass(frozen=True, slots=True)
class Parsed:
    """The tree, with a Broken item for each that has an error, and what is wrong, in the order of the text."""

    file: nodes.File
    diagnostics: tuple[Diagnostic, ...]


# The limits of the parse that is going on: the holes of labels are parsed from within it.
_limits: ContextVar[SyntaxLimits] = ContextVar("limits", default=DEFAULT_LIMITS)


def parse(source: Source, limits: SyntaxLimits = DEFAULT_LIMITS) -> Parsed:
    """Reads a whole file. Nothing is raised for what stands in it."""
    kept = _limits.set(limits)
    try:
        return _parse(source, limits)
    finally:
        _limits.reset(kept)


def _parse(source: Source, limits: SyntaxLimits) -> Parsed:
    length = len(source.text)
    if length > limits.characters:
        return Parsed(nodes.File(Span(source, 0, 0), (), ()), (_too_long(source, limits),))
    whole = Span(source, 0, length)
    found = tokenize(source, limits)
    if not found.faults:
        try:
            items: object = reduce_tokens(found.tokens, "start", Token(END, "", Span(source, length, length)))
        except Unparsed:
            items = None
        if isinstance(items, tuple):
            return Parsed(nodes.File(whole, cast("tuple[nodes.Item, ...]", items), found.comments), ())
    items, diagnostics = recover(source, found)
    return Parsed(nodes.File(whole, items, found.comments), diagnostics)


def parse_hole(span: Span) -> nodes.Expression:
    """The expression in a hole of a label; `span` has the braces too."""
    source, start, end = span
    return _expression(Span(source, start + 1, end - 1), Span(source, end - 1, end), span)


def parse_expression(span: Span, limits: SyntaxLimits = DEFAULT_LIMITS) -> nodes.Expression:
    """The one expression that the characters of `span` are; raises ArchError."""
    kept = _limits.set(limits)
    try:
        return _expression(span, Span(span.source, span.end, span.end), span)
    except Unparsed as error:
        raise ArchError(error.diagnostics) from None
    finally:
        _limits.reset(kept)


def _expression(text: Span, end: Span, whole: Span) -> nodes.Expression:
    """The expression in some characters; `end` is where a message says that they end. Raises Unparsed."""
    found = tokenize(text.source, _limits.get(), text.start, text.end)
    if found.faults:
        raise Unparsed(*found.faults)
    result = reduce_tokens(found.tokens, "expr", Token(END, "", end))
    if isinstance(result, Failure):
        raise Unparsed(explain(result, found.tokens, "expr", whole))
    return result


def _too_long(source: Source, limits: SyntaxLimits) -> Diagnostic:
    length = len(source.text)
    return codes.TOO_LONG.at(
        Span(source, 0, 0),
        f"the file has {length:,} characters, more than {limits.characters:,}",
        notes=(f"split it, or raise the limit: --limit characters={length}",),
    )
