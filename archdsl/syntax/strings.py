r"""What stands between the quotes: the escapes `\"`, `\\`, `\n` and `\t`, and no others."""

import re
from typing import Final

from archdsl.diagnostics import codes
from archdsl.diagnostics.record import Diagnostic
from archdsl.source import Span

_ESCAPED: Final = {'\\"': '"', "\\\\": "\\", "\\n": "\n", "\\t": "\t"}
_WRITTEN: Final = {character: escape for escape, character in _ESCAPED.items()}
_ESCAPE: Final = re.compile(r"\\[\s\S]")
_SPECIAL: Final = re.compile(r'["\\\n\t]')


def bad_escape(span: Span) -> Diagnostic | None:
    """The first escape of a string that does not exist."""
    for match in _ESCAPE.finditer(span.text):
        if match.group() not in _ESCAPED:
            place = Span(span.source, span.start + match.start(), span.start + match.end())
            return codes.UNFINISHED_STRING.at(
                place,
                f"strings know no escape `{match.group()}`",
                "write `\\\\` for a backslash",
                notes=('the escapes are `\\"`, `\\\\`, `\\n` and `\\t`',),
            )
    return None


def unescape(written: str) -> str:
    """The meaning of what stands between the quotes."""
    return (
        _ESCAPE.sub(lambda match: _ESCAPED.get(match.group(), match.group()), written) if "\\" in written else written
    )


def escape(value: str) -> str:
    """What stands between the quotes of a string that means `value`."""
    return _SPECIAL.sub(lambda match: _WRITTEN[match.group()], value)
