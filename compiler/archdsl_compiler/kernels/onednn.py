"""oneDNN's products with weights in its own form, as PyTorch has them: what they can do here, and what they fuse."""

from functools import cache
from typing import Any

import torch

from archdsl_compiler.graph import OpCall
from archdsl_compiler.kernels.contract import Case
from archdsl_compiler.passes.rewriting import setting_of

Fusion = tuple[str, list[float], str | None]
"""An activation in oneDNN's words: its name, its numbers, its kind."""
NOTHING: Fusion = ("none", [], "")

_NAMES: dict[str, Fusion] = {
    "relu": ("relu", [], ""),
    "relu6": ("hardtanh", [0.0, 6.0], ""),
    "silu": ("swish", [], ""),
    "hard_swish": ("hardswish", [], ""),
    "hard_sigmoid": ("hardsigmoid", [], ""),
    "sigmoid": ("sigmoid", [], ""),
    "tanh": ("tanh", [], ""),
}


def packs(case: Case) -> bool:
    """Whether oneDNN takes the numbers of a mode, here, and computes in them."""
    if case.place.device != "cpu" or not _is_there():
        return False
    features, ops = case.place.features, torch.ops.mkldnn
    if case.mode.dtype == "bfloat16":
        return bool(features & {"avx512_bf16", "amx_bf16", "bf16"}) and bool(ops._is_mkldnn_bf16_supported())
    if case.mode.dtype == "float16":
        return bool(features & {"avx512_fp16", "amx_fp16"}) and bool(ops._is_mkldnn_fp16_supported())
    return case.mode.dtype == "float32"


@cache
def _is_there() -> bool:
    ops: Any = torch.ops.mkldnn
    needed = ("_linear_pointwise", "_convolution_pointwise", "_reorder_linear_weight", "_reorder_convolution_weight")
    return torch.backends.mkldnn.is_available() and all(hasattr(ops, name) for name in needed)


def fusion(activation: OpCall | None) -> Fusion:
    """An activation as oneDNN has it."""
    if activation is None:
        return NOTHING
    name = activation.op.name
    if name == "gelu":
        return "gelu", [], str(setting_of(activation, "approximate"))
    if name == "leaky_relu":
        slope: Any = setting_of(activation, "slope")
        return "leaky_relu", [float(slope)], ""
    return _NAMES[name]
