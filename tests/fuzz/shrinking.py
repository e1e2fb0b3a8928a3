"""Makes a failing input small: drops declarations, then lines, then tokens, as long as the same fault shows."""

import re
import time
from collections.abc import Callable

from tests.fuzz.mutations import TOKEN

CUTS = (re.compile(r".*?\n(?=\S)|.+", re.DOTALL), re.compile(r".*\n|.+"), TOKEN, TOKEN)
"""What is dropped, from coarse to fine; every text is the sum of its matches."""


def shrunk(text: str, fails: Callable[[str], bool], seconds: float = 60.0) -> str:
    """The smallest text found in this time that still fails."""
    end = time.monotonic() + seconds
    for cut in CUTS:
        pieces = [found[0] for found in cut.finditer(text)]
        size = max(1, len(pieces) // 2)
        while size:
            at = 0
            while at < len(pieces) and time.monotonic() < end:
                rest = pieces[:at] + pieces[at + size :]
                if fails("".join(rest)):
                    pieces = rest
                else:
                    at += size
            size //= 2
        text = "".join(pieces)
    return text
