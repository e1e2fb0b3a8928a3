"""E05xx: choices, spaces and searches."""

from archdsl.diagnostics.record import Code

EMPTY_SPACE = Code("E0501", "a space in which nothing remains")
NO_CHOICE_HERE = Code("E0502", "a choice where none can stand")
UNKNOWN_DECISION = Code("E0503", "a decision the space does not have")
UNKNOWN_OPTION = Code("E0504", "an option the choice does not have")
UNKNOWN_METRIC = Code("E0505", "an unknown metric")
DECISION_NAME_TAKEN = Code("E0506", "two choices with one name")
NO_OPTIONS = Code("E0507", "a choice without options")
UNKNOWN_ENTRY = Code("E0508", "an unknown strategy, evaluator, format or data source")
