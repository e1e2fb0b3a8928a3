"""The one canonical form of a file: `format_text`. Two spaces of indentation, 120 columns, as few parentheses as the
tree needs, comments and single empty lines where they were."""

import sys

from archdsl.diagnostics.record import ArchError
from archdsl.source import Source
from archdsl.syntax.arrange import arrange
from archdsl.syntax.limits import DEFAULT_LIMITS, SyntaxLimits
from archdsl.syntax.parse import parse
from archdsl.syntax.tokens import tokenize
from archdsl.syntax.typeset import typeset

# Frames of Python for each step down the tree, at most.
FRAMES = 8


def format_text(source: Source, limits: SyntaxLimits = DEFAULT_LIMITS) -> str:
    """The text in its canonical form; raises ArchError when it does not parse."""
    parsed = parse(source, limits)
    if parsed.diagnostics:
        raise ArchError(parsed.diagnostics)
    before = sys.getrecursionlimit()
    sys.setrecursionlimit(before + FRAMES * (limits.chain + limits.nesting))
    try:
        return typeset(arrange(parsed.file, tokenize(source, limits)))
    finally:
        sys.setrecursionlimit(before)
