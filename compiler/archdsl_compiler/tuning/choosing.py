"""Choosing a mode for every region of a graph, so that kernels and the conversions between them take the least time.

Costs are terms over few regions each: a region's best kernel by its own mode, and for each value what the conversions
take that its readers need. The sum is minimised exactly, by eliminating one region after the other: on a chain that is
the shortest path, where branches meet a table over those that meet. Only where so many meet that a table would be too
large is a region fixed beforehand."""

from collections.abc import Hashable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final, TypeAlias, TypeVar

import numpy
from numpy.typing import NDArray

LARGEST: Final = 2**18
"""Numbers in a table."""
MOST_READERS: Final = 6

Table: TypeAlias = NDArray[numpy.float64]
Form = TypeVar("Form", bound=Hashable)


@dataclass(frozen=True, slots=True)
class Term:
    """Seconds by the modes of some regions: axis k of the table is that of `regions[k]`."""

    regions: tuple[int, ...]
    table: Table


def choose(count: int, modes: int, terms: Iterable[Term]) -> list[int]:
    """The mode of each region, by number, for which the sum of the terms is least. Of equal ones the first."""
    remaining = [term for term in terms if term.regions]
    given = list(remaining)
    fixed = _fixed_where_too_many_meet(count, modes, remaining)
    remaining = [_reduced(term, fixed) for term in remaining]
    eliminated: list[tuple[int, Term]] = []
    waiting = [region for region in range(count) if region not in fixed]
    neighbours = _neighbours(remaining)
    while waiting:
        region = min(waiting, key=lambda each: (len(neighbours.get(each, ())), each))
        waiting.remove(region)
        touching = [term for term in remaining if region in term.regions]
        remaining = [term for term in remaining if region not in term.regions]
        joined = _joined(region, touching, modes)
        eliminated.append((region, joined))
        rest = Term(joined.regions[1:], joined.table.min(axis=0))
        if rest.regions:
            remaining.append(rest)
        around = neighbours.pop(region, set[int]())
        for other in around:
            neighbours[other] |= around
            neighbours[other] -= {other, region}
    chosen = dict(fixed)
    for region, term in reversed(eliminated):
        place = tuple(chosen[other] for other in term.regions[1:])
        chosen[region] = int(term.table[(slice(None), *place)].argmin())
    found = [chosen[region] for region in range(count)]
    uniform = ([mode] * count for mode in range(modes))
    return min((found, *uniform), key=lambda each: total(each, given)) if fixed else found


def total(chosen: Sequence[int], terms: Iterable[Term]) -> float:
    """The sum of the terms."""
    return float(sum(term.table[tuple(chosen[region] for region in term.regions)] for term in terms))


def _joined(region: int, terms: Sequence[Term], modes: int) -> Term:
    """The sum of terms as one, the region's axis first."""
    others = sorted({other for term in terms for other in term.regions} - {region})
    order = (region, *others)
    table: Table = numpy.zeros((modes,) * len(order))
    for term in terms:
        axes = sorted(range(len(term.regions)), key=lambda axis: order.index(term.regions[axis]))
        shape = [modes if each in term.regions else 1 for each in order]
        table = table + term.table.transpose(axes).reshape(shape)
    return Term(order, table)


def _reduced(term: Term, fixed: Mapping[int, int]) -> Term:
    places = tuple(fixed[region] if region in fixed else slice(None) for region in term.regions)
    return Term(tuple(region for region in term.regions if region not in fixed), term.table[places])


def _neighbours(terms: Iterable[Term]) -> dict[int, set[int]]:
    found: dict[int, set[int]] = {}
    for term in terms:
        for region in term.regions:
            found.setdefault(region, set()).update(other for other in term.regions if other != region)
    return found


def _fixed_where_too_many_meet(count: int, modes: int, terms: Sequence[Term]) -> dict[int, int]:
    """Regions to fix, at the mode that is best for each alone, until every table is small enough."""
    fixed: dict[int, int] = {}
    alone: dict[int, Table] = {}
    for term in terms:
        if len(term.regions) == 1:
            alone[term.regions[0]] = alone.get(term.regions[0], numpy.zeros(modes)) + term.table
    while (widest := _widest(count, modes, [_reduced(term, fixed) for term in terms], fixed)) is not None:
        found = alone.get(widest)
        fixed[widest] = 0 if found is None else int(found.argmin())
    return fixed


def _widest(count: int, modes: int, terms: Sequence[Term], fixed: Mapping[int, int]) -> int | None:
    """The region with the most neighbours at the moment when a table becomes too large; none if none does."""
    neighbours = _neighbours(term for term in terms if len(term.regions) > 1)
    busiest = {region: len(others) for region, others in neighbours.items()}
    while neighbours:
        region = min(neighbours, key=lambda each: (len(neighbours[each]), each))
        around = neighbours.pop(region)
        if modes ** (len(around) + 1) > LARGEST:
            return max(around | {region}, key=lambda each: (busiest[each], -each))
        for other in around:
            neighbours[other] |= around
            neighbours[other] -= {other, region}
    return None


def conversion_terms(
    producer: int | None,
    own: Sequence[Form],
    readers: Mapping[int, Sequence[Form]],
    seconds: Mapping[tuple[Form, Form], float],
) -> list[Term]:
    """What the conversions of a value take. `own` are its forms by the mode of the region that makes it, for an input
    the one form that it has; `readers` the form that each reader wants by its mode. A form that several want is made
    once; what `seconds` has no entry for is free. Where very many read a value, each counts by itself."""
    asking = {
        reader: wants
        for reader, wants in readers.items()
        if reader != producer and any((source, goal) in seconds for source in own for goal in wants)
    }
    if len(asking) > MOST_READERS:
        return [term for each in asking for term in conversion_terms(producer, own, {each: asking[each]}, seconds)]
    if not asking:
        return []
    regions = (*(() if producer is None else (producer,)), *asking)
    modes = len(next(iter(asking.values())))
    table: Table = numpy.zeros((modes,) * len(regions))
    for place in numpy.ndindex(table.shape):
        chosen = dict(zip(regions, place, strict=True))
        source: Form = own[0 if producer is None else chosen[producer]]
        goals: set[Form] = {wants[chosen[reader]] for reader, wants in asking.items()}
        table[place] = sum(seconds.get((source, goal), 0.0) for goal in goals)
    return [Term(regions, table)]
