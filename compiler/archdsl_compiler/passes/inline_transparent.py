"""Takes modules away that own no place in the state dict: their calls are written into the module that called them.

That are the modules that were called `as _`, and those that consist of one op labelled `_` (a depthwise convolution
under the label `dwconv`, say), which is then the op itself under the label. With `single`, modules of one op with
parameters go as well, under a label of two parts. Names in the state dict stay what they were; of a stage it stays
known which value is its result."""

import re
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import ClassVar

from archdsl_compiler.graph import Call, Module, ModuleCall, OpCall, join, leaves
from archdsl_compiler.ops.checks import FLOATS
from archdsl_compiler.passes.rewriting import fresh_value, mapped, rebuilt, rewrite_each, value_types
from archdsl_compiler.types import TensorType

_NAME = re.compile(r"[A-Za-z_]\w*")


@dataclass(frozen=True)
class InlineTransparent:
    """With `single`, modules of a single op are taken away whatever its label is."""

    single: bool = False
    name: ClassVar[str] = "inline-transparent"

    def apply(self, root: Module) -> Module:
        return rewrite_each(root, self._inlined)

    def _inlined(self, module: Module) -> Module:
        again = placed_labels(module)
        exposed: set[str] = set(module.exposed)

        def goes(call: ModuleCall) -> bool:
            found = self._goes(call, again, exposed)
            if found:
                exposed.update(call.module.exposed)
            return found

        return written_in(module, goes)

    def _goes(self, call: ModuleCall, again: Collection[str], exposed: Collection[str]) -> bool:
        callee = call.module
        if "in_training" in call.wrappers:
            return False
        if call.label == "_":
            return "_" not in again and not any(name in exposed for name in callee.exposed)
        if callee.kind == "stage" or callee.stages:
            return False
        if len(callee.calls) != 1 or callee.exposed or not isinstance(only := callee.calls[0], OpCall):
            return False
        alone = callee.outputs == only.first_output
        return alone and (only.label == "_" or (self.single and bool(only.label) and call.label not in again))


def placed_labels(module: Module) -> frozenset[str]:
    """The labels of modules that are called more than once."""
    return frozenset(call.label for call in module.calls if isinstance(call, ModuleCall) and call.again)


def written_in(module: Module, goes: Callable[[ModuleCall], bool]) -> Module:
    """The module with the calls of those modules that go written into it."""
    calls: list[Call] = []
    replaced: dict[int, int] = {}
    exposed, names, stages = dict(module.exposed), list(module.names), list(module.stages)
    following, inlined = fresh_value(module), False
    for call in module.calls:
        if not isinstance(call, ModuleCall) or not goes(call):
            calls.append(call)
            continue
        callee, inlined = call.module, True
        numbers, types = dict(enumerate(leaves(call.inputs))), value_types(callee)
        for inner in callee.calls:
            numbers.update((inner.first_output + k, following + k) for k in range(len(inner.outputs)))
            calls.append(_moved(inner, call, module, numbers, types, following))
            following += len(inner.outputs)
        results = (numbers[value] for value in leaves(callee.outputs))
        replaced.update((call.first_output + k, value) for k, value in enumerate(results))
        exposed.update((name, numbers[value]) for name, value in callee.exposed.items())
        taken = {name for _, name in names}
        own = ((value, name) for value, name in callee.names if value >= len(callee.input_types))
        names += [(numbers[value], name) for value, name in own if name not in taken]
        stages += [numbers[value] for value in callee.stages]
        if callee.kind == "stage":
            stages.append(call.first_output)
    if not inlined:
        return module
    return rebuilt(module, calls, replaced, exposed=exposed, names=tuple(names), stages=tuple(stages))


def _moved(
    inner: Call,
    call: ModuleCall,
    caller: Module,
    numbers: Mapping[int, int],
    types: Sequence[TensorType],
    first: int,
) -> Call:
    """A call of the callee as one of the caller, in the dtype that the callee ran in; whole numbers stay whole."""
    bindings = call.module.bindings
    real = all(type_.dtype in FLOATS for type_ in (*inner.outputs, *(types[value] for value in leaves(inner.inputs))))
    moved = replace(
        inner,
        inputs=tuple(mapped(given, numbers.__getitem__) for given in inner.inputs),
        hints={name: text for name, text in inner.hints.items() if _means_the_same(text, bindings, caller.bindings)},
        first_output=first,
        wrappers=(*call.wrappers, *inner.wrappers) if real else inner.wrappers,
    )
    if isinstance(moved, ModuleCall):
        return moved if call.label == "_" else replace(moved, label=join(call.label, moved.label))
    if call.again:
        moved = replace(moved, parameters=())
    return moved if call.label == "_" or not moved.label else replace(moved, label=join(call.label, moved.label))


def _means_the_same(text: str, here: Mapping[str, object], there: Mapping[str, object]) -> bool:
    """Whether the names in a text stand for the same numbers in both modules."""
    return all(name not in here or there.get(name) == here[name] for name in _NAME.findall(text))
