"""A graph in pieces whose times add up: modules that many candidates share, and the ops between them.

Stages and whatever else is made of blocks are taken apart; a block that holds no other is a piece. Ops that stand
between such modules, one after the other, are a piece together."""

from collections.abc import Iterator, Sequence
from dataclasses import replace

from archdsl_compiler.graph import Call, Module, ModuleCall, OpCall, leaves
from archdsl_compiler.passes.rewriting import mapped, totals, value_types

TAKEN_APART = ("stage", "block", "model")
"""What a piece does not hold."""


def pieces_of(module: Module) -> Iterator[Module]:
    """The pieces in the order in which they run, each as often as it runs."""
    together: list[OpCall] = []
    for call in module.calls:
        if isinstance(call, OpCall):
            together.append(call)
            continue
        if together:
            yield from _of_ops(module, together)
            together = []
        yield from pieces_of(call.module) if is_taken_apart(call.module) else (_standing_alone(call.module),)
    if together:
        yield from _of_ops(module, together)


def is_taken_apart(module: Module) -> bool:
    return any(isinstance(call, ModuleCall) and _holds_blocks(call.module) for call in module.calls)


def _holds_blocks(module: Module) -> bool:
    """Whether a module is a block, or has one somewhere inside."""
    inner = (call.module for call in module.calls if isinstance(call, ModuleCall))
    return module.kind in TAKEN_APART or any(map(_holds_blocks, inner))


def _of_ops(module: Module, calls: Sequence[OpCall]) -> Iterator[Module]:
    """The piece of some ops; nothing where they depend on no input and own no parameters: such are computed once."""
    if any(call.parameters for call in calls) or any(True for call in calls for _ in leaves(call.inputs)):
        piece = cut(module, calls)
        if piece.input_types and piece.output_types:
            yield _standing_alone(piece)


def _standing_alone(module: Module) -> Module:
    """A module that gives its parts to its caller keeps them."""
    if not any(call.label == "_" for call in module.calls):
        return module
    calls = (replace(call, label=f"part_{n}") if call.label == "_" else call for n, call in enumerate(module.calls))
    return replace(module, calls=tuple(calls), _digraph=[])


def cut(module: Module, calls: Sequence[Call]) -> Module:
    """Some calls of a module as a module: what they read of others are its inputs, what others read of them its
    results."""
    types = value_types(module)
    made = [value for call in calls for value in range(call.first_output, call.first_output + len(call.outputs))]
    inside = set(made)
    read = sorted({value for call in calls for value in leaves(call.inputs)} - inside)
    others = [call for call in module.calls if call not in calls]
    outside = {value for call in others for value in leaves(call.inputs)} | set(leaves(module.outputs))
    given = [value for value in made if value in outside] or made[-1:]
    numbers = {value: number for number, value in enumerate([*read, *made])}
    moved = tuple(
        replace(
            call,
            inputs=tuple(mapped(structure, numbers.__getitem__) for structure in call.inputs),
            first_output=numbers[call.first_output],
        )
        for call in calls
    )
    counts = totals(moved)
    return Module(
        name="piece",
        kind="block",
        settings=(),
        inputs=tuple((f"x{number}", number) for number in range(len(read))),
        input_types=tuple(types[value] for value in read),
        calls=moved,
        outputs=numbers[given[0]] if len(given) == 1 else tuple(numbers[value] for value in given),
        output_types=tuple(types[value] for value in given),
        bindings={},
        decisions=(),
        exposed={},
        place=module.place,
        doc="",
        params=counts["params"],
        macs=counts["macs"],
        instances=counts["instances"],
        nodes=counts["nodes"],
    )
