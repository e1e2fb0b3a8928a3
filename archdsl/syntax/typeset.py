"""Chooses which lines of a document are broken, so that each is at most 120 wide where that can be had."""

from archdsl.syntax.document import (
    INDENT,
    WIDTH,
    Document,
    FillLine,
    First,
    Group,
    Line,
    Nest,
    Remark,
    WhenBroken,
)

# Depth, whether lines stay unbroken, and what is to be set.
Entry = tuple[int, bool, Document]


def typeset(document: Document) -> str:
    page = _Page()
    page.set(document)
    return page.text()


class _Page:
    """The lines so far. A comment behind a line waits until the line ends; what must not follow it begins a new one."""

    def __init__(self) -> None:
        self.lines: list[str] = []
        self.line: list[str] = []
        self.column = 0
        self.remarks: list[str] = []
        self.must_end = False
        self.waiting: list[Entry] = []

    def set(self, document: Document) -> None:
        waiting = self.waiting
        waiting.append((0, False, document))
        while waiting:
            depth, flat, part = waiting.pop()
            if isinstance(part, str):
                self._write(part, depth)
            elif isinstance(part, tuple):
                waiting += [(depth, flat, inner) for inner in reversed(part)]
            elif isinstance(part, Line):
                if flat and part.flat is not None:
                    self._write(part.flat, depth)
                else:
                    self._end_line()
            elif isinstance(part, WhenBroken):
                if not flat:
                    self._write(part.text, depth)
            elif isinstance(part, FillLine):
                if not flat and self.column + part.room > WIDTH:
                    self._end_line()
                else:
                    self._write(" ", depth)
            elif isinstance(part, Nest):
                waiting.append((depth + 1, flat, part.content))
            elif isinstance(part, Group):
                stays = flat or (not part.broken and self._fits(depth, True, part.content))
                waiting.append((depth, stays, part.content))
            elif isinstance(part, First):
                stays = flat or self._fits(depth, False, part.wanted, part.all_lines)
                waiting.append((depth, flat, part.wanted if stays else part.otherwise))
            else:
                self._remark(part, depth)

    def text(self) -> str:
        self._end_line()
        while self.lines and not self.lines[-1]:
            self.lines.pop()
        return "".join(f"{line}\n" for line in self.lines)

    def _write(self, text: str, depth: int) -> None:
        if not text:
            return
        if self.must_end or (self.remarks and text not in (",", " ")):
            self._end_line()
        if not self.line:
            text = text.lstrip(" ")
            if not text:
                return
            self.line.append(" " * (INDENT * depth))
            self.column = INDENT * depth
        self.line.append(text)
        self.column += len(text)

    def _end_line(self) -> None:
        text = "".join(self.line).rstrip(" ")
        if self.remarks:
            text = "  ".join([text, *self.remarks] if text else self.remarks)
            self.remarks.clear()
        # Two empty lines in a row are one.
        if text or (self.lines and self.lines[-1]):
            self.lines.append(text)
        self.line.clear()
        self.column = 0
        self.must_end = False

    def _remark(self, remark: Remark, depth: int) -> None:
        if not remark.own_line:
            self.remarks.append(remark.text)
            return
        if self.line or self.remarks:
            self._end_line()
        self.line += [" " * (INDENT * depth), remark.text]
        self.must_end = True

    def _fits(self, depth: int, flat: bool, document: Document, whole: bool = False) -> bool:
        """The document keeps to the width up to its first broken line, or (`whole`) on all its lines, with what follows
        it up to the first place where that could be broken."""
        column = self.column if self.line else INDENT * depth
        inside: list[Entry] = [(depth, flat, document)]
        behind = len(self.waiting)
        following = False
        while column <= WIDTH:
            if not inside:
                if behind == 0:
                    return True
                behind -= 1
                following = True
                inside.append(self.waiting[behind])
            depth, flat, part = inside.pop()
            if isinstance(part, str):
                column += len(part)
            elif isinstance(part, tuple):
                inside += [(depth, flat, inner) for inner in reversed(part)]
            elif isinstance(part, Line):
                if flat and part.flat is not None:
                    column += len(part.flat)
                elif following or not whole:
                    return True
                else:
                    column = INDENT * depth
            elif isinstance(part, WhenBroken):
                column += 0 if flat else len(part.text)
            elif isinstance(part, FillLine):
                if not flat:
                    return True
                column += 1
            elif isinstance(part, Nest):
                inside.append((depth + 1, flat, part.content))
            elif isinstance(part, Group):
                inside.append((depth, flat or not (part.broken or following), part.content))
            elif isinstance(part, First):
                inside.append((depth, flat, part.otherwise if following and not flat else part.wanted))
            elif part.own_line:
                return True
        return False
