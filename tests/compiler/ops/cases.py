"""A working call for every op, or several, each as a function of the batch, and beside it what PyTorch has for it.

`reference` makes a module or a function of tensors. It is missing where PyTorch has nothing that says more than the
rule."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import torch
from torch import nn
from torch.nn import functional as F

from archdsl_compiler.ops.contract import InitialValue
from archdsl_compiler.sizes import Size
from archdsl_compiler.types import TensorType
from tests.compiler.neighbors import attended

Call = tuple[tuple[Any, ...], dict[str, Any]]


@dataclass(frozen=True)
class Case:
    op: str
    at_batch: Callable[[Size], Call]
    reference: Callable[[], Callable[..., Any]] | None = None

    def __str__(self) -> str:
        return self.op


def real(*shape: Size) -> TensorType:
    return TensorType(shape)


def whole(*shape: Size) -> TensorType:
    return TensorType(shape, "int64")


def truth(*shape: Size) -> TensorType:
    return TensorType(shape, "bool")


def complex_(*shape: Size) -> TensorType:
    return TensorType(shape, "complex")


def call(*tensors: Any, **settings: Any) -> Call:
    return tensors, settings


def plain(function: Callable[..., Any]) -> Callable[[], Callable[..., Any]]:
    return lambda: function


def unary(name: str, function: Callable[..., Any], **settings: Any) -> Case:
    return Case(name, lambda b: call(real(b, 4, 6), **settings), plain(function))


class ExpertLinear(nn.Module):
    def __init__(self, experts: int, channels: int, out: int) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.zeros(experts, out, channels))
        self.bias = nn.Parameter(torch.zeros(experts, out))

    def forward(self, x: torch.Tensor, chosen: torch.Tensor) -> torch.Tensor:
        vectors = x.flatten(0, 1)[:, :, None]
        return (torch.bmm(self.weight[chosen.flatten()], vectors)[:, :, 0] + self.bias[chosen.flatten()]).unflatten(
            0, chosen.shape
        )


def tf_same(x: torch.Tensor, kernel: int, stride: int, dilation: int = 1, value: float = 0.0) -> torch.Tensor:
    pads: list[int] = []
    for size in reversed(x.shape[2:]):
        total = max((-(-size // stride) - 1) * stride + dilation * (kernel - 1) + 1 - size, 0)
        pads += [total // 2, total - total // 2]
    return F.pad(x, pads, value=value)


class SameConv(nn.Conv2d):
    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return super().forward(tf_same(x, self.kernel_size[0], self.stride[0]))


CONVOLUTIONS = [
    Case("conv", lambda b: call(real(b, 8, 14, 10), out=12, kernel=3), lambda: nn.Conv2d(8, 12, 3, padding=1)),
    Case(
        "conv",
        lambda b: call(real(b, 8, 15, 11), out=12, kernel=(3, 4), stride=(2, 1), groups=4, bias=False),
        lambda: nn.Conv2d(8, 12, (3, 4), (2, 1), (1, 0), groups=4, bias=False),
    ),
    Case(
        "conv",
        lambda b: call(real(b, 8, 21), out=8, kernel=7, dilation=3, groups=8),
        lambda: nn.Conv1d(8, 8, 7, padding=9, dilation=3, groups=8),
    ),
    Case(
        "conv",
        lambda b: call(real(b, 3, 8, 9, 10), out=4, kernel=(1, 3, 5), stride=2, padding=(0, 1, 1)),
        lambda: nn.Conv3d(3, 4, (1, 3, 5), 2, (0, 1, 1)),
    ),
    Case(
        "conv",
        lambda b: call(real(b, 3, 15, 10), out=4, kernel=3, stride=2, padding="same", bias=False),
        lambda: SameConv(3, 4, 3, 2, bias=False),
    ),
    Case(
        "convolve",
        lambda b: call(real(b, 6, 9, 9), real(4, 3, 3, 3), groups=2),
        plain(lambda x, w: F.conv2d(x, w, padding=1, groups=2)),
    ),
    Case(
        "convolve", lambda b: call(real(b, 6, 9), real(4, 6, 2), stride=2), plain(lambda x, w: F.conv1d(x, w, stride=2))
    ),
    Case(
        "conv_transpose",
        lambda b: call(real(b, 8, 7, 5), out=6, kernel=3, stride=2, padding=1, extra=(1, 0), groups=2),
        lambda: nn.ConvTranspose2d(8, 6, 3, 2, 1, (1, 0), groups=2),
    ),
    Case(
        "conv_transpose",
        lambda b: call(real(b, 4, 3, 3, 3), out=2, kernel=2, stride=2, bias=False),
        lambda: nn.ConvTranspose3d(4, 2, 2, 2, bias=False),
    ),
    Case("conv_transpose", lambda b: call(real(b, 4, 5), out=2, kernel=4), lambda: nn.ConvTranspose1d(4, 2, 4)),
]

PRODUCTS = [
    Case("linear", lambda b: call(real(b, 5, 16), out=32), lambda: nn.Linear(16, 32)),
    Case("linear", lambda b: call(real(b, 16), out=3, bias=False), lambda: nn.Linear(16, 3, bias=False)),
    Case("linear", lambda b: call(real(16), out=3), lambda: nn.Linear(16, 3)),
    Case("linear", lambda b: call(real(b, 2, 3, 4, 16), out=3), lambda: nn.Linear(16, 3)),
    Case("matmul", lambda b: call(real(b, 4, 5), real(b, 5, 6)), plain(torch.matmul)),
    Case("matmul", lambda b: call(real(b, 1, 4, 5), real(2, 5, 6)), plain(torch.matmul)),
    Case("matmul", lambda b: call(real(b, 4, 5), real(5, 6)), plain(torch.matmul)),
    Case("matmul", lambda b: call(real(b, 4, 5), real(5)), plain(torch.matmul)),
    Case("matmul", lambda b: call(real(5), real(b, 5, 6)), plain(torch.matmul)),
    Case("matmul", lambda b: call(real(5), real(5)), plain(torch.matmul)),
    Case(
        "scaled_dot_product",
        lambda b: call(real(b, 2, 4, 6), real(b, 2, 5, 6), real(b, 2, 5, 6)),
        plain(lambda q, k, v: (q @ k.mT * 6**-0.5).softmax(-1) @ v),
    ),
    Case(
        "scaled_dot_product",
        lambda b: call(real(b, 2, 4, 6), real(b, 2, 5, 6), real(b, 2, 5, 7), real(2, 4, 5), scale=0.5),
        plain(lambda q, k, v, bias: (q @ k.mT * 0.5 + bias).softmax(-1) @ v),
    ),
    Case("expert_linear", lambda b: call(real(b, 2, 4), whole(b, 2), out=5, experts=6), lambda: ExpertLinear(6, 4, 5)),
    *(
        Case(
            "einsum",
            lambda b, shapes=shapes, pattern=pattern: call([real(b, *rest) for rest in shapes], pattern=pattern),
            plain(lambda tensors, pattern=pattern: torch.einsum(pattern, *tensors)),
        )
        for pattern, shapes in [
            ("bij,bjk->bik", [(4, 5), (5, 6)]),
            ("bij,bjk->bi", [(4, 5), (5, 6)]),
            ("bij,bij->bij", [(4, 5), (4, 5)]),
            ("bij,bjk,bkl->bil", [(4, 5), (5, 6), (6, 7)]),
            ("bij,bjk,bk->bi", [(4, 5), (5, 6), (6,)]),
            ("bij->ji", [(4, 5)]),
            ("bi,bi->", [(4,), (4,)]),
            ("bi,bj->bij", [(4,), (5,)]),
        ]
    ),
    Case(
        "einsum",
        lambda b: call([real(b, 2, 4, 5), real(b, 2, 6, 5)], pattern="b h i d, b h j d -> b h i j"),
        plain(lambda tensors: torch.einsum("bhid,bhjd->bhij", *tensors)),
    ),
]

NORMS = [
    Case("batch_norm", lambda b: call(real(b, 6, 5, 5)), lambda: nn.BatchNorm2d(6)),
    Case("batch_norm", lambda b: call(real(b, 6)), lambda: nn.BatchNorm1d(6)),
    Case("batch_norm", lambda b: call(real(b, 6, 5, 5, 2), affine=False), lambda: nn.BatchNorm3d(6, affine=False)),
    Case("instance_norm", lambda b: call(real(b, 6, 5, 5)), lambda: nn.InstanceNorm2d(6, affine=True)),
    Case("instance_norm", lambda b: call(real(b, 6, 5), affine=False), lambda: nn.InstanceNorm1d(6)),
    Case("group_norm", lambda b: call(real(b, 6, 5, 5), groups=3), lambda: nn.GroupNorm(3, 6)),
    Case("group_norm", lambda b: call(real(b, 6), groups=1, affine=False), lambda: nn.GroupNorm(1, 6, affine=False)),
    Case("layer_norm", lambda b: call(real(b, 5, 6)), lambda: nn.LayerNorm(6)),
    Case("layer_norm", lambda b: call(real(b, 5, 6), bias=False), lambda: nn.LayerNorm(6, bias=False)),
    Case("layer_norm", lambda b: call(real(b, 5, 6), affine=False), lambda: nn.LayerNorm(6, elementwise_affine=False)),
    Case("rms_norm", lambda b: call(real(b, 5, 6)), lambda: nn.RMSNorm(6, eps=1e-6)),
    Case(
        "rms_norm",
        lambda b: call(real(b, 5, 6), axis=1, affine=False),
        plain(lambda x: x / (x.square().mean(1, keepdim=True) + 1e-6).sqrt()),
    ),
    Case("normalize", lambda b: call(real(b, 5, 6), axis=1), plain(F.normalize)),
    Case(
        "cosine_similarity",
        lambda b: call(real(b, 1, 6), real(5, 6)),
        plain(lambda x, y: F.cosine_similarity(x, y, -1)),
    ),
    Case("local_response_norm", lambda b: call(real(b, 6, 5, 5), size=3), lambda: nn.LocalResponseNorm(3)),
]

ATTENTIONS = [
    Case(
        "neighborhood_attention",
        lambda b: call(*(real(b, 9, 8, 2, 4) for _ in "qkv"), kernel=3),
        plain(lambda q, k, v: attended(q, k, v, kernel=(3, 3))),
    ),
    Case(
        "neighborhood_attention",
        lambda b: call(*(real(b, 15, 19, 1, 4) for _ in "qkv"), kernel=(3, 5), dilation=(4, 2), scale=0.5),
        plain(lambda q, k, v: attended(q, k, v, kernel=(3, 5), dilation=(4, 2), scale=0.5)),
    ),
    Case(
        "neighborhood_attention",
        lambda b: call(*(real(b, 17, 13, 3, d) for d in (4, 4, 6)), real(3, 9, 13), kernel=(5, 7)),
        plain(lambda q, k, v, bias: attended(q, k, v, bias, kernel=(5, 7))),
    ),
]

ACTIVATIONS = [
    unary("relu", F.relu),
    unary("relu6", F.relu6),
    unary("gelu", F.gelu),
    unary("gelu", lambda x: F.gelu(x, approximate="tanh"), approximate="tanh"),
    unary("silu", F.silu),
    unary("mish", F.mish),
    unary("sigmoid", torch.sigmoid),
    unary("log_sigmoid", F.logsigmoid),
    unary("tanh", torch.tanh),
    unary("hard_swish", F.hardswish),
    unary("hard_sigmoid", F.hardsigmoid),
    unary("leaky_relu", lambda x: F.leaky_relu(x, 0.1), slope=0.1),
    unary("elu", F.elu),
    unary("selu", F.selu),
    Case("prelu", lambda b: call(real(b, 4, 6)), lambda: nn.PReLU()),
    Case("prelu", lambda b: call(real(b, 4, 6), shared=False), lambda: nn.PReLU(4)),
    unary("softplus", F.softplus),
    unary("softshrink", lambda x: F.softshrink(x, 0.5), limit=0.5),
    unary("glu", F.glu),
    unary("glu", lambda x: F.glu(x, 1), axis=1),
    unary("softmax", lambda x: x.softmax(1), axis=1),
    unary("log_softmax", lambda x: x.log_softmax(-1), axis=-1),
]

POOLS = [
    Case("avg_pool", lambda b: call(real(b, 4, 15, 11), kernel=2), plain(lambda x: F.avg_pool2d(x, 2))),
    Case(
        "avg_pool",
        lambda b: call(real(b, 4, 15, 11), kernel=2, ceil=True),
        plain(lambda x: F.avg_pool2d(x, 2, ceil_mode=True)),
    ),
    Case(
        "avg_pool",
        lambda b: call(real(b, 4, 15), kernel=3, stride=1, padding=1),
        plain(lambda x: F.avg_pool1d(x, 3, 1, 1)),
    ),
    Case(
        "avg_pool", lambda b: call(real(b, 4, 9, 8, 7), kernel=(1, 2, 3)), plain(lambda x: F.avg_pool3d(x, (1, 2, 3)))
    ),
    Case(
        "max_pool",
        lambda b: call(real(b, 4, 15, 11), kernel=3, stride=2, padding=1),
        plain(lambda x: F.max_pool2d(x, 3, 2, 1)),
    ),
    Case(
        "max_pool",
        lambda b: call(real(b, 4, 15), kernel=2, ceil=True),
        plain(lambda x: F.max_pool1d(x, 2, ceil_mode=True)),
    ),
    Case(
        "max_pool",
        lambda b: call(real(b, 4, 15, 10), kernel=3, stride=2, padding="same"),
        plain(lambda x: F.max_pool2d(tf_same(x, 3, 2, value=-torch.inf), 3, 2)),
    ),
    Case(
        "adaptive_pool",
        lambda b: call(real(b, 4, 15, 11), size=(3, 2)),
        plain(lambda x: F.adaptive_avg_pool2d(x, (3, 2))),
    ),
    Case(
        "adaptive_pool",
        lambda b: call(real(b, 4, 15), size=4, mode="max"),
        plain(lambda x: F.adaptive_max_pool1d(x, 4)),
    ),
]

SAMPLING = [
    Case(
        "resize", lambda b: call(real(b, 4, 5, 6), size=9), plain(lambda x: F.interpolate(x, (9, 9), mode="bilinear"))
    ),
    Case("resize", lambda b: call(real(b, 4, 5), size=9), plain(lambda x: F.interpolate(x, 9, mode="linear"))),
    Case(
        "resize",
        lambda b: call(real(b, 4, 5, 6, 7), size=(2, 3, 4)),
        plain(lambda x: F.interpolate(x, (2, 3, 4), mode="trilinear")),
    ),
    Case(
        "resize",
        lambda b: call(real(b, 4, 5, 6), size=(3, 4), mode="bicubic", align=True, antialias=True),
        plain(lambda x: F.interpolate(x, (3, 4), mode="bicubic", align_corners=True, antialias=True)),
    ),
    Case(
        "resize",
        lambda b: call(real(b, 4, 5), size=3, mode="nearest_exact"),
        plain(lambda x: F.interpolate(x, 3, mode="nearest-exact")),
    ),
    Case(
        "grid_sample",
        lambda b: call(real(b, 4, 5, 6), real(b, 7, 8, 2)),
        plain(lambda x, g: F.grid_sample(x, g, align_corners=False)),
    ),
    Case(
        "grid_sample",
        lambda b: call(real(b, 4, 5, 6, 3), real(b, 7, 8, 9, 3), mode="nearest"),
        plain(lambda x, g: F.grid_sample(x, g, mode="nearest", align_corners=False)),
    ),
    Case(
        "unfold",
        lambda b: call(real(b, 4, 9, 8), kernel=(3, 2), stride=2, padding=1, dilation=2),
        plain(lambda x: F.unfold(x, (3, 2), dilation=2, padding=1, stride=2)),
    ),
    Case(
        "fold",
        lambda b: call(real(b, 36, 20), size=(9, 8), kernel=3, stride=2, padding=1),
        plain(lambda x: F.fold(x, (9, 8), 3, padding=1, stride=2)),
    ),
    Case("pixel_shuffle", lambda b: call(real(b, 12, 4, 5), factor=2), plain(lambda x: F.pixel_shuffle(x, 2))),
    Case("pixel_unshuffle", lambda b: call(real(b, 3, 4, 6), factor=2), plain(lambda x: F.pixel_unshuffle(x, 2))),
]

ARRANGEMENTS = [
    Case(
        "rearrange",
        lambda b: call(real(b, 12, 5), pattern="b (h w) c -> b c h w", h=3),
        plain(lambda x: x.unflatten(1, (3, 4)).permute(0, 3, 1, 2)),
    ),
    Case(
        "rearrange",
        lambda b: call(real(b, 4, 6, 5), pattern="b (y p) (x q) c -> (b y x) (p q) c", p=2, q=3),
        plain(lambda x: x.reshape(-1, 2, 2, 2, 3, 5).transpose(2, 3).reshape(-1, 6, 5)),
    ),
    Case(
        "rearrange",
        lambda b: call(real(b * 4, 5), pattern="(b n) c -> b n c", b=b),
        plain(lambda x: x.reshape(-1, 4, 5)),
    ),
    Case(
        "repeat", lambda b: call(real(b, 5), pattern="n c -> n k c", k=4), plain(lambda x: x[:, None].expand(-1, 4, -1))
    ),
    Case(
        "repeat",
        lambda b: call(real(b, 5), pattern="b n -> b (n two)", two=2),
        plain(lambda x: x.repeat_interleave(2, 1)),
    ),
    Case("reshape", lambda b: call(real(b, 4, 6), shape=(b, 8, -1)), plain(lambda x: x.reshape(-1, 8, 3))),
    Case("expand", lambda b: call(real(1, 1, 6), size=b, axis=0), plain(lambda x: x.expand(3, -1, -1))),
    Case("concat", lambda b: call([real(b, 1, 6), real(b, 4, 6)], axis=1), plain(lambda xs: torch.cat(xs, 1))),
    Case("concat", lambda b: call([real(b, 6), whole(b, 2)], axis=-1), plain(lambda xs: torch.cat(xs, -1))),
    Case("stack", lambda b: call([real(b, 6), real(b, 6)]), plain(torch.stack)),
    Case("stack", lambda b: call([real(b, 6), real(b, 6)], axis=-1), plain(lambda xs: torch.stack(xs, -1))),
    Case("split", lambda b: call(real(b, 6), parts=3, axis=1), plain(lambda x: x.tensor_split(3, 1))),
    Case("split", lambda b: call(real(b, 6), parts=(1, 2, 3), axis=-1), plain(lambda x: x.split((1, 2, 3), -1))),
    Case("roll", lambda b: call(real(b, 4, 6), shift=-2, axes=(1, 2)), plain(lambda x: x.roll((-2, -2), (1, 2)))),
    Case(
        "pad",
        lambda b: call(real(b, 4, 6), before=1, after=(0, 2), axes=(1, 2)),
        plain(lambda x: F.pad(x, (1, 2, 1, 0))),
    ),
    Case("flip", lambda b: call(real(b, 4, 6), axes=-1), plain(lambda x: x.flip(-1))),
    Case("transpose", lambda b: call(real(b, 4, 6)), plain(lambda x: x.mT)),
]

INDICES = [
    Case("index", lambda b: call(real(b, 4, 6), places=("all", 0)), plain(lambda x: x[:, 0])),
    Case("index", lambda b: call(real(b, 4, 6), places=("all", -1)), plain(lambda x: x[:, -1])),
    Case("index", lambda b: call(real(b, 4, 6), places=("rest", ("slice", 1, 5))), plain(lambda x: x[..., 1:5])),
    Case("index", lambda b: call(real(b, 4, 6), places=("all", ("slice", None, 1))), plain(lambda x: x[:, :1])),
    Case("index", lambda b: call(real(b, 4, 6), places=("all", ("slice", -3, None))), plain(lambda x: x[:, -3:])),
    Case("index", lambda b: call(real(b, 4, 6), places=("all", ("slice", -9, 99))), plain(lambda x: x[:, -9:99])),
    Case(
        "index",
        lambda b: call(real(b, 4, 7), places=("all", "all", ("range", 0, 7, 2))),
        plain(lambda x: x[:, :, torch.arange(0, 7, 2)]),
    ),
    Case("index", lambda b: call(real(4, 9), whole(b, 5), places=("all", "tensor")), plain(lambda x, at: x[:, at])),
    Case("index", lambda b: call(real(b, 4, 9), whole(), places=("all", "tensor")), plain(lambda x, at: x[:, at])),
    Case(
        "index",
        lambda b: call(real(b, 4, 9), whole(2, 5), places=("tensor", "rest", 0)),
        plain(lambda x, at: x[..., 0][at]),
    ),
]

BINARY: dict[str, Callable[..., Any]] = {
    "add": torch.add,
    "subtract": torch.sub,
    "multiply": torch.mul,
    "divide": torch.div,
    "floor_divide": torch.floor_divide,
    "remainder": torch.remainder,
    "power": torch.pow,
    "equal": torch.eq,
    "not_equal": torch.ne,
    "less": torch.lt,
    "less_equal": torch.le,
    "greater": torch.gt,
    "greater_equal": torch.ge,
}
LOGIC: dict[str, Callable[..., Any]] = {"logical_and": torch.logical_and, "logical_or": torch.logical_or}
ELEMENTS: dict[str, Callable[..., Any]] = {
    "abs": torch.abs,
    "sqrt": torch.sqrt,
    "rsqrt": torch.rsqrt,
    "exp": torch.exp,
    "log": torch.log,
    "sin": torch.sin,
    "cos": torch.cos,
    "erf": torch.erf,
    "floor": torch.floor,
    "ceil": torch.ceil,
    "round": torch.round,
    "sign": torch.sign,
    "negate": torch.neg,
    "zero": torch.zeros_like,
}


def binary(name: str, function: Callable[..., Any]) -> list[Case]:
    return [
        Case(name, lambda b: call(real(b, 4, 6), real(b, 4, 6)), plain(function)),
        Case(name, lambda b: call(real(b, 4, 1), real(4, 6)), plain(function)),
        Case(name, lambda b: call(real(6), whole(b, 4, 6)), plain(function)),
        Case(name, lambda b: call(whole(b, 4), whole()), plain(function)),
        Case(name, lambda b: call(whole(b, 4), 2), plain(lambda x, _: function(x, 2))),
        Case(name, lambda b: call(whole(b, 4), 0.5), plain(lambda x, _: function(x, 0.5))),
        Case(name, lambda b: call(TensorType((b, 4), "float16"), 0.5), plain(lambda x, _: function(x, 0.5))),
        Case(name, lambda b: call(TensorType((b, 4), "float16"), real()), plain(function)),
        Case(name, lambda b: call(TensorType((b, 4), "float16"), TensorType((4,), "bfloat16")), plain(function)),
    ]


OPERATORS = [
    *(case for name, function in BINARY.items() for case in binary(name, function)),
    *(Case(name, lambda b: call(truth(b, 4), truth(4)), plain(function)) for name, function in LOGIC.items()),
    Case("logical_not", lambda b: call(truth(b, 4)), plain(torch.logical_not)),
    Case("multiply", lambda b: call(real(b, 4), complex_(4)), plain(torch.mul)),
    *(unary(name, function) for name, function in ELEMENTS.items()),
    *(Case(name, lambda b: call(whole(b, 4)), plain(function)) for name, function in ELEMENTS.items()),
    *(
        Case(name, lambda b: call(complex_(b, 4)), plain(ELEMENTS[name]))
        for name in ("abs", "sqrt", "rsqrt", "exp", "log", "sin", "cos", "negate", "zero")
    ),
    *binary("minimum", lambda x, y: torch.minimum(x, torch.as_tensor(y)))[:4],
    *binary("maximum", lambda x, y: torch.maximum(x, torch.as_tensor(y)))[:4],
    unary("clip", lambda x: x.clip(0, 6), low=0, high=6),
    Case("clip", lambda b: call(whole(b), low=0.5), plain(lambda x: x.clip(0.5))),
    Case("where", lambda b: call(truth(b, 4), real(4), real(b, 1)), plain(torch.where)),
    Case("where", lambda b: call(truth(b, 4), 0.0, -100.0), plain(lambda c, _, __: torch.where(c, 0.0, -100.0))),
    Case("where", lambda b: call(truth(b, 4), whole(4), 1), plain(lambda c, x, _: torch.where(c, x, 1))),
    Case("add_all", lambda b: call([real(b, 4), whole(4), 1]), plain(lambda xs: xs[0] + xs[1] + 1)),
    Case("mean_all", lambda b: call([whole(b, 4), whole(4)]), plain(lambda xs: (xs[0] + xs[1]) / 2)),
    Case("minimum_all", lambda b: call([real(b, 4), real(4)]), plain(lambda xs: torch.minimum(*xs))),
    Case("maximum_all", lambda b: call([whole(b, 4), whole(4)]), plain(lambda xs: torch.maximum(*xs))),
]

REDUCTIONS = [
    Case("sum", lambda b: call(real(b, 4, 6), axes=1), plain(lambda x: x.sum(1))),
    Case("sum", lambda b: call(truth(b, 4, 6), axes=(0, 1), keep=True), plain(lambda x: x.sum((0, 1), keepdim=True))),
    Case("mean", lambda b: call(real(b, 4, 6), axes=(1, -1)), plain(lambda x: x.mean((1, 2)))),
    Case("max", lambda b: call(whole(b, 4, 6), axes=(1, 2)), plain(lambda x: x.amax((1, 2)))),
    Case("min", lambda b: call(real(b, 4, 6), axes=-1, keep=True), plain(lambda x: x.amin(-1, keepdim=True))),
    Case("variance", lambda b: call(real(b, 4, 6), axes=0, unbiased=True), plain(lambda x: x.var(0))),
    Case("logsumexp", lambda b: call(real(b, 4, 6), axes=1), plain(lambda x: x.logsumexp(1))),
    Case("norm", lambda b: call(real(b, 4, 6), axes=(1, 2)), plain(lambda x: torch.linalg.vector_norm(x, dim=(1, 2)))),
    Case("argmax", lambda b: call(real(b, 4, 6), axis=1), plain(lambda x: x.argmax(1))),
    Case("argmin", lambda b: call(whole(b, 4, 6), axis=-1, keep=True), plain(lambda x: x.argmin(-1, keepdim=True))),
]

SELECTIONS = [
    Case("top_k", lambda b: call(real(b, 4, 6), k=2, axis=1), plain(lambda x: tuple(x.topk(2, 1)))),
    Case("sort", lambda b: call(real(b, 4, 6)), plain(lambda x: tuple(x.sort()))),
    Case(
        "scatter",
        lambda b: call(real(b, 2), whole(b, 2), size=9, axis=-1),
        plain(lambda values, indices: torch.zeros(values.shape[0], 9).scatter(-1, indices, values)),
    ),
    Case("gather", lambda b: call(real(b, 4, 6), whole(b, 9, 6), axis=1), plain(lambda x, at: x.gather(1, at))),
    Case("one_hot", lambda b: call(whole(b, 4), classes=7), plain(lambda x: F.one_hot(x, 7))),
    Case("cumulative_sum", lambda b: call(truth(b, 4), axis=0), plain(lambda x: x.cumsum(0))),
]

SPECTRA = [
    Case(
        "rfft2",
        lambda b: call(real(b, 6, 5, 2), axes=(1, 2)),
        plain(lambda x: torch.fft.rfft2(x, dim=(1, 2), norm="ortho")),
    ),
    Case(
        "irfft2",
        lambda b: call(complex_(b, 6, 4), axes=(1, 2), size=(6, 7)),
        plain(lambda x: torch.fft.irfft2(x, s=(6, 7), dim=(1, 2), norm="ortho")),
    ),
    Case("fft2", lambda b: call(real(b, 6, 5), axes=(-2, -1)), plain(lambda x: torch.fft.fft2(x, norm="ortho"))),
    Case("ifft2", lambda b: call(complex_(b, 6, 5), axes=(1, 2)), plain(lambda x: torch.fft.ifft2(x, norm="ortho"))),
    Case("fft", lambda b: call(real(b, 6), axis=1), plain(lambda x: torch.fft.fft(x, norm="ortho"))),
    Case("ifft", lambda b: call(complex_(b, 6), axis=1), plain(lambda x: torch.fft.ifft(x, norm="ortho"))),
    Case("rfft", lambda b: call(real(b, 6, 2), axis=1), plain(lambda x: torch.fft.rfft(x, dim=1, norm="ortho"))),
    Case(
        "irfft",
        lambda b: call(complex_(b, 4, 2), axis=1, size=6),
        plain(lambda x: torch.fft.irfft(x, 6, dim=1, norm="ortho")),
    ),
    Case("as_complex", lambda b: call(real(b, 6, 2)), plain(torch.view_as_complex)),
    Case("as_real", lambda b: call(complex_(b, 6)), plain(torch.view_as_real)),
]

CONSTANTS = [
    Case("param", lambda b: call(shape=(4, 5), init=InitialValue("normal", 0.02))),
    Case("param", lambda b: call(shape=(1, 17, 5), resize="1 (h w) c", prefix=1)),
    Case("buffer", lambda b: call(whole(4, 5), saved=True)),
    Case("buffer", lambda b: call(real(4)), plain(lambda x: x)),
    Case("arange", lambda b: call(n=7), plain(lambda: torch.arange(7))),
    Case("zeros", lambda b: call(shape=(b, 7)), plain(lambda: torch.zeros(3, 7))),
    Case("ones", lambda b: call(shape=(7, 2)), plain(lambda: torch.ones(7, 2))),
    Case("normal", lambda b: call(std=0.1)),
    Case("trunc_normal", lambda b: call()),
    Case("uniform", lambda b: call(limit=0.1)),
    Case("kaiming_uniform", lambda b: call(a=5**0.5)),
    Case("kaiming_normal", lambda b: call()),
    Case("kaiming_normal_out", lambda b: call()),
    Case("xavier_uniform", lambda b: call()),
    Case("identity", lambda b: call()),
    Case("values", lambda b: call(numbers=(0.0, 1.0))),
    unary("dropout", F.dropout, rate=0.1),
    unary("drop_path", lambda x: x, rate=0.1),
    unary("add_noise", lambda x: x + 0.1 * torch.randn_like(x), std=0.1),
    unary("float32", lambda x: x.float()),
    unary("float16", lambda x: x.half()),
    unary("bfloat16", lambda x: x.bfloat16()),
    unary("int64", lambda x: x.long()),
    unary("bool", lambda x: x.bool()),
]

CASES = [
    *CONVOLUTIONS,
    *PRODUCTS,
    *NORMS,
    *ATTENTIONS,
    *ACTIVATIONS,
    *POOLS,
    *SAMPLING,
    *ARRANGEMENTS,
    *INDICES,
    *OPERATORS,
    *REDUCTIONS,
    *SELECTIONS,
    *SPECTRA,
    *CONSTANTS,
]
