"""Matrix products: learned, of two tensors, by experts, and by an einsum pattern."""

from archdsl_compiler.ops.broadcasting import broadcast_shapes
from archdsl_compiler.ops.checks import at_least, need_float, need_int64, need_rank, parameter, product, whole
from archdsl_compiler.ops.contract import Inferred, Init, OpFault, op
from archdsl_compiler.ops.dtypes import promote
from archdsl_compiler.ops.patterns import parse_einsum
from archdsl_compiler.sizes import Size, same
from archdsl_compiler.types import TensorType


@op("[..., c] -> [..., out]", cost="c * out for each vector", state="weight [out, c], bias [out]")
def linear(x: TensorType, *, out: Size, bias: bool = True, init: Init = None, init_bias: Init = None) -> Inferred:
    """A learned matrix product over the last axis, plus a learned bias."""
    need_rank(x, 1, None, "[..., c]")
    need_float(x)
    at_least(out, 1, "out")
    channels = x.shape[-1]
    weight = parameter("weight", (out, channels), init)
    parameters = (weight, parameter("bias", (out,), init_bias)) if bias else (weight,)
    return Inferred(x.reshaped(*x.shape[:-1], out), parameters, product((*x.shape, out)))


@op("[..., n, k], [..., k, m] -> [..., n, m]", cost="n * k * m for each pair of matrices")
def matmul(left: TensorType, right: TensorType) -> Inferred:
    """The matrix product `left @ right` of the last two axes; axes before them broadcast. A tensor with one axis is
    taken as a row on the left and as a column on the right."""
    need_rank(left, 1, None, "[..., n, k]", "left")
    need_rank(right, 1, None, "[..., k, m]", "right")
    dtype = _product_dtype(left, right, "left", "right")
    inner, other = left.shape[-1], right.shape[-2:][0]
    if not same(inner, other):
        side = "second last axis" if len(right.shape) > 1 else "only axis"
        message = (
            f"{left} @ {right} does not fit: the last axis on the left is {inner}, the {side} on the right is {other}"
        )
        raise OpFault("mismatch", message, "left", "right", label="transpose a side by `.T`, or change its size")
    batch, position = broadcast_shapes(left.shape[:-2], right.shape[:-2])
    if position is not None:
        axis = position - 2
        reason = f"axis {axis} is {left.shape[axis]} on the left and {right.shape[axis]} on the right"
        raise OpFault(
            "broadcast",
            f"{left} @ {right} does not broadcast: {reason}",
            "left",
            "right",
            label="make the axis equal, or 1 on one side",
        )
    rows, columns = left.shape[-2:-1], right.shape[-1:] if len(right.shape) > 1 else ()
    shape = (*batch, *rows, *columns)
    # A product with a single vector is no matrix product: PyTorch does not count it.
    macs = product((*shape, inner)) if columns else 0
    return Inferred(TensorType(shape, dtype), (), macs)


@op(
    "[n, k, c], chosen: int64[n, k] -> [n, k, out]",
    cost="c * out for each of the n * k vectors",
    state="weight [experts, out, c], bias [experts, out]",
)
def expert_linear(
    x: TensorType,
    chosen: TensorType,
    *,
    out: Size,
    experts: Size,
    bias: bool = True,
    init: Init = None,
    init_bias: Init = None,
) -> Inferred:
    """A linear for each expert; every vector visits the expert that `chosen` names, and only those are computed."""
    need_rank(x, 3, 3, "[n, k, c]")
    need_rank(chosen, 2, 2, "int64[n, k]", "chosen")
    need_float(x)
    need_int64(chosen, "chosen")
    at_least(out, 1, "out")
    at_least(experts, 1, "experts")
    for axis, name in enumerate("nk"):
        if not same(x.shape[axis], chosen.shape[axis]):
            reason = f"axis {axis} is {x.shape[axis]} in `x` and {chosen.shape[axis]} in `chosen`"
            raise OpFault(
                "mismatch",
                f"`x` is {x} and `chosen` is {chosen}: {reason}",
                "chosen",
                "x",
                label=f"both need the same {name}",
            )
    weight = parameter("weight", (experts, out, x.shape[2]), init)
    parameters = (weight, parameter("bias", (experts, out), init_bias)) if bias else (weight,)
    return Inferred(x.reshaped(*x.shape[:2], out), parameters, product((*x.shape, out)))


@op(
    "tensors -> what the pattern says",
    cost="the product of all axes that meet, for each pair of tensors from left to right",
)
def einsum(tensors: list[TensorType], *, pattern: str) -> Inferred:
    """Multiplies tensors and sums over the axes that the right side of the pattern leaves out, as in `einsum(q, k, "b
    h i d, b h j d -> b h i j")`. Axes are named by words; patterns without spaces, `"bhid,bhjd->bhij"`, take one
    letter for each axis."""
    dtype = tensors[0].dtype if tensors else "real"
    for number, tensor in enumerate(tensors):
        _product_dtype(tensors[0], tensor, "tensors", "tensors", f"number {number} of `tensors`")
        dtype = promote(TensorType((1,), dtype), TensorType((1,), tensor.dtype))
    parsed = parse_einsum(pattern, [len(tensor.shape) for tensor in tensors])
    sizes: dict[str, tuple[Size, int]] = {}
    for number, (tensor, names) in enumerate(zip(tensors, parsed.inputs, strict=True)):
        for name, size in zip(names, tensor.shape, strict=True):
            known, owner = sizes.setdefault(name, (size, number))
            if not same(known, size):
                message = (
                    f"`{name}` is {known} in tensor {owner} and {size} in tensor {number} of the pattern `{pattern}`"
                )
                raise OpFault("mismatch", message, "tensors", "pattern", label=f"`{name}` needs one size")
            if type(size) is int:
                sizes[name] = (size, owner)
    shape = tuple(sizes[name][0] for name in parsed.output)
    macs = _einsum_macs(parsed.inputs, parsed.output, {name: size for name, (size, _) in sizes.items()})
    return Inferred(TensorType(shape, dtype), (), macs, {"inputs": parsed.inputs, "output": parsed.output})


def _einsum_macs(inputs: tuple[tuple[str, ...], ...], output: tuple[str, ...], sizes: dict[str, Size]) -> Size:
    """Pairs from left to right, as PyTorch does it: a pair that sums over a shared axis is one batched product."""
    total: Size = 0
    left = set(inputs[0])
    for position, right_names in enumerate(inputs[1:], start=1):
        right = set(right_names)
        later = set(output).union(*inputs[position + 1 :])
        alone = {name for name in left ^ right if name not in later}
        summed = (left & right) - later
        met = (left | right) - alone
        if summed:
            total = whole(total + product(sizes[name] for name in sorted(met)))
        left = met - summed
    return total


def _product_dtype(left: TensorType, right: TensorType, first: str, second: str, where: str = "") -> str:
    """Products take numbers of one sort: two reals, two int64 or two complex."""
    if left.dtype in ("bool", "int64", "complex") or right.dtype in ("bool", "int64", "complex"):
        if left.dtype != right.dtype or left.dtype == "bool":
            message = f"a product takes two tensors of one dtype; they are {left} and {right}"
            raise OpFault(
                "dtype", f"{where}: {message}" if where else message, first, second, label="cast one: `float32(...)`"
            )
        return left.dtype
    return promote(TensorType((1,), left.dtype), TensorType((1,), right.dtype))
