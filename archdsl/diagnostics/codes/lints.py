"""W1xxx: what is allowed and probably not meant."""

from archdsl.diagnostics.record import Code

UNUSED_IMPORT = Code("W1001", "an import that nothing uses")
UNUSED_NAME = Code("W1002", "a name that nothing uses")
SINGLE_OPTION = Code("W1003", "a choice or a domain with one value")
CONSTANT_REQUIREMENT = Code("W1004", "a requirement that decides nothing")
UNLABELLED = Code("W1005", "modules of a model named by number")
UNNAMED_CHOICE = Code("W1006", "a choice without a name")
NO_MATCH = Code("W1007", "a target that matches nothing")
NEARLY_EMPTY = Code("W1008", "requirements that reject almost everything")
DEAD_OPTION = Code("W1009", "an option that can never be taken")
