"""Applies the fixes that diagnostics carry."""

from collections.abc import Iterable, Mapping

from archdsl.diagnostics.record import Diagnostic, Edit, Fix
from archdsl.diagnostics.text import presentable


def apply_fixes(texts: Mapping[str, str], diagnostics: Iterable[Diagnostic]) -> dict[str, str]:
    """The new text of each of these sources (by name) that a safe fix changes.

    Of a diagnostic its first safe fix is taken, as a whole or not at all: not where it meets an earlier one, another
    text than it was made for, or a source that is not given."""
    accepted: dict[str, list[Edit]] = {}
    for diagnostic in presentable(diagnostics):
        fix = next((fix for fix in diagnostic.fixes if fix.safe and fix.edits), None)
        if fix is not None and _fits(fix, texts, accepted):
            for edit in fix.edits:
                accepted.setdefault(edit.span.source.name, []).append(edit)
    return {name: _edited(texts[name], edits) for name, edits in accepted.items()}


def _fits(fix: Fix, texts: Mapping[str, str], accepted: Mapping[str, list[Edit]]) -> bool:
    for number, edit in enumerate(fix.edits):
        source = edit.span.source
        if texts.get(source.name) != source.text:
            return False
        own = [other for other in fix.edits[:number] if other.span.source == source]
        if any(_meet(edit, other) for other in (*accepted.get(source.name, ()), *own)):
            return False
    return True


def _meet(a: Edit, b: Edit) -> bool:
    """Two edits that begin at one place meet too: which comes first is not known."""
    return a.span.start == b.span.start or (a.span.start < b.span.end and b.span.start < a.span.end)


def _edited(text: str, edits: Iterable[Edit]) -> str:
    pieces: list[str] = []
    at = 0
    for edit in sorted(edits, key=lambda edit: edit.span.start):
        pieces += [text[at : edit.span.start], edit.text]
        at = edit.span.end
    return "".join((*pieces, text[at:]))
