"""Computes what follows from parameters alone when the model is deployed, and no more while it runs.

A bias for each pair of tokens is gathered from a table by constant places, a mask is added to it, and each picture
would see that done again. The result becomes a parameter of its own, and parameters that nothing else reads leave the
state dict. What only looks at a parameter in another shape costs nothing and stays, and so does what would be larger
than `largest` numbers."""

from collections.abc import Collection, Iterable
from dataclasses import dataclass, replace
from typing import ClassVar

from archdsl_compiler.graph import Call, Module, OpCall, join, leaves
from archdsl_compiler.ops.cast import float32
from archdsl_compiler.ops.constants import param
from archdsl_compiler.ops.contract import Inferred
from archdsl_compiler.passes.fold_constants import constant_values
from archdsl_compiler.passes.rewriting import (
    elements,
    fresh_value,
    has_state,
    is_random,
    is_static,
    own_parameters,
    rebuilt,
    results_by_path,
    rewrite_with_weights,
    uses,
    value_types,
)
from archdsl_compiler.passes.weight_map import Change, Computed, WeightMap

# What gives the same for the same parameters, whatever was seen in training.
STEADY = ("param", "buffer", "linear", "conv")
DTYPES = ("real", "float32", "int64")
# Another view of the same numbers.
VIEWS = ("rearrange", "reshape", "transpose", "expand", "split")


@dataclass(frozen=True)
class ComputeTables:
    """With `largest`, the most numbers that one result may have."""

    largest: int = 1 << 22
    name: ClassVar[str] = "compute-tables"

    def apply(self, root: Module) -> Module:
        return self.transform(root)[0]

    def transform(self, root: Module) -> tuple[Module, WeightMap]:
        return rewrite_with_weights(root, self._computed)

    def _computed(self, module: Module) -> tuple[Module, tuple[Change, ...]]:
        known = self._known(module)
        looks = _looks(module, known)
        constant = constant_values(module)
        outside = (call.inputs for call in module.calls if call.first_output not in known)
        read = {value for given in (*outside, module.outputs) for value in leaves(given)} | {*results_by_path(module)}
        tables = sorted(read & (known - looks - constant))
        if not tables:
            return module, ()
        labels = _labels(module, tables)
        after, gone = _with_tables(module, dict(zip(tables, labels, strict=True)), known)
        return after, (Computed(tuple(labels), _alone(module, known, tables), gone),)

    def _known(self, module: Module) -> frozenset[int]:
        """The values that follow from parameters and constants."""
        own = {call.first_output for call in own_parameters(module) if call.op.name in STEADY}
        known = set(constant_values(module))
        for call in module.calls:
            if (
                isinstance(call, OpCall)
                and (call.first_output in own or not has_state(call))
                and not (is_random(call) or call.wrappers or call.op.category == "cast")
                and is_static(call)
                and all(value in known for value in leaves(call.inputs))
                and all(type_.dtype in DTYPES and elements(type_.shape) <= self.largest for type_ in call.outputs)
            ):
                known.update(_values(call))
        return frozenset(known)


def _values(call: Call) -> range:
    return range(call.first_output, call.first_output + len(call.outputs))


def _looks(module: Module, known: Collection[int]) -> frozenset[int]:
    """The known values that are parameters in another shape at most, and those that are no real numbers."""
    found: set[int] = set()
    types = value_types(module)
    for call in module.calls:
        if not isinstance(call, OpCall) or call.first_output not in known:
            continue
        sources = list(leaves(call.inputs))
        cut = call.op.name == "index" and len(sources) == 1
        if call.op is param or ((cut or call.op.name in VIEWS) and all(value in found for value in sources)):
            found.update(_values(call))
        found.update(value for value in _values(call) if types[value].dtype == "int64")
    return frozenset(found)


def _labels(module: Module, tables: Iterable[int]) -> list[str]:
    """A label for each table that the module has not yet, by what the source calls the value."""
    names = dict(module.names)
    taken = {call.label.partition(".")[0] for call in module.calls}
    found: list[str] = []
    for value in tables:
        name = f"{names[value]}_table" if value in names else "table"
        label, number = name, 1
        while label in taken:
            label, number = f"{name}_{number}", number + 1
        taken.add(label)
        found.append(label)
    return found


def _with_tables(module: Module, tables: dict[int, str], known: Collection[int]) -> tuple[Module, tuple[str, ...]]:
    """The module with parameters in the place of these values, and the names in the state dict that have gone."""
    types = value_types(module)
    following = fresh_value(module)
    places = {value: call.place for call in module.calls for value in _values(call)}
    made: list[Call] = []
    replaced: dict[int, int] = {}
    for value, label in tables.items():
        shape, place = types[value].shape, places[value]
        found: Inferred = param.rule(shape=shape)
        settings, number = {"shape": shape}, following + len(made)
        kind = types[value].cast("real")
        made.append(
            OpCall(param, label, (), settings, found.resolved, {}, found.parameters, number, (kind,), 0, (), place)
        )
        if types[value] != kind:
            # A parameter follows the dtype of the model, what it stands for does not.
            made.append(OpCall(float32, "", (number,), {}, {}, {}, (), number + 1, (types[value],), 0, (), place))
        replaced[value] = made[-1].first_output
    after = rebuilt(module, [*made, *module.calls], replaced)
    # The calls have moved up by the new ones, in the order that they had.
    shifted = {value + len(made) for value in known}
    kept = list(after.calls)
    while True:
        read = uses(replace(after, calls=tuple(kept)))
        unread = [
            call
            for call in kept[len(made) :]
            if call.first_output in shifted and not any(value in read for value in _values(call))
        ]
        if not unread:
            break
        kept = [call for call in kept if not any(call is other for other in unread)]
    gone = [call for call in after.calls if isinstance(call, OpCall) and not any(call is other for other in kept)]
    names = tuple(join(call.label, parameter.name) for call in gone for parameter in call.parameters)
    return rebuilt(after, kept), names


def _alone(module: Module, known: Collection[int], tables: Collection[int]) -> Module:
    """A module that computes the tables and nothing else."""
    wanted = set(tables)
    calls: list[Call] = []
    for call in reversed(module.calls):
        if call.first_output in known and any(value in wanted for value in _values(call)):
            calls.append(call)
            wanted.update(leaves(call.inputs))
    bare = replace(module, name="tables", kind="model", settings=(), inputs=(), input_types=(), bindings={}, doc="")
    return rebuilt(replace(bare, outputs=tuple(tables), decisions=(), names=(), stages=()), calls[::-1], exposed={})
