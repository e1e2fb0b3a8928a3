"""The pooling mixer of maps as one kernel of a GPU: the map is read once and written once."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final, cast

import torch
from torch import Tensor

from archdsl_compiler.graph import Module
from archdsl_compiler.kernels.contract import Case, Run
from archdsl_compiler.kernels.flat import Reading
from archdsl_compiler.kernels.gpu.triton import runs
from archdsl_compiler.kernels.regions.pool_mixer import PoolMixer
from archdsl_compiler.passes.rewriting import setting_of

BLOCK: Final = 256
"""Numbers that a program makes."""
LARGEST: Final = 7
"""Windows of more rows or columns are read too often for that."""


@dataclass(frozen=True, slots=True)
class PoolByTriton:
    """Computes in float32 and rounds once."""

    name: str = "pool_by_triton"
    kinds: tuple[str, ...] = ("pool_mixer",)
    version: int = 1

    def applies(self, case: Case) -> bool:
        mixer = _facts(case)
        types = Reading(case.region.piece).types
        shape = types[mixer.source].shape
        if not runs(case) or len(shape) != 4 or _window(mixer) is None:
            return False
        return mixer.scale is None or types[mixer.scale].shape in ((shape[1], 1, 1), (1, shape[1], 1, 1))

    def factor(self, case: Case) -> float:
        return 0.3

    def make(self, case: Case, weights: Mapping[str, Tensor], constants: Mapping[int, Tensor]) -> Run:
        from archdsl_compiler.kernels.gpu import pool_source

        mixer, window = _facts(case), _window(_facts(case))
        assert window is not None
        (tall, wide), (up, left), counted = window
        launch = cast(Any, pool_source).mixed

        def mixed(*inputs: Tensor) -> Tensor:
            x = inputs[mixer.source]
            last = x.is_contiguous(memory_format=torch.channels_last) and not x.is_contiguous()
            out = torch.empty_like(x, memory_format=torch.channels_last if last else torch.contiguous_format)
            other = x if mixer.other is None else inputs[mixer.other]
            scale = x if mixer.scale is None else inputs[mixer.scale].contiguous()
            with torch.cuda.device_of(x):
                launch[(-(-x.numel() // BLOCK),)](
                    *(x, other, scale, out, x.numel(), *x.shape[1:], *x.stride(), *other.stride(), *out.stride()),
                    *(mixer.number, tall, wide, up, left, counted, last),
                    *(mixer.other is not None, mixer.scale is not None, BLOCK),
                )
            return out

        return mixed

    def written(self, case: Case) -> Module | None:
        return None


KERNELS = (PoolByTriton(),)


def _facts(case: Case) -> PoolMixer:
    return cast(PoolMixer, case.region.facts)


def _window(mixer: PoolMixer) -> tuple[tuple[int, int], tuple[int, int], bool] | None:
    """How large it is, how far it reaches up and to the left, and whether what it has of the padding counts. None for
    windows that are too large, or that lie otherwise."""
    settings = mixer.pool.resolved
    kernel, padding = settings["kernel"], settings["padding"]
    if len(cast("tuple[int, ...]", kernel)) != 2 or settings["stride"] != (1, 1) or not isinstance(padding, tuple):
        return None
    size, ahead = cast("tuple[int, int]", kernel), cast("tuple[int, int]", padding)
    if max(size) > LARGEST or any(2 * pad + 1 != length for pad, length in zip(ahead, size, strict=True)):
        return None
    return size, ahead, bool(setting_of(mixer.pool, "count_padding"))
