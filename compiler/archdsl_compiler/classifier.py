"""Which layers give a model's classes: those from which its result follows by arithmetic, means and rearranging alone,
as the average of two heads does. They are what `reset_classifier` renews and what weights for other classes leave."""

from dataclasses import dataclass, field
from typing import Final

from archdsl_compiler.graph import Module, ModuleCall, OpCall, join, leaves
from archdsl_compiler.sizes import Size

LAYERS: Final = frozenset({"linear", "conv"})
# What may stand between a classifier and the result. Activations that features end in are not here, nor norms.
TRANSPARENT: Final = frozenset(
    """
    add subtract multiply divide negate add_all mean_all minimum_all maximum_all minimum maximum clip
    sum mean max min logsumexp softmax log_softmax sigmoid log_sigmoid
    rearrange reshape concat stack index transpose split float32 float16 bfloat16 dropout
    """.split()
)
SOURCES: Final = frozenset({"param", "buffer", "zeros", "ones", "arange"})


@dataclass(frozen=True, slots=True)
class Classifier:
    """One such layer: its place in the state dict, and what it takes and gives along the axis of channels."""

    path: str
    features: int
    classes: int


@dataclass(slots=True)
class _Walk:
    """What one walk backwards knows of a module: `ending` are values of which nothing but the result is made, `other`
    those of which more is. `pure` is lost when the result is made of anything but classifiers."""

    ending: set[int]
    other: set[int]
    pure: bool = True
    found: list[tuple[str, OpCall]] = field(default_factory=list[tuple[str, OpCall]])


def classifiers(model: Module) -> tuple[Classifier, ...]:
    """Result by result, in the order of the program; nothing for a model that gives features."""
    found: dict[Classifier, None] = {}
    for output, kind in zip(leaves(model.outputs), model.output_types, strict=True):
        walk = _Walk({output}, set())
        _go_back(model, "", walk)
        # A layer that was placed is called several times; its first call has the parameters.
        owners = {path: call.parameters[0].shape for path, call in reversed(walk.found) if call.parameters}
        known = {path: _sizes(shape) for path, shape in owners.items()}
        inputs = walk.ending & set(range(len(model.input_types)))
        fitting = all(path in known and known[path][1] in kind.shape for path, _ in walk.found)
        if walk.pure and fitting and not inputs:
            found.update((Classifier(path, *sizes), None) for path, sizes in known.items())
    return tuple(found)


def _sizes(weight: tuple[Size, ...]) -> tuple[int, int]:
    out, taken = weight[:2]
    return (taken, out) if isinstance(taken, int) and isinstance(out, int) else (-1, -1)


def _go_back(module: Module, path: str, walk: _Walk) -> None:
    """From the results of a module towards its inputs: who uses a value has been seen before the value."""
    for call in reversed(module.calls):
        made = set(range(call.first_output, call.first_output + len(call.outputs)))
        used = set(leaves(call.inputs))
        if not made & walk.ending:
            walk.other |= used
            continue
        if isinstance(call, ModuleCall):
            _go_into(call, join(path, call.label), walk)
        elif made & walk.other:
            walk.pure = False
            return
        elif call.op.name in TRANSPARENT:
            walk.ending |= used
        elif call.op.name in LAYERS:
            walk.found.append((join(path, call.label), call))
            walk.other |= used
        elif call.op.name not in SOURCES:
            walk.pure = False
        if not walk.pure:
            return


def _go_into(call: ModuleCall, path: str, walk: _Walk) -> None:
    module = call.module
    results = list(
        zip(leaves(module.outputs), range(call.first_output, call.first_output + len(call.outputs)), strict=True)
    )
    inside = _Walk(
        {own for own, outer in results if outer in walk.ending},
        {own for own, outer in results if outer in walk.other},
    )
    _go_back(module, path, inside)
    walk.pure = inside.pure
    walk.found += inside.found
    taken = leaves(tuple(structure for _, structure in module.inputs))
    for own, outer in zip(taken, leaves(call.inputs), strict=True):
        if own in inside.ending:
            walk.ending.add(outer)
        if own in inside.other:
            walk.other.add(outer)
