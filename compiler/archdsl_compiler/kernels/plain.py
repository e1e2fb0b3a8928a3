"""The piece as it is: its own source, executed. And the same in float32 inside a mode of fewer bits, for what has no
other form there."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Protocol, cast, runtime_checkable

import torch
from torch import Tensor, nn

from archdsl_compiler.emit.execute import execute
from archdsl_compiler.emit.source import Note, emit
from archdsl_compiler.graph import Module
from archdsl_compiler.kernels.contract import Case, Run

NOTE = Note("piece", "A region of a model.")
_SOURCES: dict[str, str] = {}


@runtime_checkable
class Judging(Protocol):
    """Facts of a region whose plain piece is slow in some layout."""

    def plain_factor(self, case: Case) -> float: ...


@dataclass(frozen=True, slots=True)
class Plain:
    """The reference of every other kernel."""

    name: str = "plain"
    kinds: tuple[str, ...] = ()
    version: int = 1

    def applies(self, case: Case) -> bool:
        return True

    def factor(self, case: Case) -> float:
        facts = case.region.facts
        return facts.plain_factor(case) if isinstance(facts, Judging) else 1.0

    def make(self, case: Case, weights: Mapping[str, Tensor], constants: Mapping[int, Tensor]) -> Run:
        return piece_module(case.region.piece, case.region.digest, weights, case.place.device).forward

    def written(self, case: Case) -> Module | None:
        return case.region.piece


@dataclass(frozen=True, slots=True)
class Widened:
    """The plain piece in float32, between casts."""

    name: str = "widened"
    kinds: tuple[str, ...] = ()
    version: int = 1

    def applies(self, case: Case) -> bool:
        return case.mode.dtype in ("bfloat16", "float16")

    def factor(self, case: Case) -> float:
        return 2.5

    def make(self, case: Case, weights: Mapping[str, Tensor], constants: Mapping[int, Tensor]) -> Run:
        wide = {name: value.float() if value.is_floating_point() else value for name, value in weights.items()}
        run = piece_module(case.region.piece, case.region.digest, wide, case.place.device).forward
        narrow: torch.dtype = getattr(torch, case.mode.dtype)

        def widened(*inputs: Tensor) -> Any:
            result = run(*(x.float() if x.dtype == narrow else x for x in inputs))
            return _narrowed(result, narrow)

        return widened

    def written(self, case: Case) -> Module | None:
        return None


KERNELS = (Plain(), Widened())


def piece_module(piece: Module, digest: str, weights: Mapping[str, Tensor], device: str = "cpu") -> nn.Module:
    """The piece as a module that holds these very weights; tables of its own are on the device."""
    source = _SOURCES.get(digest)
    if source is None:
        source = _SOURCES[digest] = emit(piece, NOTE)
    build = execute(source).build
    with torch.device("meta"):  # first values would be thrown away
        module: nn.Module = build()
    if any(buffer.is_meta for name, buffer in module.named_buffers() if name not in weights):
        module = build().to(device)
    module.load_state_dict(dict(weights), assign=True)
    dtype = next((value.dtype for value in weights.values() if value.is_floating_point()), None)
    if dtype is not None:
        module.to(dtype)
    return module.eval().requires_grad_(False)


def _narrowed(result: Any, dtype: torch.dtype) -> Any:
    if isinstance(result, tuple | list):
        return tuple(_narrowed(each, dtype) for each in cast("tuple[Any, ...]", result))
    return result.to(dtype) if result.dtype == torch.float32 else result
