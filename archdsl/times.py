"""Times as people write them on the command line, in the units of the language: `8h`, `30min`, `1h30min`;
`m` is short for `min`."""

import re

from archdsl.diagnostics.record import UsageError
from archdsl.meaning.expressions import UNITS

_PART = re.compile(r"(\d+(?:\.\d+)?)\s*([A-Za-z]*)\s*")


def seconds_of(text: str) -> float:
    """The seconds of a time; a bare number is seconds."""
    total, end = 0.0, 0
    for part in _PART.finditer(text.strip()):
        dimension, factor = UNITS.get({"": "s", "m": "min"}.get(part[2], part[2]), ("", 0.0))
        if part.start() != end or dimension != "time":
            break
        total, end = total + float(part[1]) * factor, part.end()
    if not text.strip() or end != len(text.strip()) or total <= 0:
        raise UsageError(f"a time is written as 8h, 30min or 90s, not {text!r}")
    return total
