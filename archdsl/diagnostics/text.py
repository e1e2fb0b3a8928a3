"""Diagnostics for people: the source with carets, labels beside them, notes and help below."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from itertools import groupby, pairwise

from archdsl.diagnostics.cells import Row, escaped, row, width_of
from archdsl.diagnostics.record import Diagnostic, Label, Severity
from archdsl.source import Source, Span

ERRORS_SHOWN = 20
# Of a long chain of calls only its ends are shown: where it begins, and what is nearest to the fault.
STEPS_AT_START = 2
STEPS_AT_END = 3
# A fault over more lines than this is marked on its first one.
LINES_MARKED = 4
NARROWEST = 20

RESET = "\x1b[0m"
BOLD = "\x1b[1m"
FRAME = "\x1b[1;34m"
TONES = {"error": "\x1b[1;31m", "warning": "\x1b[1;33m"}


def presentable(diagnostics: Iterable[Diagnostic]) -> tuple[Diagnostic, ...]:
    """In the order of the files and their text, each fault of a place once."""
    once: dict[tuple[str, Source, int, int], Diagnostic] = {}
    for diagnostic in diagnostics:
        span = diagnostic.primary.span
        once.setdefault((diagnostic.code, span.source, span.start, span.end), diagnostic)
    return tuple(sorted(once.values(), key=Diagnostic.sort_key))


def summary(diagnostics: Iterable[Diagnostic]) -> str:
    """`2 errors, 1 warning`."""
    found = presentable(diagnostics)
    counts = [(severity, sum(d.severity == severity for d in found)) for severity in ("error", "warning")]
    return ", ".join(_counted(count, severity) for severity, count in counts if count) or "no errors"


def render(diagnostics: Iterable[Diagnostic], *, width: int = 100, color: bool = False) -> str:
    """All of them, at most 20 errors and 20 warnings of a file. How to learn more is said once for each code."""
    paint = _painter(color)
    explained: set[str] = set()
    blocks: list[str] = []
    for _, of_file in groupby(presentable(diagnostics), key=lambda d: d.primary.span.source.name):
        counts: dict[Severity, int] = {"error": 0, "warning": 0}
        for diagnostic in of_file:
            counts[diagnostic.severity] += 1
            if counts[diagnostic.severity] <= ERRORS_SHOWN:
                blocks.append(_block(diagnostic, width, paint, more=diagnostic.code not in explained))
                explained.add(diagnostic.code)
        for severity, count in counts.items():
            if count > ERRORS_SHOWN:
                blocks.append(f"... and {_counted(count - ERRORS_SHOWN, f'more {severity}')}")
    return "\n\n".join(blocks)


def render_one(diagnostic: Diagnostic, *, width: int = 100, color: bool = False, more: bool = True) -> str:
    """One diagnostic; `more` adds the command that explains its code."""
    return _block(diagnostic, width, _painter(color), more=more)


def origin_text(origin: Sequence[str]) -> str:
    """`from: a -> b -> c`; of a long chain its beginning and its end."""
    return f"from: {' -> '.join(_ends(origin))}"


def origin_lines(origin: Sequence[str], room: int) -> list[str]:
    """The chain as one line, or a line for each step where that is too wide."""
    together = escaped(origin_text(origin))
    if width_of(together) <= room:
        return [together]
    first, *others = [_cut(escaped(step), room - len("from: ")) for step in _ends(origin)]
    return [f"from: {first}", *(f"   -> {step}" for step in others)]


def _ends(origin: Sequence[str]) -> list[str]:
    left_out = len(origin) - STEPS_AT_START - STEPS_AT_END
    if left_out < 2:
        return list(origin)
    return [*origin[:STEPS_AT_START], f"... {left_out} more ...", *origin[-STEPS_AT_END:]]


def _cut(text: str, room: int) -> str:
    return text if width_of(text) <= room else row(text, max(room, NARROWEST), 0, 1).text


def _wrapped(text: str, room: int) -> list[str]:
    """Words broken into lines of at most `room` columns; what has lines already is a drawing and keeps them."""
    if "\n" in text:
        return escaped(text, keep="\n").split("\n")
    lines: list[str] = []
    for word in escaped(text).split(" "):
        if lines and width_of(lines[-1]) + 1 + width_of(word) <= max(room, NARROWEST):
            lines[-1] += " " + word
        else:
            lines.append(word)
    return lines


def _counted(count: int, noun: str) -> str:
    return f"{count} {noun}{'' if count == 1 else 's'}"


@dataclass(frozen=True, slots=True)
class _Painter:
    """Puts colour around text, or leaves it."""

    color: bool

    def __call__(self, text: str, tone: str) -> str:
        return f"{tone}{text}{RESET}" if self.color and text.strip() else text


def _painter(color: bool) -> _Painter:
    return _Painter(color)


@dataclass(frozen=True, slots=True)
class _Mark:
    """A label on one line: characters `start` to `end` of it, from 0."""

    line: int
    start: int
    end: int
    text: str
    primary: bool


def _marks(label: Label, primary: bool) -> list[_Mark]:
    """The label on each of its lines, with its text on the last one. Of a span over many lines, and of what is not the
    fault itself, only the first line is marked."""
    source, start, end = label.span
    (line, column), (last, last_column) = source.position(start), source.position(end)
    if line == last:
        return [_Mark(line, column - 1, max(last_column - 1, column), label.text, primary)]
    marks = [_Mark(line, column - 1, max(len(source.line(line)), column), "", primary)]
    if primary and last - line < LINES_MARKED:
        for number in range(line + 1, last + 1):
            text = source.line(number)
            begin, stop = len(text) - len(text.lstrip()), last_column - 1 if number == last else len(text.rstrip())
            if stop > begin:
                marks.append(_Mark(number, begin, stop, "", primary))
    return [*marks[:-1], replace(marks[-1], text=label.text)]


def _block(diagnostic: Diagnostic, width: int, paint: _Painter, *, more: bool) -> str:
    tone = TONES[diagnostic.severity]
    sources = _by_source(diagnostic)
    gutter = max(len(str(mark.line)) for _, marks in sources for mark in marks)
    pad = " " * (gutter + 1)
    bar = paint("|", FRAME)
    lines = [paint(f"{diagnostic.severity}[{diagnostic.code}]", tone) + paint(f": {escaped(diagnostic.title)}", BOLD)]
    for number, (source, marks) in enumerate(sources):
        first = marks[0]
        arrow = paint(":::" if number else "-->", FRAME)
        place = f":{first.line}:{first.start + 1}" if source.text else ""
        lines.append(f"{' ' * gutter}{arrow} {escaped(source.name)}{place}")
        if source.text:
            lines += [f"{pad}{bar}", *_snippet(source, marks, gutter, width, paint, tone)]
    room = max(width - gutter - 3, NARROWEST)
    notes = [_wrapped(note, room) for note in diagnostic.notes]
    if diagnostic.origin:
        notes.append(origin_lines(diagnostic.origin, room))
    tail = [paint("=", FRAME) + " " + f"\n{' ' * (gutter + 3)}".join(note) for note in notes]
    for fix in diagnostic.fixes:
        how = " (archdsl check --fix)" if fix.safe else ""
        tail.append(f"{paint('help', BOLD)}: {escaped(fix.title)}{how}")
    if more:
        tail.append(f"more: archdsl explain {diagnostic.code}")
    if tail and lines[-1] != f"{pad}{bar}" and sources[-1][0].text:
        lines.append(f"{pad}{bar}")
    lines += [pad + line for line in tail]
    return "\n".join(line.rstrip() for line in lines)


def _by_source(diagnostic: Diagnostic) -> list[tuple[Source, list[_Mark]]]:
    """Marks by source, those of the primary first. One without words that meets the primary is left out."""
    primary = diagnostic.primary
    groups: dict[Source, list[_Mark]] = {primary.span.source: _marks(primary, True)}
    for label in diagnostic.others:
        if label.text in ("", primary.text) and _meet(label.span, primary.span):
            continue
        marks = groups.setdefault(label.span.source, [])
        marks += [mark for mark in _marks(label, False) if mark not in marks]
    return list(groups.items())


def _meet(a: Span, b: Span) -> bool:
    return a.source == b.source and a.start <= b.end and b.start <= a.end


def _snippet(source: Source, marks: list[_Mark], gutter: int, width: int, paint: _Painter, tone: str) -> list[str]:
    """The marked lines with what is said about them; `...` stands for lines between, a single one is shown."""
    room = max(width - gutter - 3, NARROWEST)
    bar = paint("|", FRAME)
    lines: list[str] = []
    before = 0
    for number, on_line in groupby(sorted(marks, key=lambda mark: mark.line), key=lambda mark: mark.line):
        if before and number == before + 2:
            between = row(source.line(before + 1), room, 0, 0).text
            lines.append(f"{paint(f'{before + 1:>{gutter}}', FRAME)} {bar} {between}")
        elif before and number > before + 1:
            lines.append(paint("...", FRAME))
        before = number
        text = source.line(number)
        rest = list(on_line)
        # On a line that is too long, marks far from each other are shown one after the other.
        for together in [rest] if _fits(text, room) else [[mark] for mark in rest if mark.text or mark.primary]:
            shown = row(text, room, together[0].start, together[0].end)
            lines.append(f"{paint(f'{number:>{gutter}}', FRAME)} {bar} {shown.text}")
            lines += [f"{' ' * gutter} {bar} {line}" for line in _underlines(shown, together, room, paint, tone)]
    return lines


def _fits(text: str, room: int) -> bool:
    return len(text) <= room * 2 and row(text, room, 0, 0).whole


def _underlines(shown: Row, marks: list[_Mark], room: int, paint: _Painter, tone: str) -> list[str]:
    """The carets and, beside or below them, the texts. Marks that overlap get a line of carets each."""
    ordered = sorted(marks, key=lambda mark: (mark.start, mark.end))
    overlap = any(a.end > b.start for a, b in pairwise(ordered))
    if overlap:
        apart = sorted(ordered, key=lambda mark: not mark.primary)
        return [line for mark in apart for line in _underlines(shown, [mark], room, paint, tone)]
    carets, at = "", 0
    for mark in ordered:
        column = shown.column(mark.start)
        length = max(shown.column(mark.end) - column, 1)
        carets += " " * (column - at) + paint(("^" if mark.primary else "-") * length, tone if mark.primary else FRAME)
        at = column + length
    last, told = ordered[-1], [mark for mark in ordered if mark.text]
    beside = last.text and "\n" not in last.text
    if beside and (at + 1 + width_of(escaped(last.text)) <= room or room - shown.column(last.start) < NARROWEST):
        carets += " " + paint(escaped(last.text), tone if last.primary else FRAME)
        told.remove(last)
    lines = [carets]
    while told:
        mark = told.pop()
        stems, taken = _stems(shown, told, paint, tone)
        if len(lines) == 1 and mark is not last:
            lines.append(_stems(shown, [*told, mark], paint, tone)[0])
        column = shown.column(mark.start)
        if "\n" not in mark.text:
            # Near the right edge it begins further left rather than break.
            column = max(min(column, room - width_of(escaped(mark.text))), taken + 1 if taken else 0)
        for line in _wrapped(mark.text, room - column):
            lines.append(stems + " " * (column - taken) + paint(line, tone if mark.primary else FRAME))
    return lines


def _stems(shown: Row, marks: list[_Mark], paint: _Painter, tone: str) -> tuple[str, int]:
    """A `|` below each mark, and how wide that is."""
    text, at = "", 0
    for mark in marks:
        column = shown.column(mark.start)
        if column < at:
            continue
        text += " " * (column - at) + paint("|", tone if mark.primary else FRAME)
        at = column + 1
    return text, at
