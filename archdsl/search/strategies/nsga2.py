"""`nsga2`: the front of several objectives, kept apart by crowding distance."""

from collections.abc import Sequence

from archdsl.search.contract import Domain, Objective, Part
from archdsl.search.standings import best
from archdsl.search.strategies.generations import Generations, in_generations


def strategy(part: Part, domain: Domain, objectives: Sequence[Objective]) -> Generations:
    return in_generations(part, domain, objectives, best)
