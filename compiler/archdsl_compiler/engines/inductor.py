"""Inductor, PyTorch's own compiler: generates C++, which is compiled ahead of time into a library that is kept. It
needs no package but a C++ compiler, and minutes.

Two variants: freezing folds constants and arranges weights beforehand, and is slower on some models, so both are worth
a try. Its programs take the batch that they were made for and no other."""

import os
import shutil
from collections.abc import Sequence
from copy import deepcopy
from dataclasses import dataclass
from functools import partial
from importlib import import_module
from pathlib import Path
from typing import Any, Final

import torch
from torch import Tensor, nn

from archdsl_compiler.engines.contract import Dtype, Engine, Run, Work
from archdsl_compiler.engines.results import Flat
from archdsl_compiler.targets.exported_program import quiet

FILE: Final = "program.pt2"
COMPILERS: Final = ("c++", "g++", "clang++")


@dataclass(frozen=True, slots=True)
class Inductor:
    name: str
    freezing: bool

    def available(self) -> str:
        wanted = os.environ.get("CXX")
        if shutil.which(wanted) if wanted else any(map(shutil.which, COMPILERS)):
            return ""
        return "inductor needs a C++ compiler: install g++, or name one in CXX"

    def versions(self) -> tuple[str, ...]:
        return (f"torch {torch.__version__}",)

    def dtypes(self) -> tuple[Dtype, ...]:
        if not torch.backends.mkldnn.is_available():
            return ("float32",)
        library: Any = torch.ops.mkldnn
        can: dict[Dtype, bool] = {
            "float32": True,
            "bfloat16": library._is_mkldnn_bf16_supported(),
            "float16": library._is_mkldnn_fp16_supported(),
        }
        return tuple(dtype for dtype, supported in can.items() if supported)

    def expected_seconds(self, nodes: int) -> float:
        return 32.0 + 0.03 * nodes

    def write(self, model: nn.Module, inputs: Sequence[Tensor], work: Work, folder: Path) -> None:
        inductor: Any = import_module("torch._inductor")
        # What wants a gradient is not frozen.
        own = deepcopy(model).requires_grad_(False)
        with quiet(), torch.no_grad():
            exported = torch.export.export(_Computing(own, getattr(torch, work.dtype)), tuple(inputs))
            inductor.aoti_compile_and_package(
                exported, package_path=str(folder / FILE), inductor_configs={"freezing": self.freezing}
            )

    def load(self, folder: Path, work: Work) -> Run:
        inductor: Any = import_module("torch._inductor")
        loaded = inductor.aoti_load_package(str(folder / FILE), run_single_threaded=False)
        return partial(_run, loaded, work.shapes)


def _run(program: Any, shapes: tuple[tuple[int, ...], ...], inputs: Sequence[Tensor]) -> Sequence[Tensor]:
    if tuple(tuple(given.shape) for given in inputs) != shapes:
        raise ValueError(f"the program is for inputs of {shapes}")
    with torch.no_grad():
        return list(program(*inputs))


class _Computing(nn.Module):
    """A model that computes in another dtype than its inputs and results have."""

    def __init__(self, model: nn.Module, dtype: torch.dtype) -> None:
        super().__init__()
        self.flat = Flat(model.to(dtype))
        self.dtype = dtype

    def forward(self, *inputs: Tensor) -> tuple[Tensor, ...]:
        given = [each.to(self.dtype) if each.is_floating_point() else each for each in inputs]
        return tuple(each.float() if each.is_floating_point() else each for each in self.flat(*given))


ENGINES: Final[tuple[Engine, ...]] = (Inductor("inductor", False), Inductor("inductor:freezing", True))
