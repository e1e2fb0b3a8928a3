"""Documents: text with places where a line may be broken, and the choice of those that are. A group stands on one line
if it fits, else all its own places break. A document is a string, a tuple of documents or one of the classes below."""

from collections.abc import Iterable
from dataclasses import dataclass

WIDTH = 120
INDENT = 2


@dataclass(frozen=True, slots=True)
class Line:
    """A place to break; `flat` is what stands there otherwise, None for a line that is always broken."""

    flat: str | None


@dataclass(frozen=True, slots=True)
class WhenBroken:
    """Text that is there only when the group around it is broken."""

    text: str


@dataclass(frozen=True, slots=True)
class Nest:
    """Deeper by one step."""

    content: "Document"


@dataclass(frozen=True, slots=True)
class Group:
    """`broken` whatever its width; `ends_line` if nothing can follow it on its last line, too."""

    content: "Document"
    broken: bool
    ends_line: bool


@dataclass(frozen=True, slots=True)
class First:
    """`wanted` if its first line fits (its lines up to the last, if `all_lines`), else `otherwise`."""

    wanted: "Document"
    otherwise: "Document"
    all_lines: bool = False


@dataclass(frozen=True, slots=True)
class FillLine:
    """A space, or in a broken group a new line where less than `room` is left."""

    room: int


@dataclass(frozen=True, slots=True)
class Remark:
    """A comment: behind what stands on the line, or (`own_line`) on a line of its own."""

    text: str
    own_line: bool


Document = str | tuple["Document", ...] | Line | WhenBroken | Nest | Group | First | FillLine | Remark

SOFT = Line("")
SPACE = Line(" ")
HARD = Line(None)
BEFORE_OPERATOR = Line(" ")


def group(content: Document, broken: bool = False) -> Group:
    """A group, broken at once if asked for or if a line is broken in it whatever its width."""
    return Group(content, broken or is_broken(content, but_at_end=True), broken or is_broken(content))


def is_broken(document: Document, but_at_end: bool = False) -> bool:
    """A line is broken in it whatever its width; a comment that stands behind all of it counts unless `but_at_end`."""
    waiting: list[Document] = [document]
    at_end = but_at_end
    while waiting:
        part = waiting.pop()
        if isinstance(part, tuple):
            waiting += part
        elif isinstance(part, Nest):
            waiting.append(part.content)
        elif isinstance(part, First):
            waiting.append(part.wanted)
        elif part is HARD:
            return True
        elif isinstance(part, Remark):
            if not at_end or part.own_line:
                return True
        elif part != "":
            if isinstance(part, Group) and (part.broken if at_end else part.ends_line):
                return True
            at_end = False
    return False


def joined(documents: Iterable[Document], between: Document) -> tuple[Document, ...]:
    parts: list[Document] = []
    for document in documents:
        if parts:
            parts.append(between)
        parts.append(document)
    return tuple(parts)


def width(document: Document) -> int:
    """On one line."""
    total = 0
    waiting: list[Document] = [document]
    while waiting:
        part = waiting.pop()
        if isinstance(part, str):
            total += len(part)
        elif isinstance(part, tuple):
            waiting += part
        elif isinstance(part, Line):
            total += len(part.flat) if part.flat is not None else WIDTH
        elif isinstance(part, FillLine):
            total += 1
        elif isinstance(part, Nest | Group):
            waiting.append(part.content)
        elif isinstance(part, First):
            waiting.append(part.wanted)
        elif isinstance(part, Remark):
            total += WIDTH
    return total


def has_brackets(document: Document) -> bool:
    """It holds brackets that could be opened over several lines."""
    waiting: list[Document] = [document]
    while waiting:
        part = waiting.pop()
        if isinstance(part, tuple):
            waiting += part
        elif isinstance(part, Nest | Group):
            waiting.append(part.content)
        elif isinstance(part, First):
            return True
        elif isinstance(part, Line) and part is not BEFORE_OPERATOR:
            return True
    return False
