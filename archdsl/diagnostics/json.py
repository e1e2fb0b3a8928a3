"""Diagnostics for programs: plain objects, with lines and columns from 1 and ends exclusive."""

from collections.abc import Iterable

from archdsl.diagnostics.record import Diagnostic, Fix
from archdsl.diagnostics.text import origin_text, presentable
from archdsl.source import Span


def as_objects(diagnostics: Iterable[Diagnostic]) -> list[dict[str, object]]:
    """One object for each diagnostic, in the order of files and text, none left out."""
    return [_object(diagnostic) for diagnostic in presentable(diagnostics)]


def _object(diagnostic: Diagnostic) -> dict[str, object]:
    notes = list(diagnostic.notes)
    if diagnostic.origin:
        notes.append(origin_text(diagnostic.origin))
    labels = [label for label in (diagnostic.primary, *diagnostic.others) if label.text]
    return {
        "code": diagnostic.code,
        "severity": diagnostic.severity,
        "message": diagnostic.title,
        **_place(diagnostic.primary.span),
        "labels": [{**_place(label.span), "text": label.text} for label in labels],
        "notes": notes,
        "fixes": [_fix(fix) for fix in diagnostic.fixes],
    }


def _fix(fix: Fix) -> dict[str, object]:
    edits = [{**_place(edit.span), "text": edit.text} for edit in fix.edits]
    return {"title": fix.title, "safe": fix.safe, "edits": edits}


def _place(span: Span) -> dict[str, object]:
    line, column = span.source.position(span.start)
    end_line, end_column = span.source.position(span.end)
    return {
        "file": span.source.name,
        "line": line,
        "column": column,
        "end_line": end_line,
        "end_column": end_column,
    }
