"""A plan as plain PyTorch: the deployed graph with its modules, with the forms of those kernels that have one."""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Final, TypeAlias, cast

from archdsl_compiler.digest import digest
from archdsl_compiler.graph import Call, Module, ModuleCall, leaves
from archdsl_compiler.kernels.contract import Case, Layout, Mode, Place, kernel
from archdsl_compiler.kernels.flat import as_program
from archdsl_compiler.kernels.regions.contract import Cut, Region, cut
from archdsl_compiler.passes.deploy import Deployed
from archdsl_compiler.passes.rewriting import fresh_value, mapped, rebuilt, results_by_path, with_callees
from archdsl_compiler.tuning.plan import Plan

PLAIN: Final = ("plain", "widened")
"""Kernels that are the graph as it is."""
TORCH: Final = "torch"

Choice: TypeAlias = tuple[Mode, str]
"""The mode and the kernel of a region."""


@dataclass(frozen=True, slots=True)
class Written:
    """`taken` are the kernels that are written as they compute, by how many regions run by them, `replaced` those that
    are not. `channels_last` says that most of the plan runs so."""

    root: Module
    taken: Mapping[str, int]
    replaced: Mapping[str, int]
    channels_last: bool


def written_graph(deployed: Deployed, plan: Plan) -> Written:
    """The graph to emit for a plan of this model."""
    taken, replaced = Counter[str](), Counter[str]()
    if plan.engine != TORCH or plan.refused is not None:
        return Written(deployed.root, taken, replaced, False)
    wanted: dict[str, list[Choice | None]] = {}
    for region, planned in zip(cut(as_program(deployed).root).running, plan.regions, strict=True):
        choice = _mode(planned.mode), planned.kernel
        form = None if planned.kernel in PLAIN else _form(region, *choice)
        other = form is not None and digest(form) != region.digest
        wanted.setdefault(region.kind, []).append(choice if other else None)
        if planned.kernel not in PLAIN and not other:
            (replaced if form is None else taken)[planned.kernel] += 1
    choices: dict[int, dict[int, Choice]] = {}
    for kind, chosen in wanted.items():
        if any(chosen):
            _placed(kind, chosen, deployed.root, choices, taken, replaced)
    return Written(_rewritten(deployed.root, choices, {}), +taken, +replaced, _mostly_last(plan))


def _placed(
    kind: str,
    wanted: Sequence[Choice | None],
    root: Module,
    choices: dict[int, dict[int, Choice]],
    taken: Counter[str],
    replaced: Counter[str],
) -> None:
    """Find the regions of a kind in the modules. They run in the same order there; a module that is called several
    times gets what most of its calls are to have."""
    found = list(_regions_in_order(root, kind, {}))
    places = [(id(module), region.place) for module, region in found]
    known = dict(zip(places, found, strict=True))
    votes: dict[tuple[int, int], Counter[Choice]] = {}
    if len(found) == len(wanted):
        for place, choice in zip(places, wanted, strict=True):
            if choice is not None and _fits(*known[place], choice):
                votes.setdefault(place, Counter())[choice] += 1
    best = {place: count.most_common(1)[0][0] for place, count in votes.items()}
    for (module, place), choice in best.items():
        choices.setdefault(module, {})[place] = choice
    for number, choice in enumerate(wanted):
        if choice is not None:
            placed = len(found) == len(wanted) and best.get(places[number]) == choice
            (taken if placed else replaced)[choice[1]] += 1


def _regions_in_order(module: Module, kind: str, cuts: dict[int, Cut]) -> Iterator[tuple[Module, Region]]:
    """The regions of a kind that lie within one module each, in the order in which they run."""
    own = cuts.setdefault(id(module), cut(module))
    by_place = {region.place: region for region in own.running if region.kind == kind}
    for position, call in enumerate(module.calls):
        if isinstance(call, ModuleCall):
            yield from _regions_in_order(call.module, kind, cuts)
        elif position in by_place:
            yield module, by_place[position]


def _fits(module: Module, region: Region, choice: Choice) -> bool:
    """Whether the region can be written so: its form has no parameters, and nobody reads what it no longer makes."""
    form = _form(region, *choice)
    if form is None or any(call.label for call in form.calls):
        return False
    calls = (module.calls[position] for position in region.positions)
    made = {value for call in calls for value in range(call.first_output, call.first_output + len(call.outputs))}
    return not (made - set(region.outputs)) & set(results_by_path(module))


def _rewritten(module: Module, choices: Mapping[int, Mapping[int, Choice]], done: dict[int, Module]) -> Module:
    """The module, and those that it calls, with their regions in the forms that were chosen."""
    if id(module) not in done:
        within = with_callees(module, lambda callee: _rewritten(callee, choices, done))
        done[id(module)] = _with_forms(within, choices.get(id(module), {}))
    return done[id(module)]


def _with_forms(module: Module, choices: Mapping[int, Choice]) -> Module:
    if not choices:
        return module
    calls: dict[int, list[Call]] = {position: [call] for position, call in enumerate(module.calls)}
    replaced: dict[int, int] = {}
    fresh = fresh_value(module)
    for region in cut(module).running:
        if region.place not in choices:
            continue
        form = _form(region, *choices[region.place])
        assert form is not None
        numbers = dict(enumerate(region.inputs))
        for position in region.positions:
            calls[position] = []
        for call in form.calls:
            numbers.update((call.first_output + each, fresh + each) for each in range(len(call.outputs)))
            calls[region.place].append(_moved(call, numbers, fresh))
            fresh += len(call.outputs)
        replaced.update(zip(region.outputs, (numbers[value] for value in leaves(form.outputs)), strict=True))
    return rebuilt(module, [call for each in calls.values() for call in each], replaced)


def _moved(call: Call, numbers: Mapping[int, int], first: int) -> Call:
    inputs = tuple(mapped(structure, numbers.__getitem__) for structure in call.inputs)
    return replace(call, inputs=inputs, first_output=first)


def _form(region: Region, mode: Mode, name: str) -> Module | None:
    return kernel(name).written(Case(region, mode, (), (), Place("cpu", 1, frozenset())))


def _mode(text: str) -> Mode:
    dtype, _, layout = text.partition("/")
    return Mode(cast(Layout, layout), dtype)


def _mostly_last(plan: Plan) -> bool:
    """Whether the regions in that layout take more than half of the time."""
    last = sum(each.milliseconds for each in plan.regions if _mode(each.mode).layout == "last")
    return last > sum(each.milliseconds for each in plan.regions) / 2
