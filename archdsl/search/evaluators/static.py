"""Costs that follow from the graph: parameters, multiply-accumulates, activation memory."""

from collections.abc import Callable, Mapping, Sequence

from archdsl.assembly import target_of_text
from archdsl.cost.memory import peak_bytes
from archdsl.search.contract import Ground, Objective, Part, Place, Prepared, Report, Result, Work
from archdsl_compiler.graph import Module

PLACE: Place = "here"
READS_ARCHITECTURE = True
COSTS: Mapping[str, Callable[[Module], int]] = {
    "params": lambda graph: graph.params,
    "macs": lambda graph: graph.macs,
    "memory": peak_bytes,
}


def prepare(evaluator: Part, ground: Ground) -> Prepared:
    return Prepared()


def gives(evaluator: Part, objective: Objective) -> bool:
    return objective.metric.name in COSTS


def offers(evaluator: Part) -> Sequence[str]:
    return ()


def evaluate(work: Work, report: Report) -> Result:
    """Costs that are known are not counted again; the graph is made only where one is not."""
    graphs: list[Module] = []

    def cost(name: str) -> float:
        if name in work.known:
            return float(work.known[name])
        if not graphs:
            graphs.append(target_of_text(work.architecture, allow_extern=work.allow_extern).graph())
        return float(COSTS[name](graphs[0]))

    return Result({wish.name: cost(wish.metric.name) for wish in work.metrics if wish.metric.name in COSTS})
