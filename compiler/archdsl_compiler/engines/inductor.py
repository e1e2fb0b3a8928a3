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
from pathlib import Path
from typing import Any, Final

import torch
from torch import Tensor, nn

from archdsl_compiler.engines.contract import Dtype, Engine, Run, Work
from archdsl_compiler.engines.results import Flat

FILE: Final = "program.pt2"
_DTYPES: Final[dict[Dtype, torch.dtype]] = {"fp32": torch.float32, "bf16": torch.bfloat16, "fp16": torch.float16}
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
        library: Any = torch.ops.mkldnn
        found: list[Dtype] = ["fp32"]
        if torch.backends.mkldnn.is_available():
            found += ["bf16"] if library._is_mkldnn_bf16_supported() else []
            found += ["fp16"] if library._is_mkldnn_fp16_supported() else []
        return tuple(found)

    def expected_seconds(self, nodes: int) -> float:
        return 20.0 + 0.06 * nodes

    def write(self, model: nn.Module, inputs: Sequence[Tensor], work: Work, folder: Path) -> None:
        from torch._inductor import aoti_compile_and_package

        # What wants a gradient is not frozen.
        own = deepcopy(model).requires_grad_(False)
        with torch.no_grad():
            exported = torch.export.export(_Computing(own, _DTYPES[work.dtype]), tuple(inputs))
            aoti_compile_and_package(
                exported, package_path=str(folder / FILE), inductor_configs={"freezing": self.freezing}
            )

    def load(self, folder: Path, work: Work) -> Run:
        from torch._inductor import aoti_load_package

        loaded = aoti_load_package(str(folder / FILE), run_single_threaded=False)
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
