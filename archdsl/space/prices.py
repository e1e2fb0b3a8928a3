"""What a genome costs, read off the diagrams of its space: many times faster than following it.

The space is followed once. After that a genome is a walk: the option at each site, then from node to node of the
diagram, adding what is paid on the way. A genome that does not fit the space has no price here; whoever follows it will
say why."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TypeAlias, cast

from archdsl.meaning.conditions import ALWAYS, NEVER, Condition, TooManyConditions
from archdsl.meaning.operators import equal
from archdsl.meaning.values import Value, Variant, tensors_of
from archdsl.meaning.worlds import Inner, Site, World, settled
from archdsl.space.diagrams import Budget, Node, TooMuchWork
from archdsl.space.followed import Followed, Survey, follow_whole, is_choice, is_constant
from archdsl.space.measures import Extent, Extents
from archdsl.space.opened import Space
from archdsl_compiler.graph import join
from archdsl_compiler.types import TensorType

Price: TypeAlias = tuple[int, int]


class NoPrice(Exception):
    """The genome is none of the space, or the space cannot say."""


Step: TypeAlias = "tuple[int, Site | Inner, dict[tuple[type, object], int] | None]"
"""A site or a call with its number; and how the number of an option is found by its name, where names do not depend on
other decisions."""


@dataclass(slots=True)
class Prices:
    """The costs of all genomes of a followed space. `outputs` are the types of the result, which all have alike."""

    followed: Followed
    outputs: tuple[TensorType, ...]
    _survey: Survey[Extent]
    _steps: dict[int, list[Step]] = field(default_factory=dict[int, list[Step]])

    def of(self, genome: Mapping[str, object]) -> Price:
        """Params and MACs; raises NoPrice."""
        used: list[str] = []
        world = self.followed.world
        price, _ = self._priced(world, "", genome, used, (world.alive,))
        if len(used) != len(genome):
            raise NoPrice
        return price

    def _priced(
        self, world: World, prefix: str, genome: Mapping[str, object], used: list[str], cases: tuple[Condition, ...]
    ) -> tuple[Price, int]:
        """The price of what a genome decides in a world, and which of some cases it belongs to."""
        steps = self._steps.get(id(world))
        if steps is None:
            steps = self._steps[id(world)] = _steps(world)
        taken: dict[int, int] = {}
        universe = world.universe
        inner: dict[tuple[int, int], Price] = {}
        for number, what, options in steps:
            if not (what.met == ALWAYS or universe.holds(what.met, taken)):
                taken[number] = 0
            elif isinstance(what, Inner):
                summary = what.summary
                price, case = self._priced(summary.world, join(prefix, what.path), genome, used, summary.conditions)
                inner[id(what), case] = price
                if what.site is not None:
                    taken[number] = case
            else:
                taken[number] = _option(world, what, options, join(prefix, what.path), genome, used, taken)
        for case, condition in enumerate(cases):
            if condition == ALWAYS or universe.holds(condition, taken):
                return self._walked(world, condition, taken, inner), case
        raise NoPrice

    def _walked(
        self, world: World, condition: Condition, taken: dict[int, int], inner: dict[tuple[int, int], Price]
    ) -> Price:
        view = self._survey.view(world)
        node = self._survey.genomes(world, condition)
        params = macs = 0
        waiting: list[Node[Extent] | None] = [node]
        while waiting:
            at = waiting.pop()
            if at is None:
                raise NoPrice
            paid = at.paid
            params += paid.params
            macs += paid.macs
            for number, case in paid.calls:
                price = inner[id(view.calls[number]), case]
                params += price[0]
                macs += price[1]
            for branch in at.branches:
                waiting.append(branch.nodes[taken[branch.site]])
        return params, macs


def prices(space: Space, budget: int = 1_500_000) -> Prices | None:
    """The prices of a space; None where it cannot be followed, or where its results differ."""
    followed = follow_whole(space)
    if followed is None or followed.loose or followed.sampled or followed.world.alive == NEVER:
        return None
    outputs = {
        tuple(t.type for t in tensors_of(value)) for *_, result in followed.root.models for value in _cases(result)
    }
    if len(outputs) != 1:
        return None
    survey = Survey(followed, Extents(), Budget(budget))
    try:
        survey.whole()
    except (TooMuchWork, TooManyConditions):
        return None
    return Prices(followed, outputs.pop(), survey)


def _cases(value: Value) -> tuple[Value, ...]:
    return tuple(inner for _, inner in value.cases) if isinstance(value, Variant) else (value,)


def _steps(world: World) -> list[Step]:
    """The sites and calls in the order in which they were met."""
    calls = [call for call in world.calls.values() if not is_constant(call.summary)]
    steps: list[Step] = []
    for number, site in enumerate(world.sites):
        if is_choice(site):
            varied = any(isinstance(name, Variant) for name in site.names)
            options: dict[tuple[type, object], int] = {
                (type(name), name): i for i, name in reversed(list(enumerate(site.names)))
            }
            steps.append((number, site, None if varied else options))
    steps += [(call.site if call.site is not None else 1 << 40, call, None) for call in calls]
    steps.sort(key=lambda step: step[0])
    return steps


def _option(
    world: World,
    site: Site,
    options: dict[tuple[type, object], int] | None,
    path: str,
    genome: Mapping[str, object],
    used: list[str],
    taken: dict[int, int],
) -> int:
    """The option that a genome takes at a site which it reaches."""
    universe = world.universe
    left: Sequence[int] = range(len(site.names))
    if site.left_open:
        left = [i for i in left if i not in site.left_open or universe.holds(site.left_open[i], taken)]
    if (path in genome) != (len(left) > 1):
        raise NoPrice
    if len(left) == 1:
        return left[0]
    wanted = genome[path]
    used.append(path)
    if options is not None:
        option = options.get((type(wanted), "none" if wanted is None else wanted))
    else:
        names = [settled(universe, taken, name) for name in site.names]
        option = next((i for i, name in enumerate(names) if equal(name, cast(Value, wanted))), None)
    if option is None or option not in left:
        raise NoPrice
    return option
