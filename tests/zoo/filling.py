"""Weights and pictures that anyone can make again: with these a reference and a model of the zoo are compared.

The value of an entry of the state dict follows from its place, its rule and its shape. The place counts all entries in
the order of the reference. A generator that is seeded with 1000 and the place draws normal numbers; the rule scales and
moves them; they are rounded to float32, also where the model then runs in float64."""

import math
import re
from collections.abc import Sequence

import numpy

FIRST_SEED = 1000
PICTURES = 7

_TABLES = (
    r"(pos_embed|cls_token|dist_token|reg_token|relative_position_bias_table|attention_biases|attention_bias_table)"
    r"(_?\d+|\.\d+)?$"
)
# Depthwise convolutions beside a sum that nothing normalises: larger weights would double it each time.
_SMALL = r"(^|\.)cpe\d+\.proj\.weight$"
_SCALES = r"((^|\.)gamma(_?\d+)?|layer_scale(_?\d+)?(\.(scale|gamma))?)$"


def filled(place: int, rule: str, shape: Sequence[int], gain: float = 1.0) -> numpy.ndarray | None:
    """The float32 values of an entry; None where it keeps what the model gave it."""
    if rule == "keep":
        return None
    noise = numpy.random.Generator(numpy.random.PCG64(FIRST_SEED + place)).standard_normal(tuple(shape))
    match rule:
        case "weight":
            values = noise * (gain / math.sqrt(max(1, math.prod(shape[1:]))))
        case "unit":
            values = 1.0 + 0.1 * noise
        case "bias" | "table" | "mean":
            values = 0.1 * noise
        case "gamma":
            values = 0.5 + 0.1 * noise
        case "var":
            values = 1.0 + 0.1 * numpy.abs(noise)
        case _:
            raise ValueError(rule)
    return values.astype(numpy.float32)


def pictures(shape: Sequence[int]) -> numpy.ndarray:
    return numpy.random.Generator(numpy.random.PCG64(PICTURES)).standard_normal(tuple(shape)).astype(numpy.float32)


def rule_of(name: str, rank: int, kind: str, real: bool) -> str:
    """The rule for an entry of a reference; goldens carry it, so only who makes them asks."""
    last = name.rpartition(".")[2]
    if not real:
        return "keep"
    if last in ("running_mean", "running_var"):
        return last.removeprefix("running_")
    if kind == "buffer":
        return "keep"
    if re.search(_TABLES, name) or re.search(_SMALL, name):
        return "table"
    if re.search(_SCALES, name):
        return "gamma"
    if rank >= 2:
        return "weight"
    return "bias" if last.endswith("bias") else "unit"
