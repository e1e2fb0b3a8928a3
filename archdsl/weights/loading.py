"""Loading weights into a model: every entry is decided before the first is written, so a mismatch changes nothing."""

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Final, Literal, TypeAlias

import torch
from torch import Tensor, nn

from archdsl.weights.files import StateDict, Weights, read_weights
from archdsl.weights.pairing import COUNTER, Pairing, Shapes, by_name, by_order, similar, without_beginnings
from archdsl.weights.report import MOST_SHOWN, Absent, Adapted, Misshapen, WeightsMismatch, WeightsReport
from archdsl.weights.resizing import resized
from archdsl_compiler.classifier import classifiers
from archdsl_compiler.graph import Module, ModuleCall, instances, join
from archdsl_compiler.ops.contract import Parameter

# What every library calls so.
PARTS_OF_LAYERS: Final = frozenset({"weight", "bias", "running_mean", "running_var"})

Match: TypeAlias = Literal["name", "order"]


@dataclass(frozen=True, slots=True)
class _Rules:
    """What the graph says about entries of the state dict: their parameters, which are constants, which belong to which
    classifier; and the beginnings of all entries of Python's own modules that this build of the model lacks."""

    parameters: dict[str, Parameter]
    constants: frozenset[str]
    heads: dict[str, str]
    absent: tuple[str, ...]


@dataclass(slots=True)
class _Plan:
    """What will be written, and what was found on the way."""

    values: dict[str, Tensor] = field(default_factory=dict[str, Tensor])
    adapted: list[Adapted] = field(default_factory=list[Adapted])
    computed: set[str] = field(default_factory=set[str])
    misshapen: list[Misshapen] = field(default_factory=list[Misshapen])


def load_weights(
    model: nn.Module,
    graph: Module,
    weights: Weights | StateDict,
    *,
    match: Match = "name",
    skip: Sequence[str] = (),
    adapt: bool = False,
) -> WeightsReport:
    """Load a file or state dict into the module built from a graph, whole or in parts: what was not built is not used.
    Raises WeightsMismatch, and changes nothing, where they do not belong together."""
    given = weights if isinstance(weights, StateDict) else read_weights(weights)
    own: dict[str, Tensor] = model.state_dict()
    begun = without_beginnings(own, given.tensors)
    tensors = {name.removeprefix(begun): tensor for name, tensor in given.tensors.items()}
    here, there = ({name: tuple(tensor.shape) for name, tensor in side.items()} for side in (own, tensors))
    built: dict[str, nn.Module] = dict(model.named_modules())  # pyright: ignore[reportUnknownVariableType, reportUnknownArgumentType, reportUnknownMemberType]
    rules = _rules(graph, built)
    pairing = _paired(match, here, there, skip, rules)
    renewed = _renewed(pairing, own, tensors, rules) if adapt else set[str]()
    plan = _planned(pairing, own, tensors, rules, renewed, adapt)
    missing = [name for name in pairing.missing if name not in renewed and not _computed(name, rules)]
    if missing or pairing.unexpected or plan.misshapen:
        raise _mismatch(given, match, here, there, missing, pairing, plan, rules)
    with torch.no_grad():
        for name, value in plan.values.items():
            own[name].copy_(value)
    trained = set(own) - rules.constants
    computed = plan.computed | {name for name in pairing.missing if name not in renewed}
    return WeightsReport(
        given.source,
        match,
        tuple(name for name in own if name in plan.values),
        pairing.skipped,
        tuple(plan.adapted),
        tuple(name for name in own if name in trained and name not in plan.values and name not in computed),
        tuple(name for name in own if name in computed),
        (*given.wrappers, *((begun,) if begun else ())),
    )


def _paired(match: Match, here: Shapes, there: Shapes, skip: Sequence[str], rules: _Rules) -> Pairing:
    """By order, the module's own order is tried first, then that of the program: lists of parts are built list by list
    and run in turns."""
    unbuilt = {name: _shape(parameter) for name, parameter in rules.parameters.items() if name not in here}
    unbuilt.update((name, shape) for name, shape in there.items() if name.startswith(rules.absent))
    if match == "name":
        return by_name({**here, **unbuilt}, there, skip, unbuilt)
    program = {name: here.get(name, unbuilt.get(name, ())) for name in rules.parameters}
    orders = [program] if unbuilt else [here, program]
    found = [by_order(order, there, skip, unbuilt) for order in orders]
    fitting = (p for p in found if all(here[name] == there[source] for name, source in p.pairs.items()))
    return next(fitting, found[0])


def _shape(parameter: Parameter) -> tuple[int, ...]:
    return tuple(size for size in parameter.shape if isinstance(size, int))


def _planned(
    pairing: Pairing,
    own: dict[str, Tensor],
    tensors: dict[str, Tensor],
    rules: _Rules,
    renewed: set[str],
    adapt: bool,
) -> _Plan:
    plan = _Plan()
    for name, source in pairing.pairs.items():
        here, there = own[name], tensors[source]
        before, after = tuple(there.shape), tuple(here.shape)
        rule = rules.parameters.get(name)
        if name in renewed:
            plan.adapted.append(Adapted(name, "initialised", before, after))
        elif there.is_complex() != here.is_complex():
            plan.misshapen.append(Misshapen(name, source, before, after, f"its numbers are {there.dtype}"))
        elif _other_part(name, source):
            plan.misshapen.append(Misshapen(name, source, before, after, "that is another part of a layer"))
        elif before == after:
            plan.values[name] = there.to(here.dtype)
        elif adapt and name in rules.constants:
            plan.computed.add(name)
        elif adapt and rule is not None and rule.resize and _fits(plan, name, there, here, rule):
            plan.adapted.append(Adapted(name, "resized", before, after))
        else:
            plan.misshapen.append(Misshapen(name, source, before, after))
    return plan


def _other_part(name: str, source: str) -> bool:
    """Whether names that were matched by order contradict each other: a weight and a bias of one shape."""
    ends = {end.rpartition(".")[2] for end in (name, source)}
    return len(ends) == 2 and ends <= PARTS_OF_LAYERS


def _fits(plan: _Plan, name: str, there: Tensor, here: Tensor, rule: Parameter) -> bool:
    """Whether the rule of the parameter makes one shape of the other; then the plan has the numbers."""
    prefix = rule.prefix if isinstance(rule.prefix, int) else 0
    table = resized(there, tuple(here.shape), rule.resize, prefix)
    if table is not None:
        plan.values[name] = table.to(here.dtype)
    return table is not None


def _renewed(pairing: Pairing, own: dict[str, Tensor], tensors: dict[str, Tensor], rules: _Rules) -> set[str]:
    """The entries of the classifiers of which one does not fit: they stay at their initialisation together."""
    misfits = {name for name in pairing.missing if name in rules.heads}
    misfits |= {
        name
        for name, source in pairing.pairs.items()
        if name in rules.heads and own[name].shape != tensors[source].shape
    }
    heads = {rules.heads[name] for name in misfits}
    skipped = set(pairing.skipped)
    return {name for name, head in rules.heads.items() if head in heads and name not in skipped}


def _rules(graph: Module, built: Collection[str]) -> _Rules:
    heads = {classifier.path for classifier in classifiers(graph)}
    parameters: dict[str, Parameter] = {}
    constants: set[str] = set()
    owners: dict[str, str] = {}
    for path, constant, parameter in _entries(graph, ""):
        name = join(path, parameter.name)
        parameters[name] = parameter
        if constant:
            constants.add(name)
        if path in heads:
            owners[name] = path
    externs = (each.path for each in instances(graph) if each.module.extern)
    absent = tuple(f"{path}." for path in externs if path not in built)
    return _Rules(parameters, frozenset(constants), owners, absent)


def _entries(module: Module, path: str) -> Iterator[tuple[str, bool, Parameter]]:
    """The place of each parameter, whether it is a constant of the program, and the parameter."""
    for call in module.calls:
        if isinstance(call, ModuleCall):
            if not call.again:
                yield from _entries(call.module, join(path, call.label))
        else:
            for parameter in call.parameters:
                yield join(path, call.label), call.op.name == "buffer", parameter


def _computed(name: str, rules: _Rules) -> bool:
    """Whether the model has the entry without a file: constants, and how many batches a norm has seen."""
    return name in rules.constants or name.rpartition(".")[2] == COUNTER


def _mismatch(
    given: StateDict,
    match: Match,
    here: dict[str, tuple[int, ...]],
    there: dict[str, tuple[int, ...]],
    missing: list[str],
    pairing: Pairing,
    plan: _Plan,
    rules: _Rules,
) -> WeightsMismatch:
    lacking = {name: here[name] for name in missing}
    excess = {name: there[name] for name in pairing.unexpected}

    def told(side: dict[str, tuple[int, ...]], other: dict[str, tuple[int, ...]]) -> tuple[Absent, ...]:
        # A near name costs time, and only the first are shown.
        return tuple(
            Absent(name, shape, similar(name, shape, other) if number < MOST_SHOWN and match == "name" else "")
            for number, (name, shape) in enumerate(side.items())
        )

    return WeightsMismatch(
        given.source,
        told(lacking, excess),
        told(excess, lacking),
        tuple(plan.misshapen),
        tuple(_advice(given, match, here, there, lacking, excess, plan, rules)),
    )


def _advice(
    given: StateDict,
    match: Match,
    here: dict[str, tuple[int, ...]],
    there: dict[str, tuple[int, ...]],
    lacking: dict[str, tuple[int, ...]],
    excess: dict[str, tuple[int, ...]],
    plan: _Plan,
    rules: _Rules,
) -> Iterator[str]:
    """What may help, where it may help."""
    wrong = [misfit.name for misfit in plan.misshapen]
    tables = [name for name in wrong if name in rules.parameters and rules.parameters[name].resize]
    sequences = [[s for name, s in side.items() if not name.endswith(COUNTER)] for side in (here, there)]
    if match == "name" and lacking and sequences[0] == sequences[1] and given.ordered:
        yield '--match order (match="order") fits: the shapes agree in sequence'
        return
    if any(name in rules.heads for name in (*wrong, *lacking)) or tables:
        yield "--adapt (adapt=True) renews a classifier of other classes and resizes tables of positions"
    if match == "order" and not given.ordered:
        yield "a file of safetensors has no order of its own; match by order needs one that torch.save wrote"
    elif match == "name" and len(lacking) + len(excess) + len(wrong) < len(here):
        yield '--skip "NAME.*" (skip=[...]) leaves parts at their initialisation'
