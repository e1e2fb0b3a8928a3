"""Runs a graph op by op, without any emitted code: what the numbers of a rewritten graph are held against."""

from collections.abc import Callable, Mapping
from math import prod

import torch
from torch import Tensor
from torch.nn import functional as F

from archdsl_compiler.graph import Module, OpCall, Scalar, Structure, join, leaves, state_entries
from archdsl_compiler.ops.patterns import parse, solve
from archdsl_compiler.types import TensorType

BATCH = 2
Entries = Mapping[str, Tensor]


def run(module: Module, state: Entries, *inputs: Tensor, path: str = "") -> list[Tensor]:
    """The results of a graph, as after training."""
    values: dict[int, Tensor] = dict(enumerate(inputs))

    def argument(structure: Structure) -> object:
        if isinstance(structure, Scalar):
            return structure.value
        return [argument(inner) for inner in structure] if isinstance(structure, tuple) else values[structure]

    for call in module.calls:
        place = join(path, call.label)
        if isinstance(call, OpCall):
            found = OPS[call.op.name](
                call, lambda name, place=place: state.get(join(place, name)), *map(argument, call.inputs)
            )
            results = [found] if isinstance(found, Tensor) else found
        else:
            results = run(call.module, state, *(values[value] for value in leaves(call.inputs)), path=place)
        values.update((call.first_output + number, result) for number, result in enumerate(results))
    return [values[value] for value in leaves(module.outputs)]


def random_state(module: Module, seed: int = 0) -> dict[str, Tensor]:
    """A state dict of random numbers in float64."""
    generator = torch.Generator().manual_seed(seed)
    return {
        name: torch.tensor(0)
        if entry.dtype == "int64"
        else torch.rand(entry.shape, generator=generator, dtype=torch.float64) + 0.5
        if name.endswith("running_var")
        else torch.randn(entry.shape, generator=generator, dtype=torch.float64)
        for name, entry in state_entries(module)
    }


def _conv(call: OpCall, entry: Callable[[str], Tensor | None], x: Tensor) -> Tensor:
    function = (F.conv1d, F.conv2d, F.conv3d)[x.dim() - 3]
    steps, pads, gaps = (call.resolved[name] for name in ("stride", "padding", "dilation"))
    return function(x, entry("weight"), entry("bias"), steps, pads, gaps, call.settings.get("groups", 1))


def _conv_transpose(call: OpCall, entry: Callable[[str], Tensor | None], x: Tensor) -> Tensor:
    steps, pads, extra = (call.resolved[name] for name in ("stride", "padding", "extra"))
    groups = call.settings.get("groups", 1)
    return F.conv_transpose2d(x, entry("weight"), entry("bias"), steps, pads, extra, groups)


def _batch_norm(call: OpCall, entry: Callable[[str], Tensor | None], x: Tensor) -> Tensor:
    x = x.movedim(call.resolved["axis"], 1)
    eps = call.settings.get("eps", 1e-5)
    found = F.batch_norm(x, entry("running_mean"), entry("running_var"), entry("weight"), entry("bias"), eps=eps)
    return found.movedim(1, call.resolved["axis"])


def _layer_norm(call: OpCall, entry: Callable[[str], Tensor | None], x: Tensor) -> Tensor:
    axis = call.resolved["axis"]
    x = x.movedim(axis, -1)
    found = F.layer_norm(x, x.shape[-1:], entry("weight"), entry("bias"), call.settings.get("eps", 1e-5))
    return found.movedim(-1, axis)


def _size(size: object) -> int:
    return size if isinstance(size, int) else BATCH


def _place(place: object, at: Tensor | None) -> object:
    if place in ("all", "tensor"):
        return at if place == "tensor" else slice(None)
    return (
        slice(place[0], BATCH if not isinstance(place[1], int) else place[1], place[2])
        if isinstance(place, tuple)
        else place
    )


def _rearrange(call: OpCall, entry: object, x: Tensor) -> Tensor:
    solution = solve(parse(call.settings["pattern"]), TensorType(tuple(x.shape)), _given(call), "")
    left = [name for axis in solution.left for name in axis.names]
    right = [[name for name in axis.names] for axis in solution.right]
    x = x.reshape([solution.sizes[name] for name in left])
    x = x.permute([left.index(name) for names in right for name in names])
    return x.reshape([prod(solution.sizes[name] for name in names) for names in right])


def _given(call: OpCall) -> dict[str, int]:
    return {name: _size(size) for name, size in call.settings.items() if name != "pattern"}


def _nothing(call: OpCall, entry: object, x: Tensor) -> Tensor:
    """Those that tests use leave the tensor as it is."""
    return x


OPS: Mapping[str, Callable[..., Tensor]] = {
    "conv": _conv,
    "conv_transpose": _conv_transpose,
    "batch_norm": _batch_norm,
    "linear": lambda call, entry, x: F.linear(x, entry("weight"), entry("bias")),
    "param": lambda call, entry: entry(""),
    "add_noise": _nothing,
    "softmax": lambda call, entry, x: x.softmax(call.resolved["axis"]),
    "sigmoid": lambda call, entry, x: x.sigmoid(),
    "relu": lambda call, entry, x: x.relu(),
    "gelu": lambda call, entry, x: F.gelu(x),
    "exp": lambda call, entry, x: x.exp(),
    "power": lambda call, entry, left, right: left**right,
    "layer_norm": _layer_norm,
    "sum": lambda call, entry, x: x.sum(call.resolved["axes"], call.settings.get("keep", False)),
    "negate": lambda call, entry, x: -x,
    "zero": lambda call, entry, x: torch.zeros_like(x),
    "dropout": lambda call, entry, x: x,
    "drop_path": lambda call, entry, x: x,
    "add": lambda call, entry, left, right: left + right,
    "subtract": lambda call, entry, left, right: left - right,
    "multiply": lambda call, entry, left, right: left * right,
    "divide": lambda call, entry, left, right: left / right,
    "floor_divide": lambda call, entry, left, right: left // right,
    "zeros": lambda call, entry: torch.zeros([_size(n) for n in call.settings["shape"]]),
    "buffer": lambda call, entry, value: entry("") if call.parameters else value,
    "concat": lambda call, entry, listed: torch.cat(listed, call.resolved["axis"]),
    "flip": lambda call, entry, x: x.flip(call.resolved["axes"]),
    "index": lambda call, entry, x, at=None: x[tuple(_place(p, at) for p in call.resolved["places"])],
    "pad": _nothing,
    "expand": _nothing,
    "rearrange": _rearrange,
    "matmul": lambda call, entry, left, right: left @ right,
    "transpose": lambda call, entry, x: x.mT,
    "add_all": lambda call, entry, listed: sum(listed),
    "mean": lambda call, entry, x: x.mean(call.resolved["axes"], call.settings.get("keep", False)),
    "arange": lambda call, entry: torch.arange(call.settings["n"]),
    "float32": lambda call, entry, x: x.float(),
    "roll": lambda call, entry, x: x.roll(call.resolved["shift"], call.resolved["axes"]),
    "reshape": lambda call, entry, x: x.reshape([_size(n) for n in call.resolved["shape"]]),
}
