"""How an op is written in PyTorch: what a form gets and what it gives.

A form is a function of a `CallView`, named like its op, in a module of the op's family beside this one. Ops without
parameters give an expression (several results: an expression for a tuple). Ops with parameters give a `Layer`. Names of
`archdsl_compiler.emit.prelude` may be used as they are: emission copies what a model needs of it into the source."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TypeAlias

from archdsl_compiler.emit.code import Batch, Expression, Infix, Number, Raw, Row, Use
from archdsl_compiler.graph import OpCall, Scalar, Structure
from archdsl_compiler.sizes import BATCH, Symbolic
from archdsl_compiler.types import TensorType


@dataclass(frozen=True, slots=True)
class Layer:
    """An op that owns parameters. `constructor` makes the module that holds them, under the names that the op's rule
    gives them, with PyTorch's own initial values; it is called with `arguments`. `functional` writes the same with
    parameters at hand, by name, for an op whose parameters belong to its caller."""

    constructor: Expression
    arguments: tuple[Expression, ...]
    functional: Callable[[Mapping[str, Expression]], Expression]


Written: TypeAlias = Expression | Layer
Form: TypeAlias = "Callable[[CallView], Written]"


@dataclass(frozen=True, slots=True)
class CallView:
    """One call of an op, as forms see it. `types` are the types of all values of the module."""

    call: OpCall
    types: tuple[TensorType, ...]

    def input(self, name: str) -> Expression:
        """The tensor (or number, or row of these) in a slot; `None` where an optional one was left out."""
        return self._written(self._structure(name))

    def given(self, name: str) -> bool:
        """Whether an optional tensor is there."""
        return self._structure(name) != -1

    def type(self, name: str) -> TensorType:
        """The type of the one tensor in a slot."""
        structure = self._structure(name)
        assert isinstance(structure, int)
        return self.types[structure]

    def items(self, name: str) -> tuple[Expression, ...]:
        """The tensors of a slot that takes a list."""
        structure = self._structure(name)
        assert isinstance(structure, tuple)
        return tuple(self._written(item) for item in structure)

    def value(self, name: str) -> object:
        """A setting: as it turned out, as it was given, or its default."""
        for table in (self.call.resolved, self.call.settings):
            if name in table:
                return table[name]
        return next(setting.default for setting in self.call.op.settings if setting.name == name)

    def number(self, name: str) -> Expression:
        """A setting that is one number, to be lifted where it differs."""
        return self.size(self.value(name), self.call.hints.get(name, ""), name)

    def sizes(self, values: object) -> Row:
        """A tuple of numbers, each to be lifted where it differs."""
        assert isinstance(values, tuple)
        return Row(tuple(self.size(value) for value in values))  # pyright: ignore[reportUnknownVariableType, reportUnknownArgumentType]

    def size(self, value: object, hint: str = "", name: str = "") -> Expression:
        """A number; one that depends on the batch is computed when the model runs."""
        if isinstance(value, Symbolic):
            return symbolic(value)
        if value is None:
            return Raw("None")
        assert isinstance(value, int | float | str)
        return Number(value, hint, name)

    def _structure(self, name: str) -> Structure:
        slots = [slot.name for slot in self.call.op.tensors]
        position = slots.index(name)
        return self.call.inputs[position] if position < len(self.call.inputs) else -1

    def _written(self, structure: Structure) -> Expression:
        if isinstance(structure, Scalar):
            return self.size(structure.value)
        if isinstance(structure, tuple):
            return Row(tuple(self._written(item) for item in structure), "[]")
        return Raw("None") if structure < 0 else Use(structure)


def symbolic(value: Symbolic) -> Expression:
    """A size that depends on the batch, as code."""
    if value == BATCH:
        return Batch()
    if len(value.terms) == 1:
        ((monomial, factor),) = value.terms
        if len(monomial) == 1 and not monomial[0].operation and factor != 1:
            return Infix("*", Batch(), Number(int(factor)))
    raise NotImplementedError(f"the size {value}")
