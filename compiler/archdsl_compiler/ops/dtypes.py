"""The dtype of what several operands give: PyTorch's promotion, with `real` for the dtype that the model runs in."""

from archdsl_compiler.ops.contract import Operand
from archdsl_compiler.sizes import Symbolic, apply
from archdsl_compiler.types import TensorType

_CATEGORY = {"bool": 0, "int64": 1, "float16": 2, "bfloat16": 2, "float32": 2, "real": 2, "complex": 3}


def dtype_of(operand: Operand) -> str:
    if isinstance(operand, TensorType):
        return operand.dtype
    if isinstance(operand, Symbolic):
        return "int64" if apply("floor", operand) == operand else "real"
    return "bool" if isinstance(operand, bool) else "int64" if isinstance(operand, int) else "real"


def promote(*operands: Operand) -> str:
    """A number, and a tensor without axes, only decides where its category is higher: `float16[n] * 0.5` stays
    `float16`."""
    first = operands[0]
    if (
        type(first) is TensorType
        and first.shape
        and all(type(o) is TensorType and o.shape and o.dtype == first.dtype for o in operands)
    ):
        return first.dtype
    weights: list[str | None] = [None, None, None]
    for operand in operands:
        weight = 2 if not isinstance(operand, TensorType) else 0 if operand.shape else 1
        known = weights[weight]
        weights[weight] = dtype_of(operand) if known is None else _wider(known, dtype_of(operand))
    result: str | None = None
    for dtype in weights:
        if result is None or (dtype is not None and _CATEGORY[dtype] > _CATEGORY[result]):
            result = dtype
    return result or "real"


def real_if_whole(dtype: str) -> str:
    """The dtype after division, roots and the like."""
    return "real" if dtype in ("int64", "bool") else dtype


def _wider(left: str, right: str) -> str:
    if _CATEGORY[left] != _CATEGORY[right]:
        return max(left, right, key=_CATEGORY.__getitem__)
    if left == right:
        return left
    # Half precision of two kinds meets in float32; with `real`, which may be float32, it is `real` that is certain.
    return "real" if "real" in (left, right) and "float32" not in (left, right) else "float32"
