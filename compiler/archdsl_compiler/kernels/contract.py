"""What a kernel is: another way to compute a region.

A kernel is asked for a case: a region with its tensors as they come, in one mode, on one machine. `make` transforms the
weights, once, and gives a callable that takes the inputs of the region in their order, works for any batch and gives
what the plain piece gives. Its strides are its own: whoever needs others converts."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from importlib import import_module
from typing import TYPE_CHECKING, Any, Literal, Protocol, TypeAlias

from archdsl_compiler.graph import Module
from archdsl_compiler.kernels.regions.contract import Region

if TYPE_CHECKING:
    from torch import Tensor

Layout: TypeAlias = Literal["natural", "last"]
Run: TypeAlias = Callable[..., Any]
"""Tensors in, a tensor or a tuple of them out."""
LIMITS: Mapping[str, float] = {"float32": 1e-4, "bfloat16": 3e-2, "float16": 3e-2, "float64": 1e-10}
"""The largest difference to the plain piece in float32, as a share of its largest number, by the dtype of a mode."""


@dataclass(frozen=True, slots=True)
class Mode:
    """How regions may run: `last` keeps maps with their channels last, `natural` leaves strides as the ops give them;
    real numbers have this dtype."""

    layout: Layout = "natural"
    dtype: str = "float32"

    def __str__(self) -> str:
        return f"{self.dtype}/{self.layout}"


@dataclass(frozen=True, slots=True)
class Operand:
    """A tensor as it comes or goes."""

    shape: tuple[int, ...]
    strides: tuple[int, ...]
    dtype: str


@dataclass(frozen=True, slots=True)
class Place:
    """Where a kernel runs: `device` is cpu or cuda, `features` the instruction sets of a processor (avx512f, amx_bf16),
    or the generation of a GPU (sm_90)."""

    device: str
    threads: int
    features: frozenset[str]


@dataclass(frozen=True, slots=True)
class Case:
    """A region at work. `outputs` are as the next regions want them."""

    region: Region
    mode: Mode
    inputs: tuple[Operand, ...]
    outputs: tuple[Operand, ...]
    place: Place


class Kernel(Protocol):
    """One way to compute regions of some kinds; no kinds are all. `version` changes with what it computes or how fast,
    so that older times are not taken for its own."""

    @property
    def name(self) -> str: ...

    @property
    def kinds(self) -> tuple[str, ...]: ...

    @property
    def version(self) -> int: ...

    def applies(self, case: Case) -> bool:
        """Whether it computes this case: by sizes, dtype, device, instruction set and versions."""
        ...

    def factor(self, case: Case) -> float:
        """How long it takes, as a rule of thumb, in times of the plain piece in its best layout: for choosing where
        nothing was measured."""
        ...

    def make(self, case: Case, weights: "Mapping[str, Tensor]", constants: "Mapping[int, Tensor]") -> Run:
        """The callable. `weights` are those of the piece in the dtype of the mode, `constants` the inputs that are the
        same in every pass, by position."""
        ...

    def written(self, case: Case) -> Module | None:
        """The piece in ops that are plain torch when emitted, computing as the kernel does; none if it has no such
        form, and then the piece itself is exported."""
        ...


MODULES = (
    *("plain", "linear", "convolution", "dilation", "depthwise"),
    *("attention", "pool_mixer", "neighborhood", "norm", "spectral", "chain"),
    *("gpu.pool", "gpu.neighborhood"),
)
"""Modules of this package that have `KERNELS`; the simpler kernel comes first."""


@cache
def kernels() -> tuple[Kernel, ...]:
    """All kernels, the simpler first."""
    return tuple(kernel for name in MODULES for kernel in import_module(f"archdsl_compiler.kernels.{name}").KERNELS)


def kernels_for(kind: str) -> Iterator[Kernel]:
    """Those for a kind of region."""
    return (kernel for kernel in kernels() if not kernel.kinds or kind in kernel.kinds)


def kernel(name: str) -> Kernel:
    """The kernel of this name; an unknown one is a KeyError."""
    found = next((each for each in kernels() if each.name == name), None)
    if found is None:
        raise KeyError(name)
    return found
