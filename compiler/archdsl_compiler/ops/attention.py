"""Attention as one op: over all, and over a part of a map, where what each place asks depends on where it lies."""

from archdsl_compiler.ops.broadcasting import broadcast_shapes
from archdsl_compiler.ops.checks import at_least, each, holds, need_float, need_rank, product, show, whole
from archdsl_compiler.ops.contract import Inferred, OpFault, Real, Sizes, op
from archdsl_compiler.sizes import Size, is_batch_dependent, same
from archdsl_compiler.types import TensorType

MAP = "[b, h, w, heads, d]"


@op(
    "[..., n, d], [..., m, d], [..., m, e], bias: [..., n, m] -> [..., n, e]",
    cost="n * m * (d + e) for each pair of matrices",
)
def scaled_dot_product(
    q: TensorType, k: TensorType, v: TensorType, bias: TensorType | None = None, *, scale: Real | None = None
) -> Inferred:
    """Softmax attention in one step: `softmax(q @ k.T * scale + bias) @ v`, without holding the scores where PyTorch
    has a kernel for that. Axes before the last two are the same in all three, batch and heads for the fast kernels; the
    bias broadcasts to the scores. `scale` is `d ** -0.5` unless given."""
    for name, tensor in (("q", q), ("k", k), ("v", v)):
        need_rank(tensor, 2, None, "[..., n, d]", name)
        need_float(tensor, name)
        if tensor.dtype != q.dtype or len(tensor.shape) != len(q.shape):
            message = f"attention takes tensors of one dtype with as many axes; `q` is {q}, `{name}` is {tensor}"
            raise OpFault("mismatch", message, name, "q", label="bring it into the form of the queries")
    *lead, rows, width = q.shape
    columns, out = k.shape[-2], v.shape[-1]
    for name, tensor, wanted in (("k", k, (*lead, columns, width)), ("v", v, (*lead, columns, out))):
        for axis, (found, size) in enumerate(zip(tensor.shape, wanted, strict=True)):
            if not same(found, size):
                other = "k" if name == "v" and axis == len(lead) else "q"
                message = f"axis {axis} of `{name}`, which is {tensor}, must be {size}; `q` is {q}, `k` is {k}"
                raise OpFault("mismatch", message, name, other, label="make the axes equal")
    scores = q.reshaped(*lead, rows, columns)
    if bias is not None:
        need_float(bias, "bias")
        together, position = broadcast_shapes(scores.shape, bias.shape)
        if position is not None or len(together) > len(scores.shape) or bias.dtype != q.dtype:
            message = f"`bias` is {bias}, which does not broadcast to the scores, {scores}"
            raise OpFault("broadcast", message, "bias", "q", label="make its axes equal, or 1")
    if scale is not None and is_batch_dependent(scale):
        raise OpFault("value", f"`scale` is {scale}, which follows from the batch", "scale", label="give a number")
    return Inferred(q.reshaped(*lead, rows, out), (), whole(product(scores.shape) * (width + out)))


@op(
    "[b, h, w, heads, d], [b, h, w, heads, d], [b, h, w, heads, e] -> [b, h, w, heads, e]",
    cost="(d + e) * the places of the kernel, for each head at each place",
)
def neighborhood_attention(
    q: TensorType,
    k: TensorType,
    v: TensorType,
    bias: TensorType | None = None,
    *,
    kernel: Sizes,
    dilation: Sizes = 1,
    scale: Real | None = None,
) -> Inferred:
    """Softmax attention where each place asks `kernel` by `kernel` places: those around it, every `dilation`-th one. At
    a border the window moves inside, so all places ask as many. The heads stand behind the places, as a linear layer
    gives them, so that neighbours are whole rows of memory. Scores are multiplied by `scale`, `d ** -0.5` unless
    given; `bias[head, y, x]`, of shape [heads, 2 * kernel - 1, 2 * kernel - 1], is added by the offset of the place
    that is asked, counted from the farthest one above and to the left."""
    for name, tensor in (("q", q), ("k", k), ("v", v)):
        need_rank(tensor, 5, 5, MAP, name)
        need_float(tensor, name)
    for name, other, axes in (("k", k, 5), ("v", v, 4)):
        _need_same(q, other, name, axes)
    kernels, dilations = _reach(q, kernel, dilation)
    if bias is not None:
        _need_bias(bias, q.shape[3], kernels)
    if scale is not None and is_batch_dependent(scale):
        raise OpFault("value", f"`scale={scale}` depends on the batch", "scale", label="use a number here")
    macs = whole(product((*q.shape[:4], *kernels)) * (q.shape[4] + v.shape[4]))
    return Inferred(v, (), macs, {"kernel": kernels, "dilation": dilations})


def _need_same(q: TensorType, other: TensorType, name: str, axes: int) -> None:
    """The first axes of q and another tensor agree, and so do their dtypes."""
    for axis in range(axes):
        if not same(q.shape[axis], other.shape[axis]):
            reason = f"axis {axis} is {q.shape[axis]} and {other.shape[axis]}"
            raise OpFault(
                "mismatch", f"`q` is {q} and `{name}` is {other}: {reason}", name, "q", label=f"make axis {axis} alike"
            )
    if q.dtype != other.dtype:
        message = f"`q` is {q} and `{name}` is {other}; they must have one dtype"
        raise OpFault("dtype", message, name, "q", label="cast one")


def _reach(q: TensorType, kernel: Sizes, dilation: Sizes) -> tuple[tuple[Size, ...], tuple[Size, ...]]:
    """The kernel and the dilation along both axes of the map, in which their window has to find room."""
    kernels, dilations = (each(given, 2, name, of="q") for given, name in ((kernel, "kernel"), (dilation, "dilation")))
    for axis, (size, length, step) in enumerate(zip(q.shape[1:3], kernels, dilations, strict=True), start=1):
        at_least(length, 1, "kernel")
        at_least(step, 1, "dilation")
        for value, name in ((size, "q"), (length, "kernel"), (step, "dilation")):
            if is_batch_dependent(value):
                what = f"axis {axis} of `q`, {value}," if name == "q" else f"`{name}={value}`"
                message = f"{what} depends on the batch, and with it the places that are asked"
                raise OpFault("size", message, name, label="use a size that is the same for every batch")
        if not holds("==", whole(length % 2), 1):
            message = f"`kernel={length}` is even, so no place is in the middle of its neighbours"
            raise OpFault("value", message, "kernel", label="use an odd kernel")
        if not holds("<=", whole(length * step), size):
            apart = "" if step == 1 else f" with dilation {step}"
            needs = f"the kernel {show(kernels)}{apart} needs {whole(length * step)} places along axis {axis}"
            cause = ("kernel", "q") if step == 1 else ("kernel", "dilation", "q")
            label = "use a smaller kernel" if step == 1 else "use a smaller kernel or dilation"
            raise OpFault("size", f"{needs}, but the map {q} has only {size}", *cause, label=label)
    return kernels, dilations


def _need_bias(bias: TensorType, heads: Size, kernels: tuple[Size, ...]) -> None:
    need_rank(bias, 3, 3, "[heads, 2 * kernel - 1, 2 * kernel - 1]", "bias")
    need_float(bias, "bias")
    shape = (heads, *(whole(2 * length - 1) for length in kernels))
    if not all(same(mine, wanted) for mine, wanted in zip(bias.shape, shape, strict=True)):
        (height, width), (rows, columns) = kernels, shape[1:]
        offsets = f"a kernel of {height} by {width} has {rows} by {columns} offsets"
        message = f"`bias` is {bias}; {offsets}, and `q` has {heads} heads"
        raise OpFault("mismatch", message, "bias", "kernel", label=f"give {show(shape)}")
