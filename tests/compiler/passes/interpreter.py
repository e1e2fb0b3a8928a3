"""Runs a graph op by op, without any emitted code: what the numbers of a rewritten graph are held against."""

from collections.abc import Callable, Mapping

import torch
from torch import Tensor
from torch.nn import functional as F

from archdsl_compiler.graph import Module, OpCall, Scalar, Structure, join, leaves, state_entries

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
    """A state dict of random numbers."""
    generator = torch.Generator().manual_seed(seed)
    return {
        name: torch.tensor(0)
        if entry.dtype == "int64"
        else torch.rand(entry.shape, generator=generator) + 0.5
        if name.endswith("running_var")
        else torch.randn(entry.shape, generator=generator)
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


OPS: Mapping[str, Callable[..., Tensor]] = {
    "conv": _conv,
    "conv_transpose": _conv_transpose,
    "batch_norm": _batch_norm,
    "linear": lambda call, entry, x: F.linear(x, entry("weight"), entry("bias")),
    "param": lambda call, entry: entry(""),
    "relu": lambda call, entry, x: x.relu(),
    "negate": lambda call, entry, x: -x,
    "zero": lambda call, entry, x: torch.zeros_like(x),
    "dropout": lambda call, entry, x: x,
    "drop_path": lambda call, entry, x: x,
    "add": lambda call, entry, left, right: left + right,
    "subtract": lambda call, entry, left, right: left - right,
    "multiply": lambda call, entry, left, right: left * right,
    "add_all": lambda call, entry, listed: sum(listed),
    "mean": lambda call, entry, x: x.mean(call.resolved["axes"]),
    "arange": lambda call, entry: torch.arange(call.settings["n"]),
    "float32": lambda call, entry, x: x.float(),
    "roll": lambda call, entry, x: x.roll(call.resolved["shift"], call.resolved["axes"]),
    "reshape": lambda call, entry, x: x.reshape([-1 if not isinstance(n, int) else n for n in call.resolved["shape"]]),
}
