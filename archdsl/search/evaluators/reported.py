"""The metric `reported`: what evaluators give under names of their own."""

from archdsl.search.contract import Objective

REPORTED = "reported"


def name_asked(objective: Objective) -> str:
    """The name under which an evaluator of no fixed metrics is asked for an objective: what `reported` names, or the
    objective's own name."""
    named = objective.metric.settings.get("name") if objective.metric.name == REPORTED else None
    return named if isinstance(named, str) else objective.name
