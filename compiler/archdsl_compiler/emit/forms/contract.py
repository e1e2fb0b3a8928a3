"""How an op is written in PyTorch: what a form gets and what it gives.

A form is a function of a `CallView`, named like its op, in a module of the op's family beside this one. Ops without
parameters give an expression (several results: an expression for a tuple). Ops with parameters, or with tables to be
made once, give a `Layer`. Names of `archdsl_compiler.emit.prelude` may be used as they are: emission copies what a
model needs of it into the source."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TypeAlias, cast

from archdsl_compiler.emit.code import (
    Apply,
    Batch,
    Default,
    Expression,
    Infix,
    Number,
    Prefix,
    Raw,
    Row,
    Use,
    call,
    method,
)
from archdsl_compiler.emit.forms.hints import hint_of_each
from archdsl_compiler.graph import OpCall, Scalar, Structure
from archdsl_compiler.sizes import Atom, Symbolic
from archdsl_compiler.types import TensorType


@dataclass(frozen=True, slots=True)
class Layer:
    """An op that owns parameters. `constructor` makes the module that holds them, under the names that the op's rule
    gives them, with PyTorch's own initial values; it is called with `arguments`. `functional` writes the same with
    parameters at hand, by name, for an op whose parameters belong to its caller. An op without parameters is a layer
    where it holds tables that are made once."""

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

    def structures(self, name: str) -> tuple[Structure, ...]:
        """What stands in a slot that takes a list: values of the module, and numbers."""
        structure = self._structure(name)
        assert isinstance(structure, tuple)
        return structure

    def items(self, name: str) -> tuple[Expression, ...]:
        """The tensors of a slot that takes a list."""
        return tuple(self._written(item) for item in self.structures(name))

    def value(self, name: str) -> object:
        """A setting: as it turned out, as it was given, or its default."""
        for table in (self.call.resolved, self.call.settings):
            if name in table:
                return table[name]
        return next(setting.default for setting in self.call.op.settings if setting.name == name)

    def as_given(self, name: str) -> object:
        """A setting as the source has it, or its default: axes may be negative, one number may stand for several."""
        if name in self.call.settings:
            return self.call.settings[name]
        return next(setting.default for setting in self.call.op.settings if setting.name == name)

    def number(self, name: str) -> Expression:
        """A setting that is one number, to be lifted where it differs."""
        return self.size(self.value(name), self.hint(name), name)

    def option(self, name: str, default: object) -> Expression:
        """A setting that is one number, for an argument that has this default."""
        return optional(self.number(name), default)

    def numbers(self, name: str) -> tuple[Expression, ...]:
        """A setting with one number for each axis."""
        listed = tuple(cast("Sequence[object]", self.value(name)))
        hints = hint_of_each(self.hint(name), len(listed), isinstance(self.as_given(name), int | Symbolic))
        return tuple(self.size(value, hint, name) for value, hint in zip(listed, hints, strict=True))

    def row(self, name: str) -> Row:
        """A setting with one number for each axis, as a tuple."""
        return Row(self.numbers(name))

    def collapsed(self, name: str, default: object = None) -> Expression:
        """A setting with one number for each axis, as one number where they agree."""
        return optional(collapse(self.numbers(name)), default)

    def axis(self, name: str) -> Raw:
        """An axis as the source has it."""
        return Raw(str(self.as_given(name)))

    def dim(self, name: str, default: int | None = None) -> dict[str, Expression]:
        """An axis as the argument `dim`, left out where the function takes it anyway."""
        return {} if self.as_given(name) == default else {"dim": self.axis(name)}

    def axes(self, name: str) -> Expression:
        """Axes as the source has them: a number, or a tuple."""
        given = self.as_given(name)
        if isinstance(given, int):
            return Raw(str(given))
        places = [str(axis) for axis in cast("Sequence[int]", given)]
        return Raw(places[0] if len(places) == 1 else f"({', '.join(places)})")

    def hint(self, name: str) -> str:
        """The text that a setting was written as, or nothing."""
        return self.call.hints.get(name, "")

    def sizes(self, values: object) -> Row:
        """A tuple of numbers, each to be lifted where it differs."""
        return Row(tuple(self.size(value) for value in cast("Sequence[object]", values)))

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


def optional(expression: Expression, default: object) -> Expression:
    """A number as a `Default` where it is the one that its argument has anyway."""
    if isinstance(expression, Number) and expression.value == default:
        return Default(expression.value, expression.hint, expression.name)
    return expression


def collapse(numbers: tuple[Expression, ...]) -> Expression:
    """One number for all axes where they agree, else a tuple."""
    first = numbers[0]
    if isinstance(first, Number) and all(isinstance(n, Number) and n.value == first.value for n in numbers):
        return first
    return Row(numbers)


def symbolic(value: Symbolic) -> Expression:
    """A size that depends on the batch, as code."""
    total: Expression | None = None
    for monomial, factor in value.terms:
        factors = [_atom(atom) for atom in monomial]
        if abs(factor) != 1 or not factors:
            factors.append(Raw(repr(abs(factor))))
        term = factors[0]
        for other in factors[1:]:
            term = Infix("*", term, other)
        if total is None:
            total = term if factor > 0 else Prefix("-", term)
        else:
            total = Infix("+" if factor > 0 else "-", total, term)
    assert total is not None
    return total


def _atom(atom: Atom) -> Expression:
    if not atom.operation:
        if not atom.free:
            raise ValueError(f"the size `{atom.name}` is open: a graph has only those that depend on the batch")
        return Batch()
    operands = [symbolic(o) if isinstance(o, Symbolic) else Raw(repr(o)) for o in atom.operands]
    first = operands[0]
    match atom.operation:
        case "//" | "/" | "%" | "**":
            return Infix(atom.operation, *operands)
        case "max" | "min" | "abs" | "int" | "round":
            return call(atom.operation, *operands)
        case "real":
            return call("float", first)
        case "floor":
            return call("int", Infix("//", first, Raw("1")))
        case "ceil":
            return Prefix("-", call("int", Infix("//", Prefix("-", first), Raw("1"))))
        case "sqrt":
            return Infix("**", first, Raw("0.5"))
        case "ilog2":
            return Infix("-", method(first, "bit_length"), Raw("1"))
        case other:
            raise ValueError(f"`{other}` of the size of a batch is no size")


def with_bias(function: str, x: Expression, held: Mapping[str, Expression], **named: Expression) -> Apply:
    """`function(x, weight, bias, ...)` of parameters at hand; the bias may be missing."""
    bias = (held["bias"],) if "bias" in held else ()
    return call(function, x, held["weight"], *bias, **named)


def operands(view: CallView) -> tuple[Expression, Expression]:
    """Both sides of an operation, one of them a tensor at least."""
    left, right = (view.input(slot.name) for slot in view.call.op.tensors)
    if all(isinstance(structure, Scalar) for structure in view.call.inputs):
        left = call("torch.tensor", left)
    return left, right
