"""The calls of one module as steps in Python: what each makes when the model is built, and what it computes when the
model runs.

Steps speak of values by their numbers in the graph and of parts by their labels; names and text come later. A list of
tensors that is unpacked at once (`let q, k, v = ...`) is one step with several results."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from archdsl_compiler.emit.code import (
    Apply,
    Choice,
    Expression,
    Index,
    Number,
    Part,
    Raw,
    Row,
    Use,
    call,
    method,
    replace,
    values_in,
    walk,
)
from archdsl_compiler.emit.forms.contract import CallView, Layer
from archdsl_compiler.emit.forms.registry import form_of
from archdsl_compiler.emit.initial import initialised_layer, initialised_parameter
from archdsl_compiler.graph import Module, ModuleCall, OpCall, Scalar, Structure, Wrapper, leaves
from archdsl_compiler.passes.fold_constants import constant_values
from archdsl_compiler.passes.rewriting import value_types
from archdsl_compiler.types import TensorType


@dataclass(frozen=True, slots=True)
class Made:
    """A part of a module under its label: a layer or module (`layer`), a parameter, or a saved buffer, and the
    expression that makes it."""

    label: str
    sort: str
    constructor: Expression


@dataclass(frozen=True, slots=True)
class Step:
    """`targets` are the results, nested as they are unpacked; `code` gives them. A `constant` step depends on no input
    and no parameter, and is computed when the model is built. `made` are the parts that it brings."""

    targets: Structure
    code: Expression
    constant: bool = False
    made: tuple[Made, ...] = ()
    types: tuple[TensorType, ...] = ()

    @property
    def outputs(self) -> tuple[int, ...]:
        return tuple(leaves(self.targets))

    @property
    def uses(self) -> tuple[int, ...]:
        return values_in(self.code)


@dataclass(frozen=True, slots=True)
class ClassUse:
    """The class that serves a module, and the arguments that make this module of it, the first of them by place unless
    all are `named`."""

    name: str
    arguments: tuple[tuple[str, Expression], ...]
    named: bool = False


def steps_of(module: Module, classes: Mapping[int, ClassUse]) -> list[Step]:
    """A module's steps in the order in which they run. `classes` has the class of every module that it calls, by
    identity."""
    types = tuple(value_types(module))
    steps: list[Step] = []
    constant = constant_values(module)
    returned = set(leaves(module.outputs))
    constants: set[int] = set()
    taken = {label.partition(".")[0] for label in module.labels()} | set(module.exposed)
    for each in module.calls:
        made = _step(each, types, classes, taken)
        if made is None:
            continue
        own = (
            each.first_output in constant
            and not returned.intersection(made.outputs)
            and not any(isinstance(part, Part) for part in walk(made.code))
            and all(value in constants for value in made.uses)
        )
        if own:
            constants.update(made.outputs)
            made = Step(made.targets, made.code, True, made.made, made.types)
        steps.append(made)
    return _unpacked(steps, module)


def _step(
    each: OpCall | ModuleCall, types: tuple[TensorType, ...], classes: Mapping[int, ClassUse], taken: set[str]
) -> Step | None:
    outputs = tuple(range(each.first_output, each.first_output + len(each.outputs)))
    if isinstance(each, ModuleCall):
        use = classes[id(each.module)]
        maker = _construction(use, each)
        made = () if each.again else (Made(each.label, "layer", maker),)
        code: Expression = _wrapped(Apply(Part(each.label), arguments_of(each.inputs)), each.wrappers, each.inputs)
        return Step(_renumbered(each.module.outputs, iter(outputs)), code, False, made, each.outputs)
    if each.op.name == "param":
        entry = each.parameters[0] if each.parameters else None
        made = (Made(each.label, "parameter", initialised_parameter(each, entry)),) if entry else ()
        return Step(outputs[0], Part(each.label), False, made, each.outputs)
    if each.op.name == "buffer":
        value = CallView(each, types).input("value")
        if not each.parameters:
            return Step(outputs[0], value, False, (), each.outputs)
        return Step(outputs[0], Part(each.label), False, (Made(each.label, "buffer", value),), each.outputs)
    written = form_of(each.op)(CallView(each, types))
    made = ()
    if isinstance(written, Layer):
        if not each.op.state:
            label = _own_label(each, taken)
            made = (Made(label, "layer", written.constructor),)
            code = Apply(Part(label), written.arguments)
        elif each.label == "_":
            names = [parameter.name for parameter in each.parameters]
            made = tuple(
                Made(p.name, "parameter", initialised_parameter(each, p))
                if p.trainable
                else Made(p.name, "buffer", initialised_parameter(each, p))
                for p in each.parameters
            )
            code = written.functional({name: Part(name) for name in names})
        else:
            if each.parameters:
                made = (Made(each.label, "layer", initialised_layer(written.constructor, each.parameters)),)
            code = Apply(Part(each.label), written.arguments)
    else:
        code = written
    targets: Structure = outputs[0] if len(outputs) == 1 and not _is_list(each) else outputs
    return Step(targets, _wrapped(code, each.wrappers, each.inputs), False, made, each.outputs)


def _own_label(each: OpCall, taken: set[str]) -> str:
    """A label for a layer that holds nothing which is saved, so that the graph has none for it."""
    label, number = each.op.name, 1
    while label in taken:
        label, number = f"{each.op.name}_{number}", number + 1
    taken.add(label)
    return label


def _construction(use: ClassUse, each: ModuleCall) -> Expression:
    """The call that makes a module of its class."""
    values = [
        (name, type(value)(value.value, each.hints.get(name, ""), name) if isinstance(value, Number) else value)
        for name, value in use.arguments
    ]
    placed = 0 if use.named else 1
    return Apply(Raw(use.name), tuple(value for _, value in values[:placed]), tuple(values[placed:]))


def _is_list(each: OpCall) -> bool:
    """Whether the op gives a list also where that has one element."""
    return each.op.name == "split"


def arguments_of(inputs: tuple[Structure, ...]) -> tuple[Expression, ...]:
    """The inputs of a call; optional ones at the end that are left out stay out."""
    given = list(inputs)
    while given and given[-1] == -1:
        given.pop()
    return tuple(written(structure) for structure in given)


def written(structure: Structure, brackets: str = "[]") -> Expression:
    """A structure of values as an expression."""
    if isinstance(structure, Scalar):
        return Number(structure.value)
    if isinstance(structure, tuple):
        return Row(tuple(written(inner, brackets) for inner in structure), brackets)
    return Raw("None") if structure < 0 else Use(structure)


def _renumbered(structure: Structure, numbers: Iterable[int]) -> Structure:
    """What a module returns, as the caller numbers it."""
    numbers = iter(numbers)

    def walked(inner: Structure) -> Structure:
        if isinstance(inner, tuple):
            return tuple(walked(part) for part in inner)
        return inner if isinstance(inner, Scalar) or inner < 0 else next(numbers)

    return walked(structure)


def _wrapped(code: Expression, wrappers: tuple[Wrapper, ...], inputs: tuple[Structure, ...]) -> Expression:
    for wrapper in reversed(wrappers):
        if wrapper == "in_training":
            code = Choice(Raw("self.training"), code, written(inputs[0]))
        elif isinstance(code, Apply) and isinstance(code.function, Part):
            code = call("in_dtype", Raw(f"torch.{wrapper}"), code.function, *code.arguments)
        else:
            code = replace(code, lambda part, wrapper=wrapper: _cast(part, wrapper) if isinstance(part, Use) else None)
    return code


def _cast(value: Expression, dtype: str) -> Expression:
    return (
        call("at_least_float32", value) if dtype == "float32" else method(value, {"float16": "half"}.get(dtype, dtype))
    )


def _unpacked(steps: list[Step], module: Module) -> list[Step]:
    """Steps that together take a tensor apart along its first axis, or read all elements of it, become one."""
    readers: dict[int, list[Step]] = {}
    for step in steps:
        for value in step.uses:
            readers.setdefault(value, []).append(step)
    returned = set(leaves(module.outputs)) | set(module.exposed.values())
    result: list[Step] = []
    taken: set[int] = set()
    for step in steps:
        if step.outputs and step.outputs[0] in taken and len(step.outputs) == 1:
            continue
        result.append(step)
        if len(step.outputs) != 1 or step.outputs[0] in returned:
            continue
        value = step.outputs[0]
        places = {_place(reader.code, value): reader for reader in readers.get(value, ())}
        length = step.types[0].shape[0] if step.types and step.types[0].shape else 0
        if (
            len(places) < 2
            or len(places) != len(readers[value])
            or set(places) != set(range(int(length) if isinstance(length, int) else -1))
        ):
            continue
        targets = tuple(places[k].outputs[0] for k in range(len(places)))
        taken.update(targets)
        result[-1] = Step(value, step.code, step.constant, step.made, step.types)
        types = tuple(places[k].types[0] for k in range(len(places)))
        result.append(Step(targets, method(Use(value), "unbind", Raw("0")), step.constant, (), types))
    return result


def _place(code: Expression, value: int) -> int:
    """The place along the first axis that `code` reads of a value, if it does only that."""
    match code:
        case Index(of=Use(value=v), places=(Number(value=int() as place),)) if v == value:
            return place
        case Index(of=Use(value=v), places=(Raw(text=text),)) if v == value and text.isdigit():
            return int(text)
        case _:
            return -1
