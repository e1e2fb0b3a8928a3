"""Elaborating calls of declared components: each becomes a `Module`, made once for equal settings, input types and
inner decisions, and found again by these."""

from collections.abc import Mapping
from itertools import count
from typing import cast

from archdsl.meaning.bodies import enter, run
from archdsl.meaning.conditions import ALWAYS
from archdsl.meaning.decisions import Taken
from archdsl.meaning.declared import Declared
from archdsl.meaning.labels import claim, place
from archdsl.meaning.memory import Memory
from archdsl.meaning.op_calls import check_totals, hints_of, place_of, structure_of
from archdsl.meaning.run import Frame
from archdsl.meaning.values import Component, Origin, Tensor, Value, tensors_of
from archdsl.source import Span
from archdsl.syntax import nodes
from archdsl_compiler.graph import Module, ModuleCall, Scalar, Structure, join
from archdsl_compiler.types import TensorType


def apply_module(
    frame: Frame,
    component: Component,
    inputs: tuple[Value, ...],
    span: Span,
    spans: Mapping[str, Span],
    label: str | None,
) -> Value:
    body = frame.body
    where = place(frame, label, component.name, span)
    path = join(body.path, where)
    module, shape = _module(frame, component, inputs, span, spans, where, path)
    first = body.values
    body.values += len(module.output_types)
    body.calls.append(
        ModuleCall(
            module,
            where,
            tuple(structure_of(value) for value in inputs),
            hints_of(frame, component.spans),
            first,
            module.output_types,
            body.again,
            body.wrappers,
            place_of(span),
        )
    )
    body.macs += module.macs
    body.state.append((where, module))
    if not body.again:
        body.parameters += module.params
        body.instances += module.instances
        body.nodes += module.nodes
        check_totals(frame, span)
    prefix = f"{where}." if where != "_" else ""
    decided = cast("tuple[Taken, ...]", module.decisions)
    body.decisions += [Taken(prefix + taken[0], taken[1], taken.offer) for taken in decided] if prefix else decided
    if where == "_":
        for inner in module.labels():
            claim(frame, inner, span)
    return _values(shape, module, first, span, inputs)


def _module(
    frame: Frame,
    component: Component,
    inputs: tuple[Value, ...],
    span: Span,
    spans: Mapping[str, Span],
    where: str,
    path: str,
) -> tuple[Module, Structure]:
    """The module for these settings, inputs and inner decisions: found again where it was made before."""
    session = frame.session
    key = (component, tuple(_key(value) for value in inputs))
    made = cast("Memory[Module] | None", session.remembered.get(key))
    if made is None:
        made = session.remembered[key] = Memory[Module]()
    module = made.recall(session.chooser, path)
    if module is not None:
        return module, module.outputs
    inner = enter(frame, session, frame.world, component, path, where, span, ALWAYS)
    arguments, inner.body.values = numbered(inputs)
    result = run(inner, component, arguments, span, spans)
    module = finished(inner, component, arguments, result)
    made.keep(inner.body.decisions, module)
    return module, module.outputs


def _key(value: Value) -> object:
    return (
        value.type
        if isinstance(value, Tensor)
        else tuple(_key(v) for v in value)
        if isinstance(value, tuple)
        else value
    )


def numbered(inputs: tuple[Value, ...]) -> tuple[tuple[Value, ...], int]:
    """The inputs as a module sees them, its first values, and how many values that makes."""
    numbers = count()

    def own(value: Value) -> Value:
        if isinstance(value, Tensor):
            return Tensor(value.type, value.origin, next(numbers))
        return type(value)(own(item) for item in value) if isinstance(value, tuple) else value

    return tuple(own(value) for value in inputs), next(numbers)


def types_in(values: tuple[Value, ...]) -> tuple[TensorType, ...]:
    """The types of the tensors in some values, in order."""
    return tuple(t.type for value in values for t in tensors_of(value))


def finished(frame: Frame, component: Component, inputs: tuple[Value, ...], result: Value) -> Module:
    """The module that a body has become."""
    body = frame.body
    declared = cast(Declared, component.callee)
    names = [t.name.text for t in declared.tensors]
    return Module(
        component.name,
        declared.kind.name,
        tuple((name, frame.names.get(name)) for name in declared.settings),
        tuple((name, structure_of(value)) for name, value in zip(names, inputs, strict=False)),
        types_in(inputs),
        tuple(body.calls),
        structure_of(result),
        types_in((result,)),
        {name: value for name, value in frame.names.items() if isinstance(value, int | float | str)},
        tuple(body.decisions),
        body.exposed,
        place_of(declared.node.span),
        declared.node.doc,
        body.parameters,
        body.macs,
        body.instances,
        body.nodes,
        tuple(body.names.items()),
        extern=declared.node.target.value if isinstance(declared.node, nodes.Extern) else "",
    )


def _values(shape: Structure, module: Module, first: int, span: Span, inputs: tuple[Value, ...]) -> Value:
    """The module's results as values of the caller."""
    sources = tuple(t for given in inputs for t in tensors_of(given))
    origin = Origin(span, sources)
    position = -1

    def build(structure: Structure) -> Value:
        nonlocal position
        if isinstance(structure, tuple):
            return tuple(build(inner) for inner in structure)
        if isinstance(structure, Scalar):
            return structure.value
        if structure < 0:
            return None
        position += 1
        return Tensor(module.output_types[position], origin, first + position)

    return build(shape)
