"""Genomes as sparse rows of numbers, whose products say how alike two candidates are.

A decision is a column for each option; numbers have in addition a column for each gap between their options, which says
on which side they are, so that near ones are alike. Beside its places, what rows of decisions hold is counted: genomes
that hold the same in another order are alike in this half."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from math import sqrt
from typing import TypeAlias

from archdsl.search.contract import Candidate, Decision, Option
from archdsl.search.strategies.paths import numeric

MOST_GAPS = 16
Cells: TypeAlias = tuple[list[int], list[float]]
"""Columns and what stands in them."""


@dataclass(slots=True)
class _Site:
    """A path: its options or its range, the cells of each option, and the rows that its options are counted in."""

    options: tuple[Option, ...]
    bounds: tuple[float, float] | None
    bag: str
    cells: dict[Option, Cells] = field(default_factory=dict["Option", Cells])
    first: int = 0


@dataclass(slots=True)
class Encoding:
    """Gives columns to what candidates have that it is shown, in this order; what has none is like nothing."""

    width: int = 0
    _sites: dict[str, _Site] = field(default_factory=dict[str, _Site])
    _bags: dict[tuple[str, Option, int], int] = field(default_factory=dict[tuple[str, "Option", int], int])

    def show(self, candidate: Candidate) -> None:
        """Learn the decisions of a candidate."""
        sizes: dict[str, int] = {}
        for decision in candidate.decisions:
            site = self._sites.get(decision.path)
            if site is None:
                site = self._sites[decision.path] = self._site(decision)
            if site.bounds is None:
                sizes[site.bag] = count = sizes.get(site.bag, 0) + 1
                for option in site.options:
                    if (site.bag, option, count) not in self._bags:
                        self._bags[site.bag, option, count] = self._columns(1)

    def places(self, genome: Mapping[str, Option]) -> Cells:
        """What is decided where; the squares of what a decision has sum to one."""
        columns: list[int] = []
        values: list[float] = []
        for path, option in genome.items():
            site = self._sites.get(path)
            if site is None:
                continue
            cells = site.cells.get(option)
            if site.bounds is not None:
                low, high = site.bounds
                cells = _sides(site.first, (float(str(option)) - low) / (high - low), MOST_GAPS, 1.0)
            if cells is not None:
                columns += cells[0]
                values += cells[1]
        return columns, values

    def counts(self, genome: Mapping[str, Option]) -> Cells:
        """How often rows hold each option: the first, second, ... of an option have columns of their own."""
        met: dict[tuple[str, Option], int] = {}
        found: list[int] = []
        for path, option in genome.items():
            site = self._sites.get(path)
            if site is None or site.bounds is not None:
                continue
            key = (site.bag, option)
            met[key] = count = met.get(key, 0) + 1
            column = self._bags.get((site.bag, option, count))
            if column is not None:
                found.append(column)
        return found, [1.0] * len(found)

    def _site(self, decision: Decision) -> _Site:
        site = _Site(decision.options, decision.bounds, _bag_of(decision))
        if decision.bounds is not None:
            site.first = self._columns(2 * MOST_GAPS)
            return site
        itself = self._columns(len(decision.options))
        if not numeric(decision.options):
            site.cells = {option: ([itself + at], [1.0]) for at, option in enumerate(decision.options)}
            return site
        ordered = sorted(decision.options, key=lambda option: float(str(option)))
        gaps, own = min(len(ordered) - 1, MOST_GAPS), min(0.5, 2.0 / len(ordered))
        first = self._columns(2 * gaps)
        for at, option in enumerate(ordered):
            sides, values = _sides(first, at / (len(ordered) - 1), gaps, 1.0 - own)
            site.cells[option] = [itself + at, *sides], [sqrt(own), *values]
        return site

    def _columns(self, count: int) -> int:
        self.width += count
        return self.width - count


def _sides(first: int, share: float, gaps: int, weight: float) -> Cells:
    """For each of some places along a range, on which side of it a share of the range is."""
    return [first + 2 * gap + (share > (gap + 0.5) / gaps) for gap in range(gaps)], [sqrt(weight / gaps)] * gaps


def _bag_of(decision: Decision) -> str:
    """What rows of decisions are called: their paths without numbers, and their options."""
    names = (part.rstrip("0123456789") for part in decision.path.split("."))
    return f"{'.'.join(name for name in names if name)} {decision.options!r}"
