"""Finds the strategy that a part of the catalogue names."""

from collections.abc import Sequence
from importlib import import_module
from typing import Protocol, cast

from archdsl.diagnostics.record import UsageError
from archdsl.search.contract import Domain, Objective, Part, Strategy

NAMES = ("random", "grid", "evolution", "nsga2", "nsga3", "tpe")


class StrategyModule(Protocol):
    """What a module of a strategy has."""

    def strategy(self, part: Part, domain: Domain, objectives: Sequence[Objective]) -> Strategy:
        """A strategy that was told nothing yet."""
        ...


def strategy_of(part: Part, domain: Domain, objectives: Sequence[Objective]) -> Strategy:
    """The strategy that a part asks for, on these candidates. Raises UsageError if it cannot work there."""
    if part.name not in NAMES:
        raise UsageError(f"the strategy `{part.name}` cannot run yet; these can: {', '.join(NAMES)}")
    module = cast(StrategyModule, import_module(f"archdsl.search.strategies.{part.name}"))
    return module.strategy(part, domain, objectives)
