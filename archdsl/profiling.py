"""What a model costs, module by module, without a weight being allocated: parameters, multiply-accumulates, activation
memory, shapes of results. Times are measured in `archdsl.timing`."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace

from archdsl.kept_results import keep_result, kept_result
from archdsl.meaning.genomes import Genome
from archdsl.places import Shape, calls_by_label, macs_of, parameters_of, shape_of
from archdsl.targets import Target, TargetLike, open_target
from archdsl_compiler.activations import activation_bytes, op_bytes
from archdsl_compiler.graph import Call, Module, ModuleCall, join

FORM = 1
"""Raised when profiles change, so that those of another form are not read."""


@dataclass(frozen=True, slots=True)
class ModuleProfile:
    """One module of the built model: a component, or an op with parameters. `name` is what was called there, `path` its
    place in the state dict, `depth` how many calls lead there, `calls` how often it runs. Costs are of one picture and
    of everything inside; `activations` are bytes, `outputs` the shapes of its results, `share` its part of the model's
    multiply-accumulates, `time` seconds if they were measured."""

    path: str
    name: str
    depth: int
    calls: int
    params: int
    macs: int
    activations: int
    outputs: tuple[Shape, ...]
    share: float
    time: float | None = None


@dataclass(frozen=True, slots=True)
class Profile:
    """The costs of a model for one picture. `modules` begins with the model itself, whose path is empty; a row is
    followed by those inside it. `decisions` are those of the candidate, of a space."""

    name: str
    params: int
    macs: int
    activations: int
    inputs: tuple[Shape, ...]
    outputs: tuple[Shape, ...]
    decisions: Mapping[str, object]
    modules: tuple[ModuleProfile, ...]


def profile(
    target: TargetLike,
    *,
    genome: Genome | None = None,
    pick: str | None = None,
    measure: bool = False,
    allow_extern: bool = False,
    **settings: object,
) -> Profile:
    """The costs of a target: `archdsl.profile("zoo:van_b0", classes=10).macs`. With `measure` the model is built and
    timed, too."""
    opened = open_target(target, settings=settings, genome=genome, pick=pick, allow_extern=allow_extern)
    return profile_of(opened, measure=measure)


def profile_of(target: Target, *, measure: bool = False) -> Profile:
    """The costs of an open target. Its program remembers them, and the user's cache those of published models."""
    key = "profile", target.key
    found = target.program.modules.get(key)
    if not isinstance(found, Profile):
        kept = kept_result(target, f"profile-{FORM}")
        found = kept if isinstance(kept, Profile) else _counted(target)
        if found is not kept:
            keep_result(target, f"profile-{FORM}", found)
        target.program.modules[key] = found
    return _measured(found, target) if measure else found


def _measured(found: Profile, target: Target) -> Profile:
    """The profile with the time of each module of the built model."""
    from archdsl.timing import module_times

    times = module_times(target)
    return replace(found, modules=tuple(replace(row, time=times.get(row.path)) for row in found.modules))


def _counted(target: Target) -> Profile:
    graph = target.graph()
    known: dict[Module, int] = {}
    activations = activation_bytes(graph, known)
    inputs, outputs = (tuple(map(shape_of, types)) for types in (graph.input_types, graph.output_types))
    share = 1.0 if graph.macs else 0.0
    total = ModuleProfile("", graph.name, 0, 1, graph.params, graph.macs, activations, outputs, share)
    rows = (total, *_inside(graph, "", 1, graph.macs, known))
    return Profile(target.name, graph.params, graph.macs, activations, inputs, outputs, target.decisions, rows)


def _inside(module: Module, path: str, depth: int, whole: int, known: dict[Module, int]) -> Iterator[ModuleProfile]:
    """The rows of what is inside a module at its place. A module looked at before is not counted again."""
    for label, calls in calls_by_label(module).items():
        first = calls[0]
        if not isinstance(first, ModuleCall) and not any(map(parameters_of, calls)):
            continue
        place = join(path, label)
        macs = sum(map(macs_of, calls))
        activations = sum(_activations(call, known) for call in calls)
        outputs = tuple(map(shape_of, first.outputs))
        name = first.module.name if isinstance(first, ModuleCall) else first.op.name
        share = macs / whole if whole else 0.0
        yield ModuleProfile(place, name, depth, len(calls), parameters_of(first), macs, activations, outputs, share)
        if isinstance(first, ModuleCall):
            yield from _repeated(_inside(first.module, place, depth + 1, whole, known), len(calls))


def _activations(call: Call, known: dict[Module, int]) -> int:
    return activation_bytes(call.module, known) if isinstance(call, ModuleCall) else op_bytes(call)


def _repeated(rows: Iterator[ModuleProfile], times: int) -> Iterator[ModuleProfile]:
    """Rows inside a module that runs several times."""
    for row in rows:
        yield (
            row
            if times == 1
            else replace(
                row,
                calls=times * row.calls,
                macs=times * row.macs,
                activations=times * row.activations,
                share=times * row.share,
            )
        )
