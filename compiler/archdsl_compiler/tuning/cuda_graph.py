"""A program recorded once on a GPU and then played as a whole: the processor no longer hands over kernel by kernel,
which is what a small batch waits for most.

What was recorded reads and writes the same memory each time. So inputs are copied in, and results are copied out for
whoever asked. A recording is for one batch; others run as before."""

from collections.abc import Callable, Generator, Sequence
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, field
from threading import Lock
from typing import Any, Final, Protocol, cast

import torch
from torch import Tensor, nn

from archdsl_compiler.tuning.fast_model import NoProgram
from archdsl_compiler.tuning.regional_recipe import RegionalProgram, RegionalRecipe, example_inputs, on

WARM_UP: Final = 3
"""Runs ahead of the one that is recorded: libraries choose their ways and take their memory in the first."""


class Recording(Protocol):
    """A run that can be played again. `results` are written anew by each play."""

    @property
    def results(self) -> Any: ...

    def free(self) -> bool:
        """Whether it can be played now."""
        ...

    def turn(self) -> AbstractContextManager[object]:
        """In which its memory is the caller's."""
        ...

    def play(self) -> None: ...


Recorder = Callable[[Callable[[], Any]], Recording]


@dataclass(frozen=True, slots=True)
class GraphRecording:
    """A run as a CUDA graph."""

    graph: torch.cuda.CUDAGraph
    results: Any
    last: torch.cuda.Event
    """The end of the last turn, on whatever stream that was."""
    lock: Any = field(default_factory=Lock)

    def free(self) -> bool:
        return not torch.cuda.is_current_stream_capturing()

    @contextmanager
    def turn(self) -> Generator[None]:
        with self.lock:
            stream = torch.cuda.current_stream()
            stream.wait_event(self.last)
            yield
            self.last.record(stream)

    def play(self) -> None:
        self.graph.replay()


def recorded(run: Callable[[], Any]) -> Recording:
    """A run as a CUDA graph, on the GPU that is current."""
    aside: Any = torch.cuda.Stream()
    aside.wait_stream(torch.cuda.current_stream())
    with torch.cuda.stream(aside):
        for _ in range(WARM_UP):
            run()
    torch.cuda.current_stream().wait_stream(aside)
    graph = torch.cuda.CUDAGraph()
    with torch.cuda.graph(graph):
        results = run()
    return GraphRecording(graph, results, torch.cuda.Event())


@dataclass(frozen=True, slots=True)
class RecordedProgram:
    """Plays what was recorded for inputs as large as those, and runs the program itself for all others."""

    program: RegionalProgram
    inputs: tuple[Tensor, ...]
    recording: Recording

    def takes(self, inputs: Sequence[Tensor]) -> bool:
        return self.program.takes(inputs)

    def __call__(self, *inputs: Tensor) -> Any:
        if not self.recording.free() or any(
            given.shape != held.shape for given, held in zip(inputs, self.inputs, strict=True)
        ):
            return self.program(*inputs)
        with on(self.program.device), self.recording.turn():
            for given, held in zip(inputs, self.inputs, strict=True):
                held.copy_(given)
            self.recording.play()
            return _copied(self.recording.results)


@dataclass(frozen=True, slots=True)
class RecordedRecipe:
    """The program of a plan, recorded; anew when the weights change, since it reads those that it was made of."""

    recipe: RegionalRecipe
    recorder: Recorder = recorded

    def __deepcopy__(self, memo: dict[int, Any]) -> "RecordedRecipe":
        return self

    def program(self, portable: nn.Module) -> RecordedProgram | None:
        program = self.recipe.program(portable)
        if program is None:
            return None
        graph, batch = self.recipe.cut.flat, self.recipe.shapes[0][0]
        # Tensors of inference mode could not be written to outside of it.
        with on(program.device), torch.inference_mode(False), torch.no_grad():
            inputs = tuple(example_inputs(graph, batch, program.device))
            try:
                recording = self.recorder(lambda: program(*inputs))
            except RuntimeError as error:
                raise NoProgram(f"it cannot be recorded: {error}") from error
        return RecordedProgram(program, inputs, recording)


def _copied(results: Any) -> Any:
    if isinstance(results, Tensor):
        return results.clone()
    if isinstance(results, tuple | list):
        return type(results)(map(_copied, cast("Sequence[Any]", results)))  # type: ignore[call-arg]
    return results
