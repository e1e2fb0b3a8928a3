"""What all passes share: rewriting each module of a graph once, and putting a module together again.

A pass changes the calls of a module in terms of the values that it found: it may leave calls out, add some whose
results have numbers of their own (`fresh_value`), move them, and say which value stands for which (`replaced`).
`rebuilt` then numbers everything anew. Modules that nothing changes stay the objects that they were, and one that is
called in several places is rewritten once, so that equal instances stay one module."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from types import MappingProxyType
from typing import Any, cast

from archdsl_compiler.graph import Call, Module, ModuleCall, OpCall, Scalar, Structure, leaves
from archdsl_compiler.ops.contract import Inferred, Op
from archdsl_compiler.passes.weight_map import Change, WeightMap
from archdsl_compiler.sizes import Symbolic, at_batch_one
from archdsl_compiler.types import TensorType

NOTHING_REPLACED: Mapping[int, int] = MappingProxyType({})


def rewrite_each(root: Module, rewrite: Callable[[Module], Module]) -> Module:
    """The graph with every module rewritten, those that a module calls before it."""
    done: dict[int, Module] = {}

    def visit(module: Module) -> Module:
        found = done.get(id(module))
        if found is None:
            found = done[id(module)] = rewrite(with_callees(module, visit))
        return found

    return visit(root)


def rewrite_with_weights(
    root: Module, rewrite: Callable[[Module], tuple[Module, tuple[Change, ...]]]
) -> tuple[Module, WeightMap]:
    """The same for a pass that changes parameters; `rewrite` also says what became of those of the module itself."""
    done: dict[int, Module] = {}
    changed: dict[Module, tuple[Change, ...]] = {}

    def visit(module: Module) -> Module:
        found = done.get(id(module))
        if found is None:
            found, changes = rewrite(with_callees(module, visit))
            done[id(module)] = found
            if changes:
                changed[module] = changes
        return found

    return visit(root), changed


def unique_modules(root: Module) -> list[Module]:
    """Every module of a graph once, those that a module calls before it."""
    found: dict[int, Module] = {}

    def visit(module: Module) -> None:
        if id(module) not in found:
            for call in module.calls:
                if isinstance(call, ModuleCall):
                    visit(call.module)
            found[id(module)] = module

    visit(root)
    return list(found.values())


def with_callees(module: Module, visit: Callable[[Module], Module]) -> Module:
    """The module with each module that it calls exchanged for what `visit` gives."""
    calls: list[Call] = []
    for call in module.calls:
        if isinstance(call, ModuleCall):
            callee = visit(call.module)
            if callee is not call.module:
                call = replace(call, module=callee, outputs=callee.output_types)
        calls.append(call)
    return rebuilt(module, calls)


def rebuilt(
    module: Module,
    calls: Sequence[Call],
    replaced: Mapping[int, int] = NOTHING_REPLACED,
    **changes: Any,
) -> Module:
    """The module with these calls, whose values are numbered in their order; where a value of `replaced` was used, the
    other one is. `changes` are fields with values in them (`exposed`, `names`, `stages`) that are new."""
    if len(calls) == len(module.calls) and not replaced and not changes:
        if all(new is old for new, old in zip(calls, module.calls, strict=True)):
            return module
    module = replace(module, **changes, _digraph=[])
    numbers = {value: value for value in range(len(module.input_types))}
    types = dict(enumerate(module.input_types))

    def standing(value: int) -> int:
        while value in replaced:
            value = replaced[value]
        return value

    def number(value: int) -> int:
        return numbers[standing(value)]

    made: list[Call] = []
    count = len(numbers)
    for call in calls:
        inputs = tuple(mapped(given, number) for given in call.inputs)
        for position, type_ in enumerate(call.outputs):
            numbers[call.first_output + position] = count + position
            types[count + position] = type_
        if inputs != call.inputs or count != call.first_output:
            call = replace(call, inputs=inputs, first_output=count)
        made.append(call)
        count += len(call.outputs)
    outputs = mapped(module.outputs, number)
    return replace(
        module,
        calls=tuple(made),
        outputs=outputs,
        output_types=tuple(types[value] for value in leaves(outputs)),
        exposed={name: number(value) for name, value in module.exposed.items()},
        names=tuple((number(value), name) for value, name in module.names if standing(value) in numbers),
        stages=tuple(number(value) for value in module.stages),
        **totals(made),
    )


def totals(calls: Iterable[Call]) -> dict[str, int]:
    """What a module with these calls counts: parameters, multiply-accumulates, modules and ops."""
    params, macs, instances, nodes = 0, 0, 1, 0
    for call in calls:
        if isinstance(call, OpCall):
            macs += call.macs
            nodes += 1
            params += sum(elements(p.shape) for p in call.parameters if p.trainable)
        else:
            macs += call.module.macs
            if not call.again:
                params += call.module.params
                instances += call.module.instances
                nodes += call.module.nodes
    return {"params": params, "macs": macs, "instances": instances, "nodes": nodes}


def elements(shape: Iterable[object]) -> int:
    count = 1
    for size in shape:
        count *= size if isinstance(size, int) else 1
    return count


def mapped(structure: Structure, number: Callable[[int], int]) -> Structure:
    """The structure with every value exchanged."""
    if isinstance(structure, int):
        return number(structure) if structure >= 0 else structure
    if isinstance(structure, tuple):
        return tuple(mapped(inner, number) for inner in structure)
    return structure


def fresh_value(module: Module) -> int:
    """The first number that no value of the module has."""
    return len(module.input_types) + sum(len(call.outputs) for call in module.calls)


def value_types(module: Module) -> list[TensorType]:
    """The type of each value of a module, by its number."""
    return [*module.input_types, *(type_ for call in module.calls for type_ in call.outputs)]


def results_by_path(module: Module) -> tuple[int, ...]:
    """The values that are read from outside without being results."""
    return (*module.exposed.values(), *module.stages)


def uses(module: Module) -> dict[int, int]:
    """How often each value is used, by calls, as a result or by being exposed."""
    counts: dict[int, int] = {}
    for structure in (*(call.inputs for call in module.calls), module.outputs, results_by_path(module)):
        for value in leaves(structure):
            counts[value] = counts.get(value, 0) + 1
    return counts


# ---- what a call is


def has_state(call: OpCall) -> bool:
    """Whether the op works with parameters or buffers of the state dict, its own or those of an earlier call."""
    return bool(call.parameters) or (bool(call.op.state) and call.op.name != "buffer")


def own_parameters(module: Module) -> list[OpCall]:
    """The calls with parameters that no other call of the module shares."""
    ops = [call for call in module.calls if isinstance(call, OpCall) and has_state(call)]
    shared = {call.label for call in ops if not call.parameters}
    return [call for call in ops if call.parameters and call.label not in shared]


def setting_of(call: OpCall, name: str) -> object:
    """A setting as it was given, or its default."""
    if name in call.settings:
        return call.settings[name]
    return next(setting.default for setting in call.op.settings if setting.name == name)


def is_random(call: OpCall) -> bool:
    return call.op.name in ("dropout", "drop_path", "add_noise")


def is_static(call: OpCall) -> bool:
    """Whether the call says the same for every batch size."""
    return not any(
        is_open(part)
        for part in (*(t.shape for t in call.outputs), call.inputs, *call.settings.values(), *call.resolved.values())
    )


def is_open(value: object) -> bool:
    """Whether a size in it follows from the batch."""
    if isinstance(value, tuple | list):
        return any(is_open(inner) for inner in cast("Iterable[object]", value))
    if isinstance(value, Scalar):
        return isinstance(value.value, Symbolic)
    return isinstance(value, Symbolic)


def argument_types(inputs: tuple[Structure, ...], types: Callable[[int], TensorType]) -> tuple[object, ...]:
    """The inputs of an op as its rule takes them."""

    def argument(structure: Structure) -> object:
        if isinstance(structure, int):
            return types(structure) if structure >= 0 else None
        if isinstance(structure, Scalar):
            return structure.value
        return tuple(argument(inner) for inner in structure)

    return tuple(argument(structure) for structure in inputs)


def op_call_like(call: OpCall, op: Op, settings: Mapping[str, object], types: Sequence[TensorType]) -> OpCall:
    """A call of an op in the place of another: on inputs of these types, with the settings; label, wrappers and place
    are kept, and all that follows from the rule is made anew."""
    found: Inferred = op.rule(*types, **settings)
    macs = at_batch_one(found.macs)
    return replace(
        call,
        op=op,
        settings=settings,
        resolved=found.resolved,
        hints={name: text for name, text in call.hints.items() if settings.get(name) == call.settings.get(name)},
        parameters=found.parameters,
        outputs=result_types(found),
        macs=macs if isinstance(macs, int) else 0,
    )


def result_types(found: Inferred) -> tuple[TensorType, ...]:
    return (found.result,) if isinstance(found.result, TensorType) else tuple(found.result)
