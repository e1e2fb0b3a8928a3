"""A plan as plain PyTorch: the deployed graph with its modules, with the forms of those kernels that have one."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Final, cast

from archdsl_compiler.digest import digest
from archdsl_compiler.graph import Call, Module, leaves
from archdsl_compiler.kernels.contract import Case, Layout, Mode, Place, kernel
from archdsl_compiler.kernels.flat import as_program
from archdsl_compiler.kernels.regions.contract import Region, cut
from archdsl_compiler.passes.deploy import Deployed
from archdsl_compiler.passes.rewriting import fresh_value, mapped, rebuilt, results_by_path, rewrite_each
from archdsl_compiler.tuning.plan import Plan

PLAIN: Final = ("plain", "widened")
"""Kernels that are the graph as it is."""
TORCH: Final = "torch"


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
    rewritten: dict[str, tuple[Mode, str]] = {}
    if plan.engine != TORCH or plan.refused is not None:
        return Written(deployed.root, taken, replaced, False)
    for region, planned in zip(cut(as_program(deployed).root).running, plan.regions, strict=True):
        if planned.kernel in PLAIN:
            continue
        mode = _mode(planned.mode)
        form = _form(region, mode, planned.kernel)
        if form is None:
            replaced[planned.kernel] += 1
            continue
        taken[planned.kernel] += 1
        if digest(form) != region.digest:
            rewritten[region.digest] = mode, planned.kernel
    found: set[str] = set()
    root = rewrite_each(deployed.root, lambda module: _rewritten(module, rewritten, found)) if rewritten else None
    for planned in plan.regions:
        if planned.digest in rewritten and planned.digest not in found:
            taken[planned.kernel] -= 1
            replaced[planned.kernel] += 1
    return Written(root or deployed.root, +taken, +replaced, _mostly_last(plan))


def _rewritten(module: Module, wanted: Mapping[str, tuple[Mode, str]], found: set[str]) -> Module:
    """The module with its own regions in the forms that are wanted."""
    calls: dict[int, list[Call]] = {position: [call] for position, call in enumerate(module.calls)}
    replaced: dict[int, int] = {}
    fresh = fresh_value(module)
    held = set(results_by_path(module))
    for region in cut(module).running:
        if region.digest not in wanted:
            continue
        form = _form(region, *wanted[region.digest])
        if form is None or any(call.label for call in form.calls) or held & _inside(module, region):
            continue
        found.add(region.digest)
        numbers = dict(enumerate(region.inputs))
        for position in region.positions:
            calls[position] = []
        for call in form.calls:
            numbers.update((call.first_output + each, fresh + each) for each in range(len(call.outputs)))
            calls[region.place].append(_moved(call, numbers, fresh))
            fresh += len(call.outputs)
        replaced.update(zip(region.outputs, (numbers[value] for value in leaves(form.outputs)), strict=True))
    return rebuilt(module, [call for each in calls.values() for call in each], replaced) if replaced else module


def _moved(call: Call, numbers: Mapping[int, int], first: int) -> Call:
    inputs = tuple(mapped(structure, numbers.__getitem__) for structure in call.inputs)
    return replace(call, inputs=inputs, first_output=first)


def _inside(module: Module, region: Region) -> set[int]:
    """The values of a region that nothing outside may read."""
    calls = (module.calls[position] for position in region.positions)
    made = {value for call in calls for value in range(call.first_output, call.first_output + len(call.outputs))}
    return made - set(region.outputs)


def _form(region: Region, mode: Mode, name: str) -> Module | None:
    return kernel(name).written(Case(region, mode, (), (), Place("cpu", 1, frozenset())))


def _mode(text: str) -> Mode:
    dtype, _, layout = text.partition("/")
    return Mode(cast(Layout, layout), dtype)


def _mostly_last(plan: Plan) -> bool:
    """Whether the regions in that layout take more than half of the time."""
    last = sum(each.milliseconds for each in plan.regions if _mode(each.mode).layout == "last")
    return last > sum(each.milliseconds for each in plan.regions) / 2
