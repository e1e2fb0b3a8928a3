"""How wide text is on a terminal: tabs, wide and combining characters, and what must be shown escaped so that it cannot
act on the terminal or turn the text around."""

from dataclasses import dataclass
from unicodedata import category, combining, east_asian_width

TAB = 4
CUT = "..."
# Some terminals take these for the end of a line.
BREAKING = frozenset("\x85\u2028\u2029")
# Parts of words and emoji that show themselves by what they join; other invisible characters are written out.
JOINING = frozenset("\u200c\u200d")
SHORT_ESCAPES = {"\n": "\\n", "\r": "\\r", "\0": "\\0", "\x1b": "\\e"}


def escaped(text: str, *, keep: str = "") -> str:
    """The text with control characters written out; those in `keep` stay."""
    if text.isascii() and text.isprintable():
        return text
    return "".join(c if c in keep else _shown(c) for c in text)


def _shown(character: str) -> str:
    if character in SHORT_ESCAPES:
        return SHORT_ESCAPES[character]
    hidden = character in BREAKING or (category(character) in ("Cc", "Cf", "Cs") and character not in JOINING)
    if hidden:
        return f"\\u{{{ord(character):x}}}"
    return character


def _cells(character: str) -> int:
    if character.isascii():
        return 1
    if combining(character) or category(character) in ("Mn", "Me", "Cf"):
        return 0
    return 2 if east_asian_width(character) in "WF" else 1


def width_of(text: str) -> int:
    """Columns that escaped text takes."""
    return len(text) if text.isascii() else sum(map(_cells, text))


@dataclass(frozen=True, slots=True)
class Row:
    """A line as it is shown. `columns[i]` is where character `first + i` of the line begins, the last entry its end."""

    text: str
    first: int
    columns: tuple[int, ...]
    whole: bool

    def column(self, index: int) -> int:
        """The column of a character of the line, or the nearest one that is shown."""
        return self.columns[min(max(index - self.first, 0), len(self.columns) - 1)]


def row(line: str, width: int, start: int, end: int) -> Row:
    """The line, cut to `width` columns around its characters `start` to `end` if it is longer."""
    # Far more than can be shown is not even measured: a line can have millions of characters.
    first = max(start - 2 * width, 0)
    last = min(max(start + 3 * width, 0), len(line))
    pieces, columns = _measured(line[first:last])
    whole = first == 0 and last == len(line)
    if whole and columns[-1] <= width:
        return Row("".join(pieces), 0, tuple(columns), True)
    cut = (first > 0, last < len(line))
    left, right = _window(columns, start - first, end - first, width, cut)
    before = CUT if left > 0 or cut[0] else ""
    after = CUT if right < len(pieces) or cut[1] else ""
    shift = len(before) - columns[left]
    shown = tuple(column + shift for column in columns[left : right + 1])
    return Row(before + "".join(pieces[left:right]) + after, first + left, shown, False)


def _measured(text: str) -> tuple[list[str], list[int]]:
    """Each character as it is shown, and the column where each begins."""
    pieces: list[str] = []
    columns = [0]
    for character in text:
        piece = " " * (TAB - columns[-1] % TAB) if character == "\t" else _shown(character)
        pieces.append(piece)
        columns.append(columns[-1] + width_of(piece))
    return pieces, columns


def _window(columns: list[int], start: int, end: int, width: int, cut: tuple[bool, bool]) -> tuple[int, int]:
    """The characters to show: the marked ones with what fits around them, more of it before than after.
    `cut` says at which ends the line goes on."""
    count = len(columns) - 1
    start, end = min(start, count), min(max(end, start + 1), count)
    marked = columns[end] - columns[start]
    room = width - 2 * len(CUT)
    spare = max(room - marked, room // 4)
    left = start
    while left > 0 and columns[start] - columns[left - 1] <= spare * 2 // 3:
        left -= 1
    right = left
    while right < count and columns[right + 1] - columns[left] <= room:
        right += 1
    if right == count and not cut[1]:
        while left > 0 and columns[right] - columns[left - 1] <= room:
            left -= 1
    if left > 0 and not cut[0] and columns[left] <= len(CUT):
        left = 0
    return left, max(right, left)
