"""The candidates that a search may propose: those of its space that miss no requirement which their genome decides.

They are drawn evenly, and those that hardly any genome is are built, as `archdsl.space.bounded` can. For that the
requirements that bound params and MACs are read off the text; what else a requirement asks is known by asking it."""

import math
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from random import Random
from typing import cast

from archdsl.diagnostics.record import UsageError
from archdsl.meaning.conditions import Universe
from archdsl.meaning.dispatch import evaluate
from archdsl.meaning.program import Program
from archdsl.meaning.run import Body, Frame, Session, Unmet
from archdsl.meaning.values import Value
from archdsl.meaning.worlds import World
from archdsl.search.contract import Candidate, Choosing, Genome, Rejected
from archdsl.space.bounded import Bounded
from archdsl.space.histograms import Metric
from archdsl.space.opened import Choose, Space
from archdsl.space.wishes import CostBound
from archdsl.syntax import nodes

MOST_TRIES = 10_000
MIRRORED = {"<": ">", "<=": ">=", ">": "<", ">=": "<="}
Asked = Callable[[Candidate], list[Unmet]]


@dataclass(frozen=True, slots=True)
class Requirements:
    """All requirements of a search as one condition on candidates."""

    unmet: Asked
    text: str = "the requirements of the search"

    def violation(self, candidate: Candidate) -> float:
        return sum(each.amount for each in self.unmet(candidate))


@dataclass(slots=True)
class Wanted:
    """The domain of a search. Some costs are told by the graph alone, so what was drawn is asked once more."""

    space: Space
    unmet: Asked
    bounds: tuple[CostBound, ...] = ()
    _drawing: Bounded = field(init=False, repr=False)

    def __post_init__(self) -> None:
        self._drawing = Bounded(self.space, (*self.bounds, Requirements(self.unmet)))

    def draw(self, rng: Random) -> Candidate:
        for _ in range(MOST_TRIES):
            found = self._drawing.draw(rng)
            if not self.unmet(found):
                return found
        raise UsageError(f"none of {MOST_TRIES:,} candidates meets the requirements of the search")

    def follow(self, choose: Choosing) -> Candidate | Rejected:
        return self._checked(self.space.follow(cast(Choose, choose)))

    def complete(self, wanted: Genome, rng: Random) -> Candidate | Rejected:
        found = self._checked(self.space.complete(wanted, rng))
        return self._checked(self._drawing.complete(wanted, rng)) if isinstance(found, Rejected) else found

    def _checked(self, found: Candidate | Rejected) -> Candidate | Rejected:
        if isinstance(found, Rejected):
            return found
        missing = self.unmet(found)
        return Rejected("; ".join(each.told for each in missing), found.genome) if missing else found


def cost_bounds(
    program: Program, body: nodes.Body, names: Mapping[str, Value], metrics: Mapping[str, str]
) -> Iterator[CostBound]:
    """The requirements of a search that compare params or MACs with a number; `metrics` says which names mean these."""
    frame = Frame(Session(program.limits), World(Universe()), program.unit, Body(""))
    frame.names.update(names)
    for statement in body.items:
        condition = statement.condition if isinstance(statement, nodes.Require) else None
        if not isinstance(condition, nodes.Comparison) or len(condition.operands) != 2:
            continue
        (left, right), operator = condition.operands, condition.operators[0]
        if isinstance(right, nodes.Name) and right.text in metrics:
            left, right, operator = right, left, MIRRORED.get(operator, "")
        if not isinstance(left, nodes.Name) or left.text not in metrics or operator not in MIRRORED:
            continue
        number = evaluate(right, frame)
        if isinstance(number, int | float) and not isinstance(number, bool):
            low, high = _between(operator, number)
            yield CostBound(condition.span.text, cast(Metric, metrics[left.text]), low, high)


def _between(operator: str, number: float) -> tuple[float, float]:
    """The whole numbers that a comparison leaves."""
    if operator in ("<", "<="):
        return -math.inf, math.ceil(number) - 1 if operator == "<" else number
    return math.floor(number) + 1 if operator == ">" else number, math.inf
