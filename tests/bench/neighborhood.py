"""Neighborhood attention, as every model has it, beside PyTorch's fused attention over the whole map with a mask."""

from statistics import median
from time import process_time
from typing import Final

import torch
from torch.nn import functional

from archdsl_compiler.emit.prelude import NeighborhoodAttention
from archdsl_compiler.tuning.allocator import keep_freed_memory
from tests.bench.measures import Measure

PROMISED: Final = 5.0
KERNEL: Final = 7
CHANNELS: Final = 32
MAPS: Final = ((56, 2), (28, 4), (14, 8))
"""Sides of maps, with their heads."""


def neighborhood_attention(side: int, heads: int, runs: int, biased: bool = False) -> Measure:
    """How many times as long the masked product takes, of one thread's time, the two in turn. Its inputs lie as it
    reads them fastest, ours as a linear layer gives them."""
    keep_freed_memory()
    torch.manual_seed(0)
    size = (side, side)
    q, k, v = torch.randn(1, side, side, 3, heads, CHANNELS).unbind(3)
    given = [torch.randn(heads, 2 * KERNEL - 1, 2 * KERNEL - 1)] if biased else []
    layer = NeighborhoodAttention(size, KERNEL, biased=biased)
    whole = NeighborhoodAttention(size, KERNEL, biased=biased, tile=side)
    mask = (whole.biases(given[0]) if biased else whole.mask).transpose(0, 1).contiguous()
    tokens = [x.flatten(1, 2).transpose(1, 2).contiguous() for x in (q, k, v)]
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    ours: list[float] = []
    masked: list[float] = []
    try:
        with torch.inference_mode():
            for _ in range(runs + 1):
                began = process_time()
                found = layer(q, k, v, *given)
                between = process_time()
                expected = functional.scaled_dot_product_attention(*tokens, mask)
                masked.append(process_time() - between)
                ours.append(between - began)
    finally:
        torch.set_num_threads(threads)
    torch.testing.assert_close(found.flatten(1, 2).transpose(1, 2), expected, atol=1e-4, rtol=1e-4)
    times = {"ours_ms": median(ours[1:]) * 1e3, "masked_ms": median(masked[1:]) * 1e3}
    name = f"neighbours of {side} x {side}{', biased' if biased else ''}, to all with a mask"
    bound = PROMISED if side == MAPS[0][0] else None
    return Measure(name, times["masked_ms"] / times["ours_ms"], "times", at_least=bound, more=tuple(times.items()))


def neighborhoods() -> list[Measure]:
    """Maps of several sizes; on the largest, a speed is promised."""
    return [neighborhood_attention(*of, 15, biased) for of in MAPS for biased in (False, True)]
