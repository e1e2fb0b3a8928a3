"""E00xx: text that is no program."""

from archdsl.diagnostics.record import Code

UNEXPECTED = Code("E0001", "text that does not fit")
UNREADABLE = Code("E0002", "bytes or characters that are no text")
TOO_NESTED = Code("E0003", "nested too deep")
UNFINISHED_STRING = Code("E0004", "a bad or unterminated string")
RESERVED_WORD = Code("E0005", "a reserved word as a name")
UNCLOSED = Code("E0006", "a bracket that is not closed")
TOO_LONG = Code("E0007", "a text or a literal over a limit")
