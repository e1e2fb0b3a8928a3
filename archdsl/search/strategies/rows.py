"""Changes of rows of decisions, such as the mixers of a stage: what single decisions drawn anew seldom find."""

from collections.abc import Callable, Mapping, Sequence
from itertools import pairwise
from random import Random
from typing import TypeAlias

from archdsl.search.contract import Decision, Option
from archdsl.search.strategies.paths import grafted

Genome: TypeAlias = Mapping[str, Option]
Row: TypeAlias = Sequence[Decision]
Change: TypeAlias = Callable[[Random, Genome, Row], "dict[str, Option]"]


def swap_neighbours(rng: Random, genome: Genome, row: Row) -> dict[str, Option]:
    """Two neighbours that differ change places, with all inside of them."""
    one, other = rng.choice(_boundaries(row) or [(row[0], row[1])])
    changed = grafted(genome, one.path, genome, other.path)
    return grafted(changed, other.path, genome, one.path)


def shift_boundary(rng: Random, genome: Genome, row: Row) -> dict[str, Option]:
    """Where the option changes along the row, it changes one place sooner or later."""
    one, other = rng.choice(_boundaries(row) or [(row[0], row[1])])
    at, source = (one, other) if rng.random() < 0.5 else (other, one)
    return grafted(genome, at.path, genome, source.path)


def pattern_again(rng: Random, genome: Genome, row: Row) -> dict[str, Option]:
    """The whole row follows a pattern of two options: alternating, one half and the other, one in k, or all alike."""
    options = [row[-1].options[number] for number in row[-1].allowed]
    one, other = (rng.sample(options, 2) if len(options) > 1 else options * 2)[:2]
    if rng.random() < 0.5:
        # What is there already is more likely to be good than what is drawn.
        one = rng.choice(row).taken
    kind = rng.randrange(4)
    step, cut = (2, len(row) // 2) if kind < 2 else (rng.randint(3, 4), rng.randint(0, len(row)))
    changed = dict(genome)
    for number, decision in enumerate(row):
        first = (kind == 3) or (number < cut if kind == 1 else number % step != step - 1)
        changed = grafted(changed, decision.path, {decision.path: one if first else other}, decision.path)
    return changed


def repeat_neighbour(rng: Random, genome: Genome, row: Row) -> dict[str, Option]:
    """A decision takes what one of its row has, with all inside of it."""
    at, source = rng.sample(row, 2)
    return grafted(genome, at.path, genome, source.path)


CHANGES: tuple[Change, ...] = (swap_neighbours, shift_boundary, pattern_again, repeat_neighbour)


def _boundaries(row: Row) -> list[tuple[Decision, Decision]]:
    return [(one, other) for one, other in pairwise(row) if one.taken != other.taken]
