"""E01xx: names, files and imports."""

from archdsl.diagnostics.record import Code

UNKNOWN_NAME = Code("E0101", "a name that nothing declares")
DECLARED_TWICE = Code("E0102", "a name declared twice")
SHADOWED = Code("E0103", "a name that hides another")
NO_SUCH_MODULE = Code("E0104", "an import of a file that cannot be read")
IMPORT_CYCLE = Code("E0105", "files that import each other")
NOT_EXPORTED = Code("E0106", "a name the imported file does not have")
UNREADABLE_FILE = Code("E0107", "a file that cannot be read")
UNBOUND_ASSIGNMENT = Code("E0108", "an assignment to a name that is not bound")
OUTSIDE_TREE = Code("E0109", "an import that leaves the folder tree")
