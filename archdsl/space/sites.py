"""The choice sites of a space, as they are shown: where a decision is taken, what is on offer, when it is reached."""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from archdsl.meaning.conditions import NEVER, Condition
from archdsl.meaning.run import show_option
from archdsl.meaning.values import Value, Variant
from archdsl.meaning.worlds import Site, World
from archdsl.source import Span
from archdsl.space.followed import is_choice
from archdsl_compiler.graph import join

MOST_PATHS = 2_000
"""Sites that are told one by one; of a space with more, patterns are."""
_NUMBER = re.compile(r"\.\d+")
MOST_VALUES = 4
"""Options of another site that are named where a site is reached by them alone."""


@dataclass(slots=True)
class ShownSite:
    """A choice as its text has it. `paths` are the decisions that it can be, all of them where `all_paths`; `pattern`
    stands for them, with `*` for a step that differs. `whens` are the conditions of options, "" for none; `reached_at`
    says for which candidates each is met where that is easily said, "" where all meet it. `bounds` are the ends of a
    continuous range."""

    at: Span
    options: list[Value]
    whens: tuple[str, ...]
    paths: list[str] = field(default_factory=list[str])
    all_paths: bool = True
    reached_at: list[str] = field(default_factory=list[str])
    bounds: tuple[float, float] | None = None

    @property
    def pattern(self) -> str:
        return pattern_of(self.paths)

    @property
    def reached(self) -> str:
        """For which candidates it is met, one text for all its paths."""
        if len(set(self.reached_at)) == 1:
            return self.reached_at[0]
        alike = {_NUMBER.sub(".*", text) for text in self.reached_at if text}
        return alike.pop() if len(alike) == 1 else "depends on decisions before it"


def sites_of(world: World) -> tuple[list[ShownSite], bool]:
    """The choices of a space, and whether all their paths are told."""
    found: dict[tuple[Span, int], ShownSite] = {}
    budget = [MOST_PATHS]
    _collect(world, "", found, budget, set(), "")
    return list(found.values()), budget[0] > 0


def _collect(
    world: World,
    prefix: str,
    found: dict[tuple[Span, int], ShownSite],
    budget: list[int],
    once: set[int],
    reached: str,
) -> None:
    """Each world at each place where it is called, as long as the budget lasts; then each world once."""
    if budget[0] <= 0:
        if id(world) in once:
            return
        once.add(id(world))
    for site in world.sites:
        if not is_choice(site):
            continue
        budget[0] -= 1
        shown = found.get((site.span, len(site.names)))
        when = _reached(world, site) or reached
        if shown is None:
            shown = found[site.span, len(site.names)] = ShownSite(site.span, [], site.whens)
            if site.sampled:
                shown.bounds = _number(site.names[0]), _number(site.names[-1])
        _add_options(shown.options, site)
        path = join(prefix, site.path)
        if path not in shown.paths:
            shown.paths.append(path)
            shown.reached_at.append(when)
        if budget[0] <= 0:
            shown.all_paths = False
    for call in world.calls.values():
        outer = "" if world.universe.without(world.alive, call.met) == NEVER else "where its module is made"
        _collect(call.summary.world, join(prefix, call.path), found, budget, once, outer or reached)


def _number(value: Value) -> float:
    return float(value) if isinstance(value, int | float) else 0.0


def _add_options(options: list[Value], site: Site) -> None:
    """The options by name; one that depends on other decisions stands for all that it can be."""
    if site.sampled:
        return
    known = {(type(value), value) for value in options}
    for name in site.names:
        for value in [inner for _, inner in name.cases] if isinstance(name, Variant) else [name]:
            if (type(value), value) not in known:
                known.add((type(value), value))
                options.append(value)


def _reached(world: World, site: Site) -> str:
    """For which candidates the site is met, in words."""
    universe = world.universe
    if universe.without(world.alive, site.met) == NEVER:
        return ""
    met = universe.within(site.met, world.alive, {}) if world.alive != NEVER else site.met
    others = sorted(universe.support(met))
    named = [number for number in others if is_choice(world.sites[number])]
    if len(others) == 1 and named:
        return _of_one(world, named[0], met)
    if named and len(named) == len(others):
        return f"depends on {', '.join(world.sites[number].path for number in named[:MOST_VALUES])}" + (
            ", ..." if len(named) > MOST_VALUES else ""
        )
    return "depends on decisions before it"


def _of_one(world: World, number: int, met: Condition) -> str:
    universe, other = world.universe, world.sites[number]
    values = [
        name for option, name in enumerate(other.names) if universe.both(met, universe.taken(number, option)) != NEVER
    ]
    numbers = [value for value in values if type(value) is int]
    if len(values) > 1 and len(numbers) == len(values) == numbers[-1] - numbers[0] + 1:
        return f"{other.path} in {numbers[0]}..{numbers[-1]}"
    if len(values) > MOST_VALUES:
        return f"depends on {other.path}"
    return f"{other.path} = {' or '.join(map(show_option, values))}"


def pattern_of(paths: Sequence[str]) -> str:
    """One text for several paths: steps that differ are `*`, numbers of steps that differ `**`."""
    if len(paths) == 1:
        return paths[0]
    split = [path.split(".") for path in paths]
    if len({len(steps) for steps in split}) == 1:
        return ".".join(steps[0] if len(set(steps)) == 1 else "*" for steps in zip(*split, strict=True))
    ending = ".".join(reversed(list(_common(tuple(reversed(steps)) for steps in split))))
    beginning = ".".join(_common(map(tuple, split)))
    return ".".join(part for part in (beginning, "**", ending) if part)


def _common(many: "Iterator[tuple[str, ...]]") -> Iterator[str]:
    """The steps with which all begin; the last of the shortest is left to the other end."""
    found = list(many)
    for steps in zip(*(steps[: len(steps) // 2 + len(steps) % 2] for steps in found), strict=False):
        if len(set(steps)) > 1:
            return
        yield steps[0]
