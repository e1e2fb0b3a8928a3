"""Folds factors into the products beside them: layer scales, the factor of attention's scores, weights of a norm.

A factor is a number, or a learned one for each channel. Where nothing else reads what is multiplied, it goes into the
rows of the product before, through everything that only moves numbers: into the query rows of a weight that makes
queries, keys and values at once, for example. A number on a matrix product goes on to either side of that. What is
left goes into the columns of the products behind, if nothing else reads it. Always exact; what is made is for
inference only, as a layer scale would be trained otherwise."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import ClassVar, cast

from archdsl_compiler.graph import Call, Module, OpCall, Scalar
from archdsl_compiler.passes.channels import Spread, channels_of, ends, moved, of_parameter, placed_alike, source_of
from archdsl_compiler.passes.rewriting import (
    elements,
    is_open,
    own_parameters,
    rebuilt,
    rewrite_with_weights,
    setting_of,
    uses,
    value_types,
)
from archdsl_compiler.passes.weight_map import Change, Scaled, Strided, WeightMap
from archdsl_compiler.types import TensorType

PRODUCTS = ("conv", "linear")


@dataclass(frozen=True)
class FoldScales:
    """Has no options."""

    name: ClassVar[str] = "fold-scales"

    def apply(self, root: Module) -> Module:
        return self.transform(root)[0]

    def transform(self, root: Module) -> tuple[Module, WeightMap]:
        return rewrite_with_weights(root, folded)


def folded(module: Module) -> tuple[Module, tuple[Change, ...]]:
    """One module, and what became of its parameters."""
    changes: list[Change] = []
    while (found := _some(module)) is not None:
        module, more = found
        changes += more
    return module, tuple(changes)


@dataclass(frozen=True, slots=True)
class Factor:
    """What `call` multiplies `value` by: a number, or a parameter as it lies beside the value."""

    call: OpCall
    value: int
    number: float = 1.0
    parameter: OpCall | None = None
    spread: Spread | None = None


def _some(module: Module) -> tuple[Module, list[Change]] | None:
    """The module without the factors that can be folded as it stands; of those with one parameter the first."""
    view = _View(module)
    if not view.products:
        return None
    taken: list[Factor] = []
    changes: list[Change] = []
    parameters: set[str] = set()
    for factor in factors(module):
        label = factor.parameter.label if factor.parameter is not None else None
        found = [] if label in parameters else view.before(factor) or view.behind(factor)
        if found:
            taken.append(factor)
            changes += found
            parameters.update([label] if label is not None else [])
    return (without(module, taken), changes) if taken else None


def factors(module: Module) -> Iterator[Factor]:
    """The calls of a module that do no more than multiply channels by what is known after training."""
    own = {call.first_output: call for call in own_parameters(module) if call.op.name == "param"}
    made = {value: call for call in module.calls for value in range(call.first_output, _after(call))}
    types = value_types(module)
    for call in module.calls:
        if not isinstance(call, OpCall) or call.wrappers or call.op.name not in ("multiply", "divide"):
            continue
        left, right = call.inputs
        if isinstance(left, Scalar) and call.op.name == "multiply":
            left, right = right, left
        if not isinstance(left, int):
            continue
        if isinstance(right, Scalar):
            if not is_open(right) and right.value != 0 and types[left] == call.outputs[0]:
                number = float(right.value)
                yield Factor(call, left, number if call.op.name == "multiply" else 1 / number)
        elif isinstance(right, int) and call.op.name == "multiply":
            for value, other in ((left, right), (right, left)):
                found = learned(other, made, own, types)
                if found is not None and types[value] == call.outputs[0] and learned(value, made, own, types) is None:
                    yield Factor(call, value, 1.0, *found)


def _after(call: Call) -> int:
    return call.first_output + len(call.outputs)


def learned(
    value: int, made: Mapping[int, Call], own: Mapping[int, OpCall], types: Sequence[TensorType]
) -> tuple[OpCall, Spread] | None:
    """The parameter that a value is, with its places moved about at most."""
    if value in own:
        call = own[value]
        shape = call.outputs[0].shape
        real = call.outputs[0].dtype == "real" and not call.wrappers
        return (call, of_parameter(cast("tuple[int, ...]", shape))) if real else None
    call = made.get(value)
    source = None if call is None else source_of(call)
    if call is None or source is None or call.outputs[0].dtype != "real" or len(call.outputs) != 1:
        return None
    if elements(call.outputs[0].shape) != elements(types[source].shape):
        return None
    found = learned(source, made, own, types)
    after = None if found is None else moved(call, found[1], types[source])
    return None if found is None or after is None else (found[0], after[value])


class _View:
    """What has to be known of a module for finding the products of a factor."""

    def __init__(self, module: Module) -> None:
        self.module = module
        self.products = {
            call.first_output: call
            for call in own_parameters(module)
            if call.op.name in PRODUCTS and not call.wrappers and _static(call)
        }
        self.made = {value: call for call in module.calls for value in range(call.first_output, _after(call))}
        self.counts = uses(module)

    def before(self, factor: Factor) -> list[Change]:
        """The factor in the rows of a product before it."""
        return self._at(factor.value, factor.call, factor)

    def _at(self, value: int, reader: Call, factor: Factor) -> list[Change]:
        found = self._rows(value, reader, factor)
        if found:
            return found
        while (source := source_of(self.made[value]) if value in self.made else None) is not None:
            if self.counts[value] != 1:
                return []
            value = source
        maker = self.made.get(value)
        if factor.parameter is None and isinstance(maker, OpCall) and maker.op.name == "matmul" and not maker.wrappers:
            if self.counts[value] == 1:
                sides = (side for side in maker.inputs if isinstance(side, int))
                for side in sides:
                    if found := self._rows(side, maker, factor):
                        return found
        return []

    def _rows(self, value: int, reader: Call, factor: Factor) -> list[Change]:
        """The rows that make `value`, if all that they make goes to `reader` alone, as this value."""
        source = value
        while source not in self.products:
            above = self.made.get(source)
            below = None if above is None else source_of(above)
            if below is None:
                return []
            source = below
        product = self.products[source]
        found = ends(self.module, source, channels_of(product))
        here = [end for end in found if end.value == value and end.reader is reader]
        if len(here) != 1:
            return []
        rows = here[0].spread.strided()
        paired = (rows, Strided()) if factor.spread is None else placed_alike(here[0].spread, factor.spread)
        if paired is None:
            return []
        taken = set(paired[0].numbers())
        others = (end.spread.strided().numbers() for end in found if end is not here[0])
        if len(taken) != len(paired[0].numbers()) or any(not taken.isdisjoint(other) for other in others):
            return []
        return [self._change("behind", product, factor, *paired)]

    def behind(self, factor: Factor) -> list[Change]:
        """The factor in the columns of all products that read what is multiplied."""
        rank = len(factor.call.outputs[0].shape)
        axes = factor.spread.axes if factor.spread is not None else ()
        spread = Spread(factor.spread.offset if factor.spread else 0, ((),) * (rank - len(axes)) + axes)
        changes: list[Change] = []
        for end in ends(self.module, factor.call.first_output, spread):
            product = self.products.get(end.reader.first_output) if end.reader is not None else None
            if product is None or product.inputs[0] != end.value:
                return []
            place = len(end.spread.axes) - 1 if product.op.name == "linear" else 1
            entries = Strided(end.spread.offset, end.spread.axes[place])
            columns = cast(int, value_types(self.module)[end.value].shape[place])
            if any(steps for axis, steps in enumerate(end.spread.axes) if axis != place):
                return []
            if len(entries.numbers()) not in (1, columns):
                return []
            if not entries.steps:
                entries = Strided(entries.offset, ((columns, 0),))
            changes.append(self._change("before", product, factor, Strided(0, ((columns, 1),)), entries))
        return [*(replace(change, kept=True) for change in changes[:-1]), *changes[-1:]]

    def _change(self, side: str, product: OpCall, factor: Factor, channels: Strided, entries: Strided) -> Scaled:
        parameter = factor.parameter
        return Scaled(
            "before" if side == "before" else "behind",
            product.op.name,
            product.label,
            cast(int, setting_of(product, "groups")) if product.op.name == "conv" else 1,
            any(each.name == "bias" for each in product.parameters),
            factor.number if parameter is None else parameter.label,
            channels,
            Strided() if parameter is None else entries,
            parameter is not None and read_elsewhere(self.module, parameter, factor.call),
        )


def read_elsewhere(module: Module, parameter: OpCall, reader: OpCall) -> bool:
    """Whether something else than this call reads a parameter."""
    spread = of_parameter(cast("tuple[int, ...]", parameter.outputs[0].shape))
    return any(end.reader is not reader for end in ends(module, parameter.first_output, spread))


def _static(call: OpCall) -> bool:
    return all(isinstance(size, int) for parameter in call.parameters for size in parameter.shape)


def without(module: Module, folded: Sequence[Factor]) -> Module:
    """The module without these calls, and without what only led to their parameters."""
    replaced = {factor.call.first_output: factor.value for factor in folded}
    module = rebuilt(module, [call for call in module.calls if call.first_output not in replaced], replaced)
    labels = {factor.parameter.label for factor in folded if factor.parameter is not None}
    while labels:
        read = uses(module)
        gone = {
            call.first_output
            for call in module.calls
            if isinstance(call, OpCall)
            and not any(value in read for value in range(call.first_output, _after(call)))
            and (not call.parameters or (call.op.name == "param" and call.label in labels))
        }
        if not gone:
            break
        module = rebuilt(module, [call for call in module.calls if call.first_output not in gone])
    return module
