"""Costs as Python asks for them: for many candidates of one space they are read off its diagrams."""

from collections.abc import Hashable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, cast

from archdsl.meaning import program as one_by_one
from archdsl.meaning.genomes import Genome
from archdsl.meaning.program import Costs, Program, Settings

if TYPE_CHECKING:
    from archdsl.space.prices import Prices

FOLLOWED_FIRST = 500
"""Candidates of one space that are followed one by one, before the space is worth being followed whole."""
BUDGET = 600_000
"""What that may cost, in conditions that are looked at."""


@dataclass(slots=True)
class Asked:
    """How often the costs of a space's candidates were asked for, and their prices once they are known."""

    times: int = 0
    prices: "Prices | None" = None


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
        asked.prices = _prices(program, name, settings or {})
    found = _read(asked.prices, genome) if asked.prices is not None else None
    # Where a genome has no price, following it says what is wrong with it.
    return found or one_by_one.costs(program, name, settings, genome)


# What follows a space whole is imported when it is needed: the first costs of a process wait for nothing else.


def _prices(program: Program, name: str, settings: Settings) -> "Prices | None":
    from archdsl.space.opened import Space
    from archdsl.space.prices import prices
    from archdsl.targets import Target

    return prices(Space(Target(program, name, "space", name, settings)), BUDGET)


def _read(known: "Prices", genome: Genome) -> Costs | None:
    from archdsl.space.prices import NoPrice

    try:
        return Costs(*known.of(genome), known.outputs)
    except NoPrice:
        return None


def _key(name: str, settings: Settings | None) -> object:
    """What tells a space from others of its program; None where the settings have no key."""
    found: list[Hashable] = []
    for setting, value in cast("Mapping[str, object]", settings or {}).items():
        if not isinstance(value, int | float | str | None):
            return None
        found.append((setting, type(value), value))
    return "asked", name, tuple(found)
