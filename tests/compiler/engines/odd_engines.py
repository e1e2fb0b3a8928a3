"""Engines that do what they should not, or that are PyTorch itself."""

import os
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import torch
from torch import Tensor, nn

from archdsl_compiler.engines.contract import Dtype, Run, Work
from archdsl_compiler.engines.results import Flat


@dataclass(frozen=True, slots=True)
class Plain:
    """PyTorch as an engine: the whole contract in a moment. `ways` are what goes wrong."""

    ways: tuple[str, ...] = ()
    name: str = "plain"

    def available(self) -> str:
        return "plain is not installed" if "missing" in self.ways else ""

    def versions(self) -> tuple[str, ...]:
        return ("1",)

    def dtypes(self) -> tuple[Dtype, ...]:
        return ("float32",)

    def expected_seconds(self, nodes: int) -> float:
        return 1.0

    def write(self, model: nn.Module, inputs: Sequence[Tensor], work: Work, folder: Path) -> None:
        if "chatty" in self.ways:
            print("a warning")
            print("and another", file=sys.stderr)
        if "abort" in self.ways:
            os.abort()
        if "exit" in self.ways:
            print("the disk is full", file=sys.stderr)
            os._exit(3)
        if "hang" in self.ways:
            time.sleep(600)
        if "refuse" in self.ways:
            raise RuntimeError("Check 'false' failed at src/core.cpp:7:\n\nno conversion for aten::sin\nand more")
        torch.save(Flat(model), folder / "model.pt")
        torch.save(inputs[0], folder / "seen.pt")

    def load(self, folder: Path, work: Work) -> Run:
        if "unreadable" in self.ways:
            raise OSError("no such program")
        model = torch.load(folder / "model.pt", weights_only=False)

        def run(inputs: Sequence[Tensor]) -> Sequence[Tensor]:
            if "fails" in self.ways:
                raise RuntimeError("the request is busy")
            if "one batch" in self.ways and inputs[0].shape[0] != work.batch:
                raise ValueError("another batch")
            with torch.no_grad():
                found = model(*inputs)
            if "traced" in self.ways and not torch.equal(inputs[0], torch.load(folder / "seen.pt")):
                return [result + 1.0 for result in found]
            if "wrong" in self.ways:
                return [result + 1.0 for result in found]
            if "nan" in self.ways:
                return [result * float("nan") for result in found]
            if "other shape" in self.ways:
                return [result[None] for result in found]
            return found

        return run
