"""How long a model takes: measured as a whole, or as the calibrated sum of pieces that were measured before.

A source of latencies says how long one graph takes in some pass. Whoever has better times than those of
PyTorch's modules, such as those of kernels that were chosen, is another source."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from statistics import median
from time import perf_counter
from typing import TYPE_CHECKING, Any, Protocol

from archdsl.cost.fitting import Line, line_through, median_error, rank_correlation
from archdsl.cost.latency_record import keep_time, kept_time
from archdsl.cost.pieces import pieces_of
from archdsl.cost.timed_pass import TimedPass
from archdsl_compiler.digest import Known, digest
from archdsl_compiler.graph import Module
from archdsl_compiler.sizes import at_batch
from archdsl_compiler.tuning.measuring import Timing
from archdsl_compiler.types import TensorType

if TYPE_CHECKING:
    import torch

WARM_UP = 10
FEWEST, MOST = 11, 51
"""Passes that are timed."""
LONG_ENOUGH = 1.0
"""Seconds after which no further pass is timed, if there were enough."""

Build = Callable[[Module], Any]
"""Makes an nn.Module of a graph."""


class LatencySource(Protocol):
    def seconds(self, graph: Module, timed: TimedPass) -> float:
        """Of one pass."""
        ...


@dataclass(slots=True)
class Measured:
    """Times of whole graphs, measured where they are not known."""

    build: Build
    known: Known = field(default_factory=dict[int, tuple[Module, str]])
    measured: int = 0

    def seconds(self, graph: Module, timed: TimedPass) -> float:
        name = digest(graph, self.known)
        found = kept_time(name, timed)
        if found is None:
            times = time_passes(self.build(graph), graph.input_types, timed)
            self.measured += 1
            found = keep_time(name, timed, Timing(median(times), min(times), len(times)), graph.name)
        return found


@dataclass(slots=True)
class Summed:
    """Sums of the times of pieces, each measured once."""

    pieces: LatencySource

    def seconds(self, graph: Module, timed: TimedPass) -> float:
        return sum(self.pieces.seconds(piece, timed) for piece in pieces_of(graph))


@dataclass(frozen=True, slots=True)
class Calibration:
    """The line that leads from sums to times of whole models. `error` is the median of the relative errors, each for a
    model that was left out; `ranks` is Spearman's correlation over those models."""

    line: Line
    error: float
    ranks: float
    models: int

    def seconds(self, total: float) -> float:
        return max(self.line(total), 0.05 * total)


def calibrated(graphs: Sequence[Module], sums: LatencySource, wholes: LatencySource, timed: TimedPass) -> Calibration:
    """A calibration by some whole models."""
    pairs = [(sums.seconds(graph, timed), wholes.seconds(graph, timed)) for graph in graphs]
    guesses: list[float] = []
    for number, (total, _) in enumerate(pairs):
        others = pairs[:number] + pairs[number + 1 :]
        guesses.append(line_through(others or pairs)(total))
    truth = [whole for _, whole in pairs]
    return Calibration(line_through(pairs), median_error(guesses, truth), rank_correlation(guesses, truth), len(pairs))


def time_passes(model: Any, types: Sequence[TensorType], timed: TimedPass) -> list[float]:
    """Seconds of single passes of noise, after some that are not counted."""
    import torch

    device = torch.device(timed.device)
    dtype: torch.dtype = getattr(torch, timed.dtype)
    generator = torch.Generator().manual_seed(0)
    inputs = [_input(type_, timed.batch, dtype, generator).to(device) for type_ in types]
    ready = model.eval().to(device)
    if dtype != torch.float32:
        ready = ready.to(dtype)
    wait = torch.cuda.synchronize if device.type == "cuda" else _nothing
    times: list[float] = []
    with torch.inference_mode():
        begun = perf_counter()
        for number in range(WARM_UP):
            ready(*inputs)
            if number and perf_counter() - begun > LONG_ENOUGH:
                break
        wait()
        begun = perf_counter()
        while len(times) < MOST and (len(times) < FEWEST or perf_counter() - begun < LONG_ENOUGH):
            start = perf_counter()
            ready(*inputs)
            wait()
            times.append(perf_counter() - start)
    return times


def _nothing() -> None:
    """The processor is done when a call returns."""


def _input(type_: TensorType, batch: int, dtype: "torch.dtype", generator: "torch.Generator") -> "torch.Tensor":
    import torch

    shape = [size for axis in type_.shape if isinstance(size := at_batch(axis, batch), int)]
    if type_.dtype in ("int64", "bool"):
        return torch.zeros(shape, dtype=getattr(torch, type_.dtype))
    noise = torch.randn(shape, generator=generator)
    return noise.to(dtype if type_.dtype == "real" else getattr(torch, type_.dtype))
