"""What an engine is: it makes a program of a model, for one kind of input, and keeps it in a folder from which it is
loaded the next time. Each engine is a module beside this one."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Literal, Protocol, TypeAlias, get_args

from torch import Tensor, nn

from archdsl_compiler.tuning.fast_model import NoProgram

Dtype: TypeAlias = Literal["float32", "bfloat16", "float16"]
DTYPES: Final[tuple[Dtype, ...]] = get_args(Dtype)
"""What a program computes in; whatever that is, it takes and gives float32."""

Run: TypeAlias = Callable[[Sequence[Tensor]], Sequence[Tensor]]
"""Flat inputs to flat results, which are the caller's own. May be called from several threads."""

Stage: TypeAlias = Literal["install", "send", "compile", "load", "compare", "run"]


@dataclass(frozen=True, slots=True)
class Work:
    """What a program is made for. Shapes and dtypes are those of the inputs; the first axis of the first is the
    batch."""

    dtype: Dtype
    threads: int
    shapes: tuple[tuple[int, ...], ...]
    dtypes: tuple[str, ...]

    @classmethod
    def of(cls, inputs: Sequence[Tensor], dtype: Dtype = "float32", threads: int = 1) -> "Work":
        """What inputs like these need."""
        shapes = tuple(tuple(given.shape) for given in inputs)
        return cls(dtype, threads, shapes, tuple(str(given.dtype).removeprefix("torch.") for given in inputs))

    @property
    def batch(self) -> int:
        return self.shapes[0][0] if self.shapes and self.shapes[0] else 1


class EngineFailure(NoProgram):
    """An engine cannot be had, or not for this model; the model itself is as good as before."""

    def __init__(self, engine: str, stage: Stage, reason: str) -> None:
        super().__init__(engine, stage, reason)
        self.engine = engine
        self.stage = stage
        self.reason = reason

    def __str__(self) -> str:
        return f"{self.engine} failed ({self.stage}): {self.reason}"


class Engine(Protocol):
    """One engine, or one variant of it, whose name has the variant behind a colon."""

    @property
    def name(self) -> str: ...

    def available(self) -> str:
        """Empty, or why this engine cannot be used here and what to install."""
        ...

    def versions(self) -> tuple[str, ...]:
        """Of all that shapes what is kept in a folder."""
        ...

    def dtypes(self) -> tuple[Dtype, ...]:
        """Those that this processor computes in, and not merely by way of another."""
        ...

    def expected_seconds(self, nodes: int) -> float:
        """About how long `write` takes for a graph with so many calls of ops."""
        ...

    def write(self, model: nn.Module, inputs: Sequence[Tensor], work: Work, folder: Path) -> None:
        """Make the program of a model in eval mode and leave it in an empty folder. Any exception is a failure."""
        ...

    def load(self, folder: Path, work: Work) -> Run:
        """The program of a folder. It may take other batches than that of `work`, or raise an exception then."""
        ...
