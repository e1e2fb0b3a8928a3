"""What an op is: one declaration that the checker, the profiler, the emission, the hover texts and the reference page
read.

An op is written as a Python function, its rule, under the decorator `op`. The rule's parameters before the `*` are
the tensors, those behind it the settings in the order in which positions fill them, with their defaults; its
docstring is the documentation. The rule gets types and settings and says what comes out: shapes, parameters,
multiply-accumulates. Sizes may be unknown (see `sizes`), so a rule computes with them but compares them only by
`sizes.same`, `sizes.divides` and `sizes.compare`. It says what is wrong by raising `OpFault`, and raises
`Undetermined` where a setting that decides about axes or the length of a list is not known yet.
"""

import inspect
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, Literal, TypeAlias, get_args, get_origin

from archdsl_compiler.sizes import Size, Symbolic
from archdsl_compiler.types import TensorType

FaultKind = Literal["rank", "broadcast", "divisibility", "size", "axis", "pattern", "dtype", "mismatch", "value"]
Category = Literal["op", "number", "init", "cast"]
"""`number` ops exist for plain numbers too, under the same name; an `init` op gives an `InitialValue`; a `cast` is
also a wrapper."""


class Required:
    """The default of a setting that has none."""


REQUIRED = Required()


@dataclass(frozen=True, slots=True)
class InitialValue:
    """What `trunc_normal(0.02)` gives: a rule for filling a parameter. Of `values`, the amount is the values; of a rule
    that takes nothing it is empty."""

    rule: str
    amount: "Real | Numbers" = 0.0

    def __str__(self) -> str:
        return f"{self.rule}({self.amount if self.amount != () else ''})"


# Setting types that rules are annotated with; the language's name of each stands in SETTING_TYPES.
Sizes: TypeAlias = Size | Sequence[Size]
"""One number for all axes, or one for each."""
Axes: TypeAlias = int | Sequence[int]
"""One axis or several, negative ones counted from the end."""
Real: TypeAlias = int | float | Symbolic
"""A number; one that is computed from open sizes is not known yet."""
Numbers: TypeAlias = "tuple[float | Symbolic | Numbers, ...]"
"""Numbers in lists, as deep as a parameter has axes."""
Init: TypeAlias = Real | InitialValue | None
"""How a parameter begins: a number, one of the initial-value ops, or nothing for PyTorch's own rule."""
Shape: TypeAlias = tuple[Size, ...]
"""A list of sizes, one for each axis."""
Padding: TypeAlias = Size | Sequence[Size] | str
"""`Sizes`, or the word "same"."""
DType: TypeAlias = Literal["float32", "float16", "bfloat16", "int64", "bool"]
Places: TypeAlias = tuple[int | Symbolic | str | tuple[object, ...], ...]
"""What stands in the brackets of an index, as `index` describes it."""
Operand: TypeAlias = TensorType | int | float | Symbolic
"""Where a tensor stands or a number, as in `x + 1`."""


@dataclass(frozen=True, slots=True)
class Parameter:
    """A tensor in the state dict. `init` None is PyTorch's own rule for the op; `trainable` is false of running
    statistics. `resize` names the axes of one that is laid over a map, whose places are `h` and `w`: "1 (h w) c"; its
    first `prefix` rows belong to no place."""

    name: str
    shape: tuple[Size, ...]
    init: Init = None
    trainable: bool = True
    dtype: str = "float32"
    resize: str = ""
    prefix: Size = 0


@dataclass(frozen=True, slots=True)
class Inferred:
    """What a rule says. `result` is one type, a list of them or a tuple of them (several results); `macs` counts the
    multiply-accumulates of convolutions and matrix products alone, at any batch; `resolved` holds settings as they
    turned out, such as the padding that followed from the kernel."""

    result: "TensorType | list[TensorType] | tuple[TensorType, ...]"
    parameters: tuple[Parameter, ...] = ()
    macs: Size = 0
    resolved: Mapping[str, object] = field(default_factory=dict[str, object])


class OpFault(Exception):
    """The arguments do not fit. `arguments` are the names of the tensors and settings at fault, the first one first;
    `label` is a short instruction for the first of them, `notes` say what the other side is. Where a word is none of
    `options`, it is `given`."""

    def __init__(
        self,
        kind: FaultKind,
        message: str,
        *arguments: str,
        label: str = "",
        notes: tuple[str, ...] = (),
        given: str = "",
        options: Sequence[str] = (),
    ) -> None:
        super().__init__(message)
        self.kind: FaultKind = kind
        self.message = message
        self.arguments = arguments
        self.label = label
        self.notes = notes
        self.given = given
        self.options = options


class Undetermined(Exception):
    """Nothing can be said yet: the setting `argument` is computed from open sizes, and the form of the result depends
    on it."""

    def __init__(self, argument: str) -> None:
        super().__init__(f"`{argument}` depends on a size that is not known")
        self.argument = argument


@dataclass(frozen=True, slots=True)
class TensorSlot:
    """`many` takes a list of tensors (or several in a row), `optional` may be left out or none, `number` takes
    numbers too."""

    name: str
    many: bool = False
    optional: bool = False
    number: bool = False


@dataclass(frozen=True, slots=True)
class OpSetting:
    """`type` is written as in the language: int, real, bool, str, any, dtype, sizes, axes, init, shape, padding; `?`
    for none."""

    name: str
    type: str
    default: object = REQUIRED


Rule: TypeAlias = Callable[..., Any]
"""Gives `Inferred`; in the category `init` an `InitialValue`."""


@dataclass(frozen=True)
class Op:
    """One op. `shapes` is its row in the reference: what it takes and gives, in the notation of the language; `cost`
    is its number of multiply-accumulates and `state` what it adds to the state dict, both in words."""

    name: str
    rule: Rule
    shapes: str
    category: Category = "op"
    open_settings: bool = False
    cost: str = ""
    state: str = ""

    def __reduce__(self) -> tuple[Callable[[str], "Op"], tuple[str]]:
        """An op travels by its name."""
        return _declared, (self.name,)

    @cached_property
    def documentation(self) -> str:
        return inspect.getdoc(self.rule) or ""

    @cached_property
    def _parameters(self) -> tuple[inspect.Parameter, ...]:
        return tuple(inspect.signature(self.rule).parameters.values())

    @cached_property
    def tensors(self) -> tuple[TensorSlot, ...]:
        return tuple(_slot(p) for p in self._parameters if p.kind in (p.POSITIONAL_ONLY, p.POSITIONAL_OR_KEYWORD))

    @cached_property
    def settings(self) -> tuple[OpSetting, ...]:
        """`open_settings` ops (a pattern's sizes) take further ones by any name."""
        found = (p for p in self._parameters if p.kind is inspect.Parameter.KEYWORD_ONLY)
        return tuple(
            OpSetting(p.name, SETTING_TYPES[p.annotation], REQUIRED if p.default is p.empty else p.default)
            for p in found
        )


def _declared(name: str) -> Op:
    from archdsl_compiler.ops.registry import ops

    return ops()[name]


def _slot(parameter: inspect.Parameter) -> TensorSlot:
    many = get_origin(parameter.annotation) is list
    kinds: tuple[object, ...] = get_args(parameter.annotation)
    if many:
        kinds = get_args(kinds[0])
    return TensorSlot(parameter.name, many, type(None) in kinds, int in kinds)


# The annotations that a rule's settings may have, as types of the language.
SETTING_TYPES: dict[object, str] = {
    int: "int",
    Size: "int",
    Real: "real",
    bool: "bool",
    str: "str",
    Sizes: "sizes",
    Axes: "axes",
    Sizes | None: "sizes?",
    Axes | None: "axes?",
    Size | None: "int?",
    Real | None: "real?",
    Init: "init",
    Shape: "shape",
    Padding: "padding",
    Padding | None: "padding?",
    DType: "dtype",
    Places: "any",
    object: "any",
}


def op(
    shapes: str,
    *,
    name: str = "",
    category: Category = "op",
    open_settings: bool = False,
    cost: str = "",
    state: str = "",
) -> Callable[[Rule], Op]:
    """Declare an op; its name is the rule's unless given."""

    def declare(rule: Rule) -> Op:
        return Op(name or rule.__name__.rstrip("_"), rule, shapes, category, open_settings, cost, state)

    return declare
