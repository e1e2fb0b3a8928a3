"""How a tuned model has the program of a plan of regions: made of the weights of the portable model, and made anew when
they change."""

from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, field
from typing import Any

import torch
from torch import Tensor, nn

from archdsl_compiler.graph import Module
from archdsl_compiler.kernels.contract import Mode, Place, kernel
from archdsl_compiler.kernels.regions.contract import Cut
from archdsl_compiler.passes.deploy import Deployed
from archdsl_compiler.passes.equality import random_input
from archdsl_compiler.passes.weights import transform_state
from archdsl_compiler.tuning.fast_model import Program
from archdsl_compiler.tuning.program import Choice, Seen, Weights, program


@dataclass(frozen=True, slots=True)
class RegionalRecipe:
    """The program of a plan, made of the weights of the portable model whenever they change."""

    cut: Cut
    deployed: Deployed
    choices: tuple[tuple[Mode, str], ...]
    seen: Mapping[Mode, Seen]
    shapes: tuple[tuple[int, ...], ...]
    place: Place

    def __deepcopy__(self, memo: dict[int, Any]) -> "RegionalRecipe":
        return self

    def program(self, portable: nn.Module) -> "RegionalProgram | None":
        state = portable.state_dict()
        devices = {value.device for value in state.values()}
        if len(devices) > 1 or any(device.type != self.place.device for device in devices):
            return None
        weights = Weights(self.cut, transform_state(state, self.deployed.changes), self.place.device)
        choices = [Choice(mode, kernel(name)) for mode, name in self.choices]
        device = next(iter(devices), torch.device(self.place.device))
        with on(device):
            inputs = example_inputs(self.cut.flat, self.shapes[0][0], device)
            made = program(self.cut, choices, self.seen, weights, inputs, self.place)
        return RegionalProgram(made.run, self.shapes, tuple(x.dtype for x in inputs), inputs[0].device, made.source)


@dataclass(frozen=True, slots=True)
class RegionalProgram:
    """Takes any batch of inputs of these sizes."""

    run: Any
    shapes: tuple[tuple[int, ...], ...]
    dtypes: tuple[torch.dtype, ...]
    device: torch.device
    source: str = field(repr=False)

    def takes(self, inputs: Sequence[Tensor]) -> bool:
        if len(inputs) != len(self.shapes):
            return False
        for given, shape, dtype in zip(inputs, self.shapes, self.dtypes, strict=True):
            if given.shape[1:] != shape[1:] or given.dtype != dtype or not given.shape[0]:
                return False
            if given.device != self.device:
                return False
        return True

    def __call__(self, *inputs: Tensor) -> Any:
        return self.run(*inputs)


@dataclass(frozen=True, slots=True)
class EagerRecipe:
    """No program: the portable model is the fastest."""

    def program(self, portable: nn.Module) -> Program | None:
        return None


def on(device: torch.device | str) -> AbstractContextManager[object]:
    """In which "cuda" means this GPU, if it is one."""
    return torch.cuda.device(device) if torch.device(device).type == "cuda" else nullcontext()


def example_inputs(graph: Module, batch: int, device: torch.device | str) -> list[Tensor]:
    """Such as the model takes, the same each time."""
    generator = torch.Generator().manual_seed(0)
    return [random_input(type_, generator, batch).to(device) for type_ in graph.input_types]
