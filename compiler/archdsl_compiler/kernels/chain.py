"""Chains of steps in fewer passes over memory: two or three steps by one call of PyTorch where it has one, and all that
follows on a result that is the chain's own written into that."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final, TypeAlias, cast

import torch
from torch import Tensor
from torch.nn import functional as F

from archdsl_compiler.digest import digest
from archdsl_compiler.graph import Module, OpCall, Scalar, Structure, leaves
from archdsl_compiler.kernels.contract import Case, Run
from archdsl_compiler.kernels.flat import Reading
from archdsl_compiler.kernels.plain import piece_module
from archdsl_compiler.kernels.regions.chain import MOVING, Chain
from archdsl_compiler.kernels.regions.contract import piece_of
from archdsl_compiler.passes.rewriting import is_open
from archdsl_compiler.types import TensorType

IN_PLACE: Final[Mapping[str, str]] = {
    "relu": "t.relu_()",
    "relu6": "F.relu6(t, True)",
    "silu": "F.silu(t, True)",
    "sigmoid": "t.sigmoid_()",
    "tanh": "t.tanh_()",
    "hard_swish": "F.hardswish(t, True)",
    "hard_sigmoid": "F.hardsigmoid(t, True)",
    "exp": "t.exp_()",
    "log": "t.log_()",
    "sqrt": "t.sqrt_()",
    "abs": "t.abs_()",
    "negate": "t.neg_()",
}
WITH: Final[Mapping[str, str]] = {"add": "t.add_", "subtract": "t.sub_", "multiply": "t.mul_", "divide": "t.div_"}
NUMBERS: Final = frozenset({"float32", "float64", "float16", "bfloat16"})


@dataclass(frozen=True, slots=True)
class ChainInPlace:
    """The steps as few calls, most of them in place."""

    name: str = "chain_in_place"
    kinds: tuple[str, ...] = ("chain",)
    version: int = 1

    def applies(self, case: Case) -> bool:
        """Tables of places may come with the numbers."""
        dtypes = {operand.dtype for operand in case.inputs} - {"int64"}
        return len(dtypes) == 1 and dtypes <= NUMBERS and any(step.kind != "plain" for step in _plan(case))

    def factor(self, case: Case) -> float:
        kinds = {step.kind for step in _plan(case)}
        return 0.4 if "square" in kinds else 0.6 if "scaled_sum" in kinds else 0.85

    def make(self, case: Case, weights: Mapping[str, Tensor], constants: Mapping[int, Tensor]) -> Run:
        piece = case.region.piece
        reading = Reading(piece)
        names: dict[str, Any] = {"F": F, "torch": torch}
        lines = [f"def run({', '.join(f'x{place}' for place in range(len(case.inputs)))}):"]

        def named(structure: Structure) -> str:
            if isinstance(structure, Scalar):
                return repr(structure.value)
            assert isinstance(structure, int)
            known = constants.get(structure)
            if known is not None and known.numel() == 1:
                return repr(float(known))
            return f"x{structure}" if structure < len(case.inputs) else "t"

        for number, step in enumerate(_plan(case)):
            if step.kind == "plain":
                part, read, _, _ = piece_of(reading, step.calls)
                names[f"f{number}"] = piece_module(part, digest(part), {}).forward
                given = (f"x{value}" if value < len(case.inputs) else "t" for value in read)
                lines.append(f"    t = f{number}({', '.join(given)})")
            elif step.kind == "square":
                names[f"k{number}"] = _as_tensor(step.others[1], case, constants)
                lines.append(f"    {_square(step, named, f'k{number}')}")
            else:
                lines.append(f"    {_line(step, named)}")
        lines.append("    return t")
        exec(compile("\n".join(lines), "<archdsl chain>", "exec"), names)
        return names["run"]

    def written(self, case: Case) -> Module | None:
        return None


KERNELS = (ChainInPlace(),)


@dataclass(frozen=True, slots=True)
class _Step:
    """Some calls of a chain as one line. Their input is the `chain`'s value; `fresh` says that nobody else has it."""

    kind: str
    calls: tuple[OpCall, ...]
    chain: int
    fresh: bool = False
    others: tuple[Structure, ...] = field(default=())


Named: TypeAlias = Callable[[Structure], str]


def _square(step: _Step, named: Named, added: str) -> str:
    x = named(step.chain)
    return f"t = torch.addcmul({added}, {x}, {x}, value={named(step.others[0])}{', out=t' if step.fresh else ''})"


def _line(step: _Step, named: Named) -> str:
    x = named(step.chain)
    if step.kind == "scaled_sum":
        by, added = map(named, step.others)
        out = ", out=t" if step.fresh else ""
        if isinstance(step.others[0], Scalar) or not by.startswith("x"):
            return f"t = torch.add({added}, {x}, alpha={by}{out})"
        return f"t = torch.addcmul({added}, {x}, {by}{out})"
    (call,) = step.calls
    if call.op.name in IN_PLACE:
        return f"t = {IN_PLACE[call.op.name]}"
    if call.op.name == "power":
        return f"t = t.pow_({named(step.others[0])})"
    return f"t = {WITH[call.op.name]}({named(step.others[0])})"


def _plan(case: Case) -> list[_Step]:
    """The chain in lines; neighbours that have no better form are one."""
    merged: list[_Step] = []
    for step in _lines(case):
        if merged and step.kind == "plain" == merged[-1].kind:
            merged[-1] = _Step("plain", (*merged[-1].calls, *step.calls), merged[-1].chain)
        else:
            merged.append(step)
    return merged


def _lines(case: Case) -> Iterator[_Step]:
    reading = Reading(case.region.piece)
    calls = cast(Chain, case.region.facts).steps
    fresh, place, chain = False, 0, -1
    constants = case.region.constants
    while place < len(calls):
        call = calls[place]
        value = chain if chain >= 0 else _first_input(call, reading, constants)
        found = _fused(case, reading, calls[place : place + 3], value, fresh)
        if found is None and fresh and (other := _in_place(case, reading, call, value)) is not None:
            found = _Step("in_place", (call,), value, fresh, other)
        found = found or _Step("plain", (call,), value)
        yield found
        last = found.calls[-1]
        fresh = found.kind != "plain" or _is_fresh(last, fresh)
        chain = last.first_output
        place += len(found.calls)


def _first_input(call: OpCall, reading: Reading, constants: Sequence[int]) -> int:
    """What the first step works on: an input that is what comes out in shape."""
    found = list(leaves(call.inputs))
    alike = [value for value in found if value not in constants and reading.types[value] == call.outputs[0]]
    return (alike or found)[0]


def _is_fresh(call: OpCall, before: bool) -> bool:
    """Whether what a step gives is its own, and none of its places stands twice."""
    if call.op.name in ("expand", "split"):
        return False
    if call.op.name in MOVING:
        return before or call.inputs[1:] != ()  # places by a table are gathered into a new tensor
    return call.op.name not in ("concat", "stack", "add_all", "mean_all") or len(list(leaves(call.inputs))) > 1


def _fused(case: Case, reading: Reading, calls: Sequence[OpCall], value: int, fresh: bool) -> _Step | None:
    """Steps that PyTorch has one call for."""
    names = [call.op.name for call in calls]
    alike = [call for call in calls if call.outputs[0] == reading.types[value]]
    if names == ["power", "multiply", "add"] and len(alike) == 3:
        exponent, by, added = (
            _other(calls[0], value),
            _other(calls[1], calls[0].first_output),
            _other(calls[2], calls[1].first_output),
        )
        squared = isinstance(exponent, Scalar) and exponent.value == 2 and calls[0].inputs[0] == value
        if squared and _is_number(case, by) and _is_number(case, added):
            return _Step("square", tuple(calls), value, fresh, (cast(Structure, by), cast(Structure, added)))
    if names[:2] == ["multiply", "add"] and alike[:2] == list(calls[:2]):
        by, added = _other(calls[0], value), _other(calls[1], calls[0].first_output)
        if by is not None and isinstance(added, int) and not _is_number(case, added):
            return _Step("scaled_sum", tuple(calls[:2]), value, fresh, (by, added))
    return None


def _other(call: OpCall, value: int) -> "Structure | None":
    """The second operand of a step that reads the value once."""
    if list(leaves(call.inputs)).count(value) != 1 or len(call.inputs) != 2:
        return None
    other = call.inputs[1] if call.inputs[0] == value else call.inputs[0]
    return other if not isinstance(other, Scalar) or not is_open(other) else None


def _in_place(case: Case, reading: Reading, call: OpCall, value: int) -> tuple[Structure, ...] | None:
    """The second operand, if there is one, of a step that can be written into its first."""
    if call.outputs[0] != reading.types[value]:
        return None
    if call.op.name in IN_PLACE:
        return ()
    if call.op.name not in (*WITH, "power"):
        return None
    other = _other(call, value)
    if other is None or (call.inputs[0] != value and call.op.name not in ("add", "multiply")):
        return None
    return None if call.op.name == "power" and not isinstance(other, Scalar) else (other,)


def _as_tensor(number: Structure, case: Case, constants: Mapping[int, Tensor]) -> Tensor:
    """One number as a tensor without axes."""
    if isinstance(number, Scalar):
        dtype: torch.dtype = getattr(torch, case.inputs[0].dtype)
        return torch.tensor(number.value, dtype=dtype, device=case.place.device)
    assert isinstance(number, int)
    return constants[number].reshape(())


def _is_number(case: Case, other: "Structure | None") -> bool:
    """Whether it is one number, known before the model runs."""
    if isinstance(other, Scalar):
        return not is_open(other)
    if not isinstance(other, int) or other not in case.region.constants:
        return False
    type_: TensorType = case.region.piece.input_types[other]
    return all(size == 1 for size in type_.shape)
