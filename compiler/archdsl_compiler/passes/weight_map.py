"""How the parameters of a rewritten module follow from those that it had, as records without any tensor.

Labels are relative to the module, so one record holds for every place at which the module is called. `weights` reads
the records and computes."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal, TypeAlias

from archdsl_compiler.graph import Module


@dataclass(frozen=True, slots=True)
class FoldedNorm:
    """The batch norm at `norm` went into the product at `label`, which stands before it or behind it (`side`). `op` is
    the product: conv, conv_transpose or linear; `bias` and `affine` say which parameters the two had."""

    side: Literal["before", "behind"]
    op: str
    label: str
    norm: str
    eps: float
    groups: int
    bias: bool
    affine: bool


@dataclass(frozen=True, slots=True)
class Branch:
    """One of the branches that are summed: a convolution, a batch norm of the input, or the input itself. A kernel
    stands in the merged one behind `offset` zeros on each axis."""

    sort: Literal["conv", "norm", "input"]
    label: str = ""
    offset: tuple[int, ...] = ()
    bias: bool = False
    affine: bool = False
    eps: float = 0.0


@dataclass(frozen=True, slots=True)
class MergedBranches:
    """The sum of `branches` became the convolution at `label`, whose weight has this `shape`."""

    label: str
    branches: tuple[Branch, ...]
    shape: tuple[int, ...]
    groups: int
    bias: bool


@dataclass(frozen=True, slots=True)
class Strided:
    """Whole numbers: `offset`, and from there on in steps, each so many times; the last step moves fastest."""

    offset: int = 0
    steps: tuple[tuple[int, int], ...] = ()

    def numbers(self) -> list[int]:
        found = [self.offset]
        for size, step in self.steps:
            found = [number + place * step for number in found for place in range(size)]
        return found


@dataclass(frozen=True, slots=True)
class Scaled:
    """The factor behind or before a product went into its weight. It is a number, or a parameter: then channel number i
    of `channels` is multiplied by number i of its `entries`. The parameter goes unless something else reads it
    (`kept`)."""

    side: Literal["before", "behind"]
    op: str
    label: str
    groups: int
    bias: bool
    factor: float | str
    channels: Strided
    entries: Strided = Strided()
    kept: bool = False


@dataclass(frozen=True, slots=True)
class Shifted:
    """The parameter `shift` that was added before a product went into its bias: to column number i belongs number i of
    `entries`. The parameter goes unless something else reads it (`kept`)."""

    op: str
    label: str
    groups: int
    bias: bool
    shift: str
    entries: Strided
    kept: bool


@dataclass(frozen=True, slots=True)
class MergedProducts:
    """The product at `first` went into the one at `second`, which reads its result; one of them has a kernel of a
    single place. `first_bias` and `second_bias` say which biases there were."""

    first: str
    second: str
    first_bias: bool
    second_bias: bool


@dataclass(frozen=True, slots=True)
class Cropped:
    """Of the kernel of the convolution at `label` these places stay, along each axis."""

    label: str
    spans: tuple[tuple[int, int], ...]


@dataclass(frozen=True, slots=True)
class Computed:
    """The results of `module`, which has no inputs, became parameters at `labels`; it holds parameters of the module
    that the change is of, under the same names. Those at `gone` leave the state dict."""

    labels: tuple[str, ...]
    module: Module = field(repr=False)
    gone: tuple[str, ...]


Change: TypeAlias = FoldedNorm | MergedBranches | MergedProducts | Scaled | Shifted | Cropped | Computed
WeightMap: TypeAlias = Mapping[Module, tuple[Change, ...]]
"""For each module as it was before the pass, what became of its own parameters, in the order in which to compute it."""
