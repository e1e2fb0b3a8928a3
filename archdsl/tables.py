"""Columns of plain text, and numbers as they stand in them."""

from collections.abc import Sequence

UNITS = ("", "K", "M", "G", "T", "P")


def table(rows: Sequence[Sequence[str]], right: Sequence[bool]) -> list[str]:
    """Rows as lines, each column as wide as its widest cell; `right` says which are flush right."""
    if not rows:
        return []
    widths = [max(len(row[column]) for row in rows) for column in range(len(right))]
    lines: list[str] = []
    for row in rows:
        cells = [
            cell.rjust(width) if flush else cell.ljust(width)
            for cell, width, flush in zip(row, widths, right, strict=True)
        ]
        lines.append("  ".join(cells).rstrip())
    return lines


def short(number: int) -> str:
    """Three digits and a unit: `28.3 M`."""
    size, unit = float(number), 0
    while abs(size) >= 1000 and unit + 1 < len(UNITS):
        size, unit = size / 1000, unit + 1
    if not unit:
        return str(number)
    return f"{size:.{0 if size >= 100 else 1 if size >= 10 else 2}f} {UNITS[unit]}"


def bytes_of(number: int) -> str:
    """`188 MB`; megabytes are millions of bytes."""
    return f"{short(number)}{'B' if number >= 1000 else ' B'}"


def shape(sizes: Sequence[int]) -> str:
    """`[1, 96, 56, 56]`."""
    return f"[{', '.join(map(str, sizes))}]"


def clipped(text: str, width: int) -> str:
    """The text, cut where it is too long."""
    return text if len(text) <= width else text[: max(width - 3, 0)] + "..."


def many(number: int, what: str) -> str:
    """So many of a thing."""
    return f"{number:,} {what}{'' if number == 1 else 's'}"
