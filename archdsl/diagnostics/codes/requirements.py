"""E04xx: requirements and limits."""

from archdsl.diagnostics.record import Code

REQUIREMENT = Code("E0401", "a requirement that is not met")
TOO_MANY_STEPS = Code("E0402", "an evaluation that takes too many steps")
RECURSION = Code("E0403", "calls nested too deep")
TOO_MANY_MODULES = Code("E0404", "too many modules")
TOO_LARGE = Code("E0405", "a tensor or a model over the limit")
NUMBER_TOO_LARGE = Code("E0406", "a number with too many digits")
LIST_TOO_LONG = Code("E0407", "a list that is too long")
