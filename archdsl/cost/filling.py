"""Filling the record: measuring every region of every module that a space can produce, before a search asks."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from itertools import islice
from time import monotonic
from typing import Final

from archdsl.cost.timed_pass import TimedPass
from archdsl.cost.tuned import SummedRegions, is_tunable
from archdsl.meaning.program import elaborate
from archdsl.search.progress import as_time
from archdsl.search.strategies.enumeration import every_candidate
from archdsl.space.bounded import Bounded
from archdsl.space.coverage import covering, drawing
from archdsl.space.opened import Space
from archdsl.targets import Target

NOTHING_NEW: Final = 50
"""Drawn candidates in a row without a new region, after which a space counts as covered."""
LAST: Final = 50
"""Drawn candidates that are looked at for what is still missing."""

Tell = Callable[[int, int, str], None]


@dataclass(frozen=True, slots=True)
class Extent:
    """How much of a space is gone through: so many candidates, all of them, or until nothing is new; at most `seconds`
    long."""

    samples: int | None = None
    every: bool = False
    seconds: float | None = None


@dataclass(slots=True)
class Filled:
    """What was done until now. `regions` are all that were met, `known` those of them that the record had. `fresh` says
    of each candidate how many regions it brought that it did not have; `drawn` how many candidates were drawn
    evenly, which come last. `failures` are candidates that could not be summed, with the reason of one."""

    regions: set[str] = field(default_factory=set[str])
    measured: set[str] = field(default_factory=set[str])
    fresh: list[int] = field(default_factory=list[int])
    drawn: int = 0
    outside: int = 0
    failures: int = 0
    failure: str = ""
    ended: str = "interrupted"
    seconds: float = 0.0

    @property
    def known(self) -> int:
        return len(self.regions - self.measured)

    @property
    def last(self) -> list[int]:
        """New regions of the last candidates that were drawn."""
        return self.fresh[len(self.fresh) - min(self.drawn, LAST) :]


def fill(target: Target, timed: TimedPass, extent: Extent, found: Filled, tell: Tell | None = None) -> Filled:
    """Measure what is missing. `found` is what is told, also to whoever interrupts."""
    begun = monotonic()
    sums, idle = SummedRegions(), 0
    for number, (genome, is_drawn) in enumerate(_genomes(target, extent)):
        found.seconds = monotonic() - begun
        if extent.seconds is not None and found.seconds > extent.seconds:
            found.ended = "time"
            return found
        if tell is not None:
            _follow(sums, found, tell, number, extent.samples or number + max(NOTHING_NEW - idle, 1))
        graph = elaborate(target.program, target.name, target.settings, genome)
        if not is_tunable(graph, timed.dtype):
            found.outside += 1
            continue
        try:
            summed = sums.found(graph, timed)
        except (RuntimeError, MemoryError) as error:
            found.failures, found.failure = (
                found.failures + 1,
                str(error).splitlines()[0] if str(error) else "no memory",
            )
            continue
        new = set(summed.unknown) - found.regions
        found.fresh.append(len(new))
        found.regions.update(summed.regions)
        found.measured |= new
        found.drawn += is_drawn
        idle = idle + 1 if is_drawn and not new else 0
        if idle >= NOTHING_NEW and extent.samples is None and not extent.every:
            break
    found.ended, found.seconds = "done", monotonic() - begun
    return found


def _genomes(target: Target, extent: Extent) -> Iterator[tuple[Mapping[str, object] | None, bool]]:
    """Those of the candidates that are gone through, and whether each was drawn."""
    if target.kind == "model" or target.genome is not None:
        yield target.genome, False
        return
    space = Space(target)
    if extent.every:
        yield from ((candidate.genome, False) for candidate in every_candidate(Bounded(space)))
        return
    number = 0
    for number, candidate in enumerate(covering(space), 1):
        yield candidate.genome, False
        if number == extent.samples:
            return
    for candidate in islice(drawing(space), None if extent.samples is None else extent.samples - number):
        yield candidate.genome, True


def _follow(sums: SummedRegions, found: Filled, tell: Tell, number: int, most: int) -> None:
    """Tell how far it is, also while the regions of a candidate are measured."""
    left = as_time(found.seconds / number * (most - number)) if number > 4 else ""
    told = f"{len(found.regions)} regions, {len(found.measured)} measured{f', {left} left' if left else ''}"
    sums.progress = lambda done, all_, what: tell(number, most, f"{told}, {what}")
    tell(number, most, told)
