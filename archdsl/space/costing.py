"""Costs as Python asks for them: for many candidates of one space they are read off its diagrams."""

from collections.abc import Hashable, Mapping
from dataclasses import dataclass
from typing import cast

from archdsl.meaning import program as one_by_one
from archdsl.meaning.genomes import Genome
from archdsl.meaning.program import Costs, Program, Settings
from archdsl.space.opened import Space
from archdsl.space.prices import NoPrice, Prices, prices
from archdsl.targets import Target

FOLLOWED_FIRST = 500
"""Candidates of one space that are followed one by one, before the space is worth being followed whole."""
BUDGET = 600_000
"""What that may cost, in conditions that are looked at."""


@dataclass(slots=True)
class Asked:
    """How often the costs of a space's candidates were asked for, and their prices once they are known."""

    times: int = 0
    prices: Prices | None = None


def costs(program: Program, name: str, settings: Settings | None = None, genome: Genome | None = None) -> Costs:
    """Params, multiply-accumulates and result types, without the graph of the whole."""
    key = _key(name, settings) if genome else None
    if key is None or not genome:
        return one_by_one.costs(program, name, settings, genome)
    asked = program.modules.get(key)
    if not isinstance(asked, Asked):
        asked = program.modules[key] = Asked()
    asked.times += 1
    if asked.times == FOLLOWED_FIRST:
        asked.prices = prices(Space(Target(program, name, "space", name, settings or {})), BUDGET)
    if asked.prices is not None:
        try:
            params, macs = asked.prices.of(genome)
            return Costs(params, macs, asked.prices.outputs)
        except NoPrice:
            pass  # following it says what is wrong with it
    return one_by_one.costs(program, name, settings, genome)


def _key(name: str, settings: Settings | None) -> object:
    """What tells a space from others of its program; None where the settings have no key."""
    found: list[Hashable] = []
    for setting, value in cast("Mapping[str, object]", settings or {}).items():
        if not isinstance(value, int | float | str | None):
            return None
        found.append((setting, type(value), value))
    return "asked", name, tuple(found)
