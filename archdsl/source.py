"""Where text came from: a source file and a span inside it. Depends on nothing."""

from bisect import bisect_right
from dataclasses import dataclass, field
from typing import NamedTuple


@dataclass(frozen=True, slots=True)
class Source:
    """One text, under the name that messages show."""

    name: str
    text: str = field(repr=False)
    _starts: list[int] = field(default_factory=list[int], init=False, repr=False, compare=False)

    def position(self, offset: int) -> tuple[int, int]:
        """Line and column of an offset, both from 1; columns count characters. A byte order mark is none."""
        if not self._starts:
            self._starts.append(1 if self.text.startswith("\ufeff") else 0)
            at = self.text.find("\n")
            while at >= 0:
                self._starts.append(at + 1)
                at = self.text.find("\n", at + 1)
        line = max(bisect_right(self._starts, offset), 1)
        return line, max(offset - self._starts[line - 1], 0) + 1

    def line(self, number: int) -> str:
        """The text of one line, counted from 1, without its end."""
        self.position(0)
        start = self._starts[number - 1]
        end = self._starts[number] - 1 if number < len(self._starts) else len(self.text)
        return self.text[start:end].rstrip("\r")


class Span(NamedTuple):
    """The characters `start` to `end` (exclusive) of a source."""

    source: Source
    start: int
    end: int

    @property
    def text(self) -> str:
        return self.source.text[self.start : self.end]

    def to(self, other: "Span") -> "Span":
        """From the start of this one to the end of the other."""
        return Span(self.source, self.start, other.end)
