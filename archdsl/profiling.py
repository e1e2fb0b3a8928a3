"""What a model costs, module by module, without a weight being allocated: parameters, multiply-accumulates, activation
memory, shapes of results. Times are measured in `archdsl.timing`.

A module called many times is looked at once; only the rows are made for each place, and only when they are asked
for."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from math import prod

from archdsl.meaning.genomes import Genome
from archdsl.targets import Target, TargetLike, open_target
from archdsl_compiler.activations import activation_bytes, op_bytes
from archdsl_compiler.graph import Call, Module, ModuleCall, OpCall, join
from archdsl_compiler.sizes import at_batch_one
from archdsl_compiler.types import TensorType

Shape = tuple[int, ...]


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
    followed by those inside it. `decisions` are those of the candidate, of a space; `times` seconds by path, if they
    were measured."""

    name: str
    graph: Module = field(repr=False)
    decisions: Mapping[str, object] = field(default_factory=dict[str, object])
    times: Mapping[str, float] = field(default_factory=dict[str, float], repr=False)
    _known: dict[Module, int] = field(default_factory=dict[Module, int], repr=False)
    _rows: list[ModuleProfile] = field(default_factory=list[ModuleProfile], repr=False)

    @property
    def params(self) -> int:
        return self.graph.params

    @property
    def macs(self) -> int:
        return self.graph.macs

    @property
    def activations(self) -> int:
        return activation_bytes(self.graph, self._known)

    @property
    def inputs(self) -> tuple[Shape, ...]:
        return tuple(map(shape_of, self.graph.input_types))

    @property
    def outputs(self) -> tuple[Shape, ...]:
        return tuple(map(shape_of, self.graph.output_types))

    def _all(self) -> Iterator[ModuleProfile]:
        yield self._row("", 0, self.graph.name, 1, self.params, self.macs, self.activations, self.outputs)
        yield from self._inside([self.graph], "", 1)

    def _inside(self, modules: list[Module], path: str, depth: int) -> Iterator[ModuleProfile]:
        for label, calls in calls_by_label(modules).items():
            place = join(path, label)
            inner = [call.module for call in calls if isinstance(call, ModuleCall)]
            ops = [call for call in calls if isinstance(call, OpCall)]
            if not inner and not any(call.parameters for call in ops):
                continue
            yield self._row(
                place,
                depth,
                (inner[0] if inner else ops[0].op).name,
                len(calls),
                max(module.params for module in inner) if inner else sum(map(parameters_of, ops)),
                sum(module.macs for module in inner) + sum(call.macs for call in ops),
                sum(activation_bytes(module, self._known) for module in inner) + sum(map(op_bytes, ops)),
                tuple(map(shape_of, calls[0].outputs)),
            )
            yield from self._inside(inner, place, depth + 1)

    def _row(
        self,
        path: str,
        depth: int,
        name: str,
        calls: int,
        params: int,
        macs: int,
        activations: int,
        outputs: tuple[Shape, ...],
    ) -> ModuleProfile:
        share = macs / self.macs if self.macs else 0.0
        return ModuleProfile(path, name, depth, calls, params, macs, activations, outputs, share, self.times.get(path))

    @property
    def modules(self) -> tuple[ModuleProfile, ...]:
        if not self._rows:
            self._rows.extend(self._all())
        return tuple(self._rows)


def profile(
    target: TargetLike,
    *,
    genome: Genome | None = None,
    pick: str | None = None,
    measure: bool = False,
    **settings: object,
) -> Profile:
    """The costs of a target: `archdsl.profile("zoo:van_b0", classes=10).macs`. With `measure` the model is built and
    timed, too."""
    opened = open_target(target, settings=settings, genome=genome, pick=pick)
    return profile_of(opened, measure=measure)


def profile_of(target: Target, *, measure: bool = False) -> Profile:
    """The costs of an open target; the program remembers them with its graph."""
    graph = target.graph()
    kept = target.program.modules
    key = "profile", id(graph), target.name
    found = kept.get(key)
    if not isinstance(found, Profile):
        found = kept[key] = Profile(target.name, graph, target.decisions)
    return _measured(found, target) if measure else found


def _measured(found: Profile, target: Target) -> Profile:
    """The profile with the time of each module of the built model."""
    from archdsl.timing import module_times

    return replace(found, times=module_times(target), _rows=[])


def shape_of(type_: TensorType) -> Shape:
    """A shape for one picture."""
    return tuple(size for axis in type_.shape if isinstance(size := at_batch_one(axis), int))


def calls_by_label(modules: list[Module]) -> dict[str, list[Call]]:
    """What sits at each place inside a module: the calls of one label are one module at work several times. A module
    that was itself called several times, with other shapes, is given as all its graphs. Parts under `_` are the
    caller's own."""
    found: dict[str, list[Call]] = {}
    for module in modules:
        for call in module.calls:
            if isinstance(call, ModuleCall) and call.label == "_":
                for label, inner in calls_by_label([call.module]).items():
                    found.setdefault(label, []).extend(inner)
            elif call.label and call.label != "_":
                found.setdefault(call.label, []).append(call)
    return found


def parameters_of(call: OpCall) -> int:
    """The parameters that an op brings."""
    return sum(
        prod(size for size in parameter.shape if isinstance(size, int))
        for parameter in call.parameters
        if parameter.trainable
    )
