"""Noise for training."""

from archdsl_compiler.ops.checks import at_least, need_float, need_rank, within
from archdsl_compiler.ops.contract import Inferred, Real, op
from archdsl_compiler.types import TensorType

SAME = "any -> the same"


@op(SAME)
def dropout(x: TensorType, *, rate: Real) -> Inferred:
    """In training, sets each number to 0 with this probability and enlarges the others to make up for it."""
    need_float(x)
    within(rate, 0, 1, "rate")
    return Inferred(x)


@op("[b, ...] -> the same")
def drop_path(x: TensorType, *, rate: Real) -> Inferred:
    """In training, sets each element of the batch to 0 as a whole with this probability and enlarges the others to
    make up for it."""
    need_rank(x, 1, None, "[b, ...]")
    need_float(x)
    within(rate, 0, 1, "rate")
    return Inferred(x)


@op(SAME)
def add_noise(x: TensorType, *, std: Real) -> Inferred:
    """Adds normal noise, always; `in_training(add_noise(...))` adds it in training only."""
    need_float(x)
    at_least(std, 0, "std")
    return Inferred(x)
