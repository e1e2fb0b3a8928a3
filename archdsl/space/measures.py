"""What can be found out about a set of genomes from its parts: how many there are, and between which bounds they cost.

A set is split in two ways: into sets that exclude each other (options of one decision) and into parts that do not care
for each other (decisions whose options go with all of the others'). A measure says what each split does to its values,
and how to go down it again where one genome is drawn."""

from collections.abc import Sequence
from dataclasses import dataclass
from random import Random
from typing import Protocol, TypeVar

_V = TypeVar("_V")
Goal = int
"""What a drawn genome has to add up to; measures that add nothing up have the goal 0."""


class Measure(Protocol[_V]):
    """Values of sets of genomes, and how they go together."""

    none: _V
    one: _V
    pays: bool
    """Whether costs make a difference; where not, nobody needs to follow them."""

    def cost(self, params: int, macs: int) -> _V:
        """One genome that costs so much."""
        ...

    def times(self, number: int, value: _V) -> _V:
        """As many equal sets that exclude each other."""
        ...

    def any(self, values: Sequence[_V]) -> _V:
        """Sets that exclude each other, together."""
        ...

    def both(self, first: _V, second: _V) -> _V:
        """Each genome of the one part with each of the other."""
        ...

    def empty(self, value: _V) -> bool:
        """Whether there is no genome in a set."""
        ...


class Drawable(Measure[_V], Protocol[_V]):
    """A measure by which genomes can be drawn evenly."""

    def which(self, values: Sequence[_V], goal: Goal, rng: Random) -> int:
        """One of the sets, each as likely as it has genomes for the goal."""
        ...

    def split(self, first: _V, second: _V, goal: Goal, rng: Random) -> tuple[Goal, Goal]:
        """What each of two parts contributes to the goal."""
        ...


class Count:
    """How many genomes there are, exactly."""

    none = 0
    one = 1
    pays = False

    def cost(self, params: int, macs: int) -> int:
        return 1

    def times(self, number: int, value: int) -> int:
        return number * value

    def any(self, values: Sequence[int]) -> int:
        return sum(values)

    def both(self, first: int, second: int) -> int:
        return first * second

    def empty(self, value: int) -> bool:
        return not value

    def which(self, values: Sequence[int], goal: Goal, rng: Random) -> int:
        place = rng.randrange(sum(values))
        for number, value in enumerate(values):
            if place < value:
                return number
            place -= value
        raise AssertionError("a place below the sum lies in one of its parts")

    def split(self, first: int, second: int, goal: Goal, rng: Random) -> tuple[Goal, Goal]:
        return 0, 0


@dataclass(frozen=True, slots=True)
class Extent:
    """The lowest and the highest cost of some genomes, each by itself; an `empty` one has no genome."""

    params: tuple[int, int] = (0, 0)
    macs: tuple[int, int] = (0, 0)
    empty: bool = False


class Extents:
    """Between which bounds genomes cost."""

    none = Extent(empty=True)
    one = Extent()
    pays = True

    def cost(self, params: int, macs: int) -> Extent:
        return Extent((params, params), (macs, macs))

    def times(self, number: int, value: Extent) -> Extent:
        return value if number else self.none

    def any(self, values: Sequence[Extent]) -> Extent:
        known = [value for value in values if not value.empty]
        if not known:
            return self.none
        return Extent(
            (min(v.params[0] for v in known), max(v.params[1] for v in known)),
            (min(v.macs[0] for v in known), max(v.macs[1] for v in known)),
        )

    def both(self, first: Extent, second: Extent) -> Extent:
        if first.empty or second.empty:
            return self.none
        return Extent(
            (first.params[0] + second.params[0], first.params[1] + second.params[1]),
            (first.macs[0] + second.macs[0], first.macs[1] + second.macs[1]),
        )

    def empty(self, value: Extent) -> bool:
        return value.empty
