"""What is told of a space: its choices, how many genomes it has, what they cost at least and at most, what nobody can
take."""

from collections.abc import Mapping
from dataclasses import dataclass
from random import Random

from archdsl.diagnostics.record import ArchError, Diagnostic
from archdsl.diagnostics.text import presentable
from archdsl.meaning.check import with_deep_stack
from archdsl.meaning.conditions import TooManyConditions
from archdsl.meaning.verdicts import judge
from archdsl.search.contract import Candidate, Rejected
from archdsl.source import Span
from archdsl.space.diagrams import TooMuchWork
from archdsl.space.estimates import Number, by_walking, share_of, walk
from archdsl.space.followed import Followed, Survey, follow_whole
from archdsl.space.measures import Count, Extent, Extents
from archdsl.space.opened import Space
from archdsl.space.sites import ShownSite, sites_of
from archdsl.targets import Target, TargetLike, open_target

DRAWN = 400
"""Candidates that an estimate looks at."""


@dataclass(frozen=True, slots=True)
class Bounds:
    """The lowest and highest cost of a valid genome. Where they are not exact, they were only seen: some genome costs
    so, and another may cost less or more."""

    lower: int
    upper: int
    exact: bool


@dataclass(frozen=True, slots=True)
class SpaceReport:
    """All of it. `genomes` are those that choices alone allow, `valid` those that meet the requirements; with a
    `continuous` range both are infinite, and the numbers count the other decisions. `satisfiable` is None where no
    valid genome was found and none was proven not to be there; `followed` says whether the sites are known."""

    target: str
    name: str
    sites: tuple[ShownSite, ...]
    all_sites: bool
    genomes: Number
    valid: Number
    continuous: bool
    satisfiable: bool | None
    params: Bounds | None
    macs: Bounds | None
    findings: tuple[Diagnostic, ...]
    followed: bool


def inspect_space(target: TargetLike, *, settings: Mapping[str, object] | None = None) -> SpaceReport:
    """What there is to say about a space, as `archdsl space` prints it."""
    return report_on(open_target(target, wants=("space", "model"), settings=settings))


def report_on(target: Target) -> SpaceReport:
    """Follow it whole, once with and once without its requirements; where that is too much, estimate."""
    return with_deep_stack(lambda: _report(target))


def _report(target: Target) -> SpaceReport:
    rng = Random(0)
    opened = Space(target)
    every, valid = follow_whole(opened, requirements=False), follow_whole(opened)
    without = None if every is None else _counted(every)
    with_all = None if valid is None else _counted(valid)
    known = valid or every
    sites, all_sites = sites_of(known.world) if known is not None else ([], False)
    continuous = any(f is not None and f.sampled for f in (every, valid))
    seen: list[Candidate] = []
    if with_all is not None and valid is not None and not valid.loose:
        number = Number(with_all, True, with_all, with_all)
    elif with_all is not None and valid is not None:
        number = _estimated(opened, valid, with_all, rng, seen)
    else:
        number = None
    if number is None or without is None:
        walked = by_walking(opened, DRAWN, rng)
        seen += [c for c, _ in (walk(opened, rng) for _ in range(DRAWN // 4)) if isinstance(c, Candidate)]
        number = number or walked[1]
        total = walked[0] if without is None else Number(without, True, without, without)
    else:
        total = Number(without, True, without, without)
    extent = _extent(valid) if valid is not None else None
    satisfiable = True if seen or (number.exact and number.value) else False if number.exact else None
    return SpaceReport(
        target.shown,
        target.name,
        tuple(sites),
        all_sites,
        total,
        number,
        continuous,
        satisfiable,
        *_bounds(opened, extent, valid, seen, rng),
        _findings(target, valid),
        known is not None,
    )


def _counted(followed: Followed) -> int | None:
    try:
        node = Survey(followed, Count()).whole()
    except (TooMuchWork, TooManyConditions):
        return None
    return 0 if node is None else node.value


def _extent(followed: Followed) -> Extent | None:
    try:
        node = Survey(followed, Extents()).whole()
    except (TooMuchWork, TooManyConditions):
        return None
    return None if node is None else node.value


def _estimated(space: Space, followed: Followed, whole: int, rng: Random, seen: list[Candidate]) -> Number:
    """The part of the followed genomes that is valid after all."""
    survey = Survey(followed, Count())
    node = survey.whole()
    if node is None:
        return Number(0)
    for _ in range(DRAWN):
        found = space.complete(survey.genome(node, rng), rng, graph=False)
        if not isinstance(found, Rejected):
            seen.append(found)
    return share_of(whole, len(seen), DRAWN)


def _bounds(
    space: Space, extent: Extent | None, followed: Followed | None, seen: list[Candidate], rng: Random
) -> tuple[Bounds | None, Bounds | None]:
    """Of params and MACs: exact ones where all genomes were gone through, else those of the genomes that were seen."""
    if extent is not None and followed is not None:
        exact = not followed.loose and not followed.sampled
        return Bounds(*extent.params, exact), Bounds(*extent.macs, exact)
    if not seen:
        seen = [c for c, _ in (walk(space, rng) for _ in range(DRAWN)) if isinstance(c, Candidate)]
    if not seen:
        return None, None
    params, macs = [c.params for c in seen], [c.macs for c in seen]
    return Bounds(min(params), max(params), False), Bounds(min(macs), max(macs), False)


def _findings(target: Target, followed: Followed | None) -> tuple[Diagnostic, ...]:
    """What checking a whole space finds: options that nobody can take, requirements that hardly any candidate meets."""
    if followed is None or followed.session.relaxed:
        return ()
    session = followed.session
    known = set(session.findings)
    span = Span(target.program.unit.source, 0, 0)
    try:
        judge(session, followed.root, followed.entry, span, target.name)
    except ArchError as error:
        return error.diagnostics
    found = [finding.told() for key, finding in session.findings.items() if key not in known]
    return presentable(tuple(found))
