"""A flat graph as a function: each region by the kernel that was chosen, conversions where two modes meet.

The function is a list of calls without any control flow. A variable is given up where its value was read last, so that
memory is as small as PyTorch's own."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import torch
from torch import Tensor

from archdsl_compiler.graph import Scalar, Structure, leaves
from archdsl_compiler.kernels.contract import Case, Kernel, Mode, Operand, Place, Run
from archdsl_compiler.kernels.flat import Reading
from archdsl_compiler.kernels.plain import Plain, Widened
from archdsl_compiler.kernels.regions.contract import Cut, Region
from archdsl_compiler.passes.rewriting import value_types
from archdsl_compiler.tuning.formats import conversion, dense_strides, in_dtype, maps_of, operand_of, same_form, wanted

Seen = Mapping[int, Operand]
"""How each value of a flat graph lies in one mode."""


@dataclass(frozen=True, slots=True)
class Choice:
    """What runs a region, and in which mode."""

    mode: Mode
    kernel: Kernel


@dataclass(slots=True)
class Weights:
    """The parameters of a flat graph, and what follows from them alone, in the dtypes that were asked for. Where there
    are none, `home` is the device."""

    cut: Cut
    state: Mapping[str, Tensor]
    home: str = "cpu"
    _fixed: dict[int, Tensor] = field(default_factory=dict[int, Tensor])
    _cast: dict[tuple[str, str], Tensor] = field(default_factory=dict[tuple[str, str], Tensor])

    def with_state(self, state: Mapping[str, Tensor]) -> "Weights":
        """Other parameters in the place of some, for regions alone: what follows from parameters stays."""
        return Weights(self.cut, {**self.state, **state}, self.home, self._all_fixed())

    @property
    def device(self) -> torch.device:
        return next((value.device for value in self.state.values()), torch.device(self.home))

    def of(self, region: Region, mode: Mode) -> dict[str, Tensor]:
        return {inner: self._in(outer, self.state[outer], mode) for inner, outer in region.state.items()}

    def fixed(self, value: int, mode: Mode) -> Tensor:
        return self._in(f"={value}", self._all_fixed()[value], mode)

    def constants(self, region: Region, mode: Mode) -> dict[int, Tensor]:
        return {place: self.fixed(region.inputs[place], mode) for place in region.constants}

    def _all_fixed(self) -> dict[int, Tensor]:
        if not self._fixed and self.cut.fixed is not None:
            region = self.cut.fixed
            with torch.no_grad(), self.device:  # pieces make ranges and zeros without saying where
                case = Case(region, Mode(), (), (), Place(str(self.device), 1, frozenset()))
                found = as_tuple(Plain().make(case, self.of(region, Mode()), {})())
            self._fixed.update(zip(region.outputs, found, strict=True))
        return self._fixed

    def _in(self, name: str, tensor: Tensor, mode: Mode) -> Tensor:
        key = name, mode.dtype
        if key not in self._cast:
            self._cast[key] = in_dtype(tensor.detach(), mode)
        return self._cast[key]


def observe(cut: Cut, weights: Weights, inputs: Sequence[Tensor], mode: Mode) -> dict[int, Operand]:
    """How every value lies when all regions run plainly in one mode."""
    maps = maps_of(Reading(cut.flat))
    held: dict[int, Tensor] = {}
    seen: dict[int, Operand] = {}

    def keep(value: int, tensor: Tensor) -> None:
        held[value] = wanted(tensor, mode, value in maps)
        seen[value] = operand_of(held[value])

    with torch.inference_mode():
        for value, tensor in enumerate(inputs):
            keep(value, in_dtype(tensor, mode))
        last = _last_reads(cut)
        for number, region in enumerate(cut.running):
            constants = weights.constants(region, mode)
            for place, constant in constants.items():
                seen.setdefault(region.inputs[place], operand_of(constant))
            given = [constants[p] if p in constants else held[value] for p, value in enumerate(region.inputs)]
            for value, tensor in zip(region.outputs, plainly(region, weights, mode, given), strict=True):
                keep(value, tensor)
            for value in last.get(number, ()):
                del held[value]
    return seen


def plainly(region: Region, weights: Weights, mode: Mode, given: Sequence[Tensor]) -> tuple[Tensor, ...]:
    """What the plain piece gives."""
    case = Case(region, mode, (), (), Place(str(weights.device), 1, frozenset()))
    try:
        return as_tuple(Plain().make(case, weights.of(region, mode), {})(*given))
    except RuntimeError:
        if mode.dtype == "float32":
            raise
        return as_tuple(Widened().make(case, weights.of(region, mode), {})(*given))


def as_tuple(result: Any) -> tuple[Tensor, ...]:
    return (result,) if isinstance(result, Tensor) else tuple(result)


def case_of(region: Region, mode: Mode, seen: Seen, place: Place) -> Case:
    """The case of a region in a mode of which it was seen how values lie."""
    return Case(
        region,
        mode,
        tuple(seen[value] for value in region.inputs),
        tuple(seen[value] for value in region.outputs),
        place,
    )


def made(kernel: Kernel, case: Case, weights: Weights, example: Sequence[Tensor]) -> tuple[Run, tuple[Tensor, ...]]:
    """A kernel at work, with what brings its results into the form that the mode wants, and what it makes of the
    example, which shows which results do not come so."""
    run = kernel.make(case, weights.of(case.region, case.mode), weights.constants(case.region, case.mode))
    with torch.inference_mode():
        results = as_tuple(run(*example))
        changes = [conversion(operand_of(x), _like(goal, x)) for x, goal in zip(results, case.outputs, strict=True)]
        if not any(changes):
            return run, results
        results = tuple(change(x) if change is not None else x for change, x in zip(changes, results, strict=True))
    if len(changes) == 1:
        (change,) = changes
        assert change is not None
        return lambda *inputs: change(run(*inputs)), results

    def converted(*inputs: Tensor) -> tuple[Tensor, ...]:
        found = zip(changes, run(*inputs), strict=True)
        return tuple(change(x) if change is not None else x for change, x in found)

    return converted, results


def _like(goal: Operand, result: Tensor) -> Operand:
    """The form for a tensor of perhaps another batch."""
    shape = tuple(result.shape)
    return goal if goal.shape == shape else Operand(shape, dense_strides(shape, goal.strides), goal.dtype)


@dataclass(frozen=True, slots=True)
class Program:
    """`run` takes and gives what the model does; `source` is its text. `conversions` are those between modes, each
    with the value that it is of."""

    run: Callable[..., Any]
    source: str
    conversions: tuple[tuple[int, Operand, Operand], ...]


def program(
    cut: Cut,
    choices: Sequence[Choice],
    seen: Mapping[Mode, Seen],
    weights: Weights,
    inputs: Sequence[Tensor],
    place: Place,
) -> Program:
    """The function for the regions of a cut, each with its choice. It runs once on the inputs while it is made."""
    lines: list[str] = []
    names: dict[str, Any] = {}
    held: dict[int, Tensor] = {}
    forms: dict[tuple[int, int], tuple[str, Tensor]] = {}
    conversions: list[tuple[int, Operand, Operand]] = []
    last = _last_reads(cut)
    arguments = [f"v{value}" for value in range(len(inputs))]

    def in_form(value: int, goal: Operand) -> tuple[str, Tensor]:
        source = operand_of(held[value])
        change = conversion(source, goal)
        if change is None:
            return f"v{value}", held[value]
        for (other, _), (name, tensor) in forms.items():
            if other == value and same_form(operand_of(tensor), goal):
                return name, tensor
        name = f"v{value}_{len([1 for other, _ in forms if other == value])}"
        names[f"c{len(conversions)}"] = change
        lines.append(f"{name} = c{len(conversions)}(v{value})")
        conversions.append((value, source, goal))
        forms[value, len(forms)] = name, change(held[value])
        return forms[value, len(forms) - 1]

    with torch.inference_mode():
        held.update(enumerate(inputs))
        for number, (region, choice) in enumerate(zip(cut.running, choices, strict=True)):
            case = case_of(region, choice.mode, seen[choice.mode], place)
            constants = weights.constants(region, choice.mode)
            given: list[tuple[str, Tensor]] = []
            for position, value in enumerate(region.inputs):
                if position in constants:
                    names[f"k{number}_{position}"] = constants[position]
                    given.append((f"k{number}_{position}", constants[position]))
                elif position in region.unread:
                    given.append((f"v{value}", held[value]))
                else:
                    given.append(in_form(value, case.inputs[position]))
            example = [tensor for _, tensor in given]
            names[f"r{number}"], results = made(choice.kernel, case, weights, example)
            targets = ", ".join(f"v{value}" for value in region.outputs)
            lines.append(f"{targets} = r{number}({', '.join(name for name, _ in given)})")
            held.update(zip(region.outputs, results, strict=True))
            for value in last.get(number, ()):
                gone = [f"v{value}", *(name for (other, _), (name, _t) in forms.items() if other == value)]
                lines.append(f"del {', '.join(gone)}")
                del held[value]
                for key in [key for key in forms if key[0] == value]:
                    del forms[key]
        types = value_types(cut.flat)
        for value in leaves(cut.flat.outputs):
            if value not in held:
                names[f"v{value}"] = weights.fixed(value, Mode())
            elif types[value].dtype == "real" and held[value].dtype != torch.float32:
                lines.append(f"v{value} = v{value}.float()")
    lines.append(f"return {_structure(cut.flat.outputs)}")
    source = "\n".join([f"def run({', '.join(arguments)}):", *(f"    {line}" for line in lines), ""])
    exec(compile(source, "<archdsl plan>", "exec"), names)
    return Program(names["run"], source, tuple(conversions))


def _structure(structure: Structure) -> str:
    if isinstance(structure, Scalar):
        return repr(structure.value)
    if isinstance(structure, tuple):
        return f"({', '.join(map(_structure, structure))},)"
    return "None" if structure < 0 else f"v{structure}"


def _last_reads(cut: Cut) -> dict[int, list[int]]:
    """Values by the number of the region that reads them last; results are read by whoever called."""
    results = set(leaves(cut.flat.outputs))
    fixed = set(cut.fixed.outputs) if cut.fixed is not None else set[int]()
    last: dict[int, int] = {value: -1 for value in range(len(cut.flat.input_types))}
    for number, region in enumerate(cut.running):
        last.update((value, number) for value in (*region.outputs, *region.inputs))
    found: dict[int, list[int]] = {}
    for value, number in last.items():
        if value not in results and value not in fixed and number >= 0:
            found.setdefault(number, []).append(value)
    return found
