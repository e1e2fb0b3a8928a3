"""What a graph takes when it is tuned, as the record has it: the sum over its regions and the conversions between them,
with the modes chosen as `tune` chooses them. No model is built and none is run."""

from dataclasses import dataclass, field
from typing import Any

import torch
from torch import Tensor

from archdsl_compiler.graph import Module, state_entries
from archdsl_compiler.kernels.contract import Place
from archdsl_compiler.kernels.flat import as_program
from archdsl_compiler.kernels.regions.contract import cut
from archdsl_compiler.ops.contract import Parameter
from archdsl_compiler.passes.deploy import deploy
from archdsl_compiler.sizes import at_batch
from archdsl_compiler.tuning.choosing import total
from archdsl_compiler.tuning.conditions import Conditions
from archdsl_compiler.tuning.forms import Forms
from archdsl_compiler.tuning.pricing import Pricing, Progress
from archdsl_compiler.tuning.program import Weights
from archdsl_compiler.tuning.record import Record
from archdsl_compiler.tuning.regional import chosen_modes, modes_for, priced


@dataclass(frozen=True, slots=True)
class Sum:
    """Seconds of one pass. `ruled` are those of them that rules of thumb gave. `regions` are the digests of what was
    summed, each once; of `unknown` ones the record did not know every kernel."""

    seconds: float
    ruled: float
    regions: tuple[str, ...]
    unknown: tuple[str, ...]


@dataclass(slots=True)
class Sums:
    """Sums under some conditions. With `measure`, which is for conditions of this process, regions that the record does
    not know are measured with weights that hide nothing, and kept."""

    record: Record
    conditions: Conditions
    batch: int = 1
    dtype: str = "float32"
    measure: bool = True
    progress: Progress | None = None
    _pricing: Pricing = field(init=False)
    _forms: Forms = field(init=False)

    def __post_init__(self) -> None:
        self._pricing = Pricing(self.record, self.conditions, self.batch, self.measure, self.progress)
        self._forms = Forms(self.record, self.conditions, self.batch, keeps=self.measure)

    @property
    def measured(self) -> int:
        """Regions that were measured until now."""
        return self._pricing.measured

    def of(self, graph: Module) -> Sum:
        """The sum of a graph as it is before any pass."""
        self._pricing.progress = self.progress
        parts = cut(as_program(deploy(graph)).root)
        place = Place(self.conditions.device, self.conditions.threads, frozenset(self.conditions.features))
        with torch.inference_mode():
            weights = Weights(parts, TellingWeights(parts.flat, place.device), place.device)
            found = priced(parts, weights, modes_for(parts, self.dtype, place), self._pricing, self._forms, place)
        modes = chosen_modes(found)
        places = [found.modes.index(mode) for mode in modes]
        best = [min(found.prices[mode][number], key=lambda price: price.seconds) for number, mode in enumerate(modes)]
        return Sum(
            total(places, found.terms),
            sum(price.seconds for price in best if price.source == "rule"),
            tuple(dict.fromkeys(region.digest for region in parts.running)),
            self._pricing.unknown,
        )


class TellingWeights(dict[str, Tensor]):
    """Parameters for a graph, each made when it is asked for: noise, of the size that layers keep numbers in."""

    def __init__(self, graph: Module, device: str = "cpu") -> None:
        super().__init__()
        self._entries = dict(state_entries(graph))
        self._device = device

    def __missing__(self, name: str) -> Tensor:
        found = self[name] = _telling(name, self._entries[name]).to(self._device)
        return found


def _telling(name: str, parameter: Parameter) -> Tensor:
    shape = [size for axis in parameter.shape if isinstance(size := at_batch(axis, 1), int)]
    dtype: Any = getattr(torch, parameter.dtype)
    if not dtype.is_floating_point:
        return torch.zeros(shape, dtype=dtype)
    generator = torch.Generator().manual_seed(0)
    noise = torch.randn(shape, generator=generator)
    if len(shape) < 2:
        return 0.5 + noise.abs().to(dtype)
    inside = max(noise[0].numel(), 1)
    return (noise / inside**0.5).to(dtype)
