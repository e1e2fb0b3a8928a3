"""Modules without a forward: the state dict of a graph, and nothing else."""

from collections.abc import Mapping
from pathlib import Path

import torch
from torch import Tensor, nn

import archdsl
from archdsl_compiler.graph import Module, state_entries


def graph_of(text: str, folder: Path, name: str = "net", **settings: object) -> Module:
    """The graph of a model in a text."""
    file = folder / f"{abs(hash(text))}.arch"
    file.write_text(text, encoding="utf-8")
    return archdsl.elaborate(archdsl.load(file), name, settings)


def bare(graph: Module, dtype: torch.dtype = torch.float32) -> nn.Module:
    """All parameters are -1, so that it can be seen which were loaded."""
    root = nn.Module()
    for name, parameter in state_entries(graph):
        *path, last = name.split(".")
        owner = root
        for step in path:
            if not hasattr(owner, step):
                owner.add_module(step, nn.Module())
            owner = owner.get_submodule(step)
        shape = [size for size in parameter.shape if isinstance(size, int)]
        if parameter.dtype == "int64":
            owner.register_buffer(last, torch.full(shape, -1, dtype=torch.int64))
        elif parameter.trainable:
            owner.register_parameter(last, nn.Parameter(torch.full(shape, -1.0, dtype=dtype)))
        else:
            owner.register_buffer(last, torch.full(shape, -1.0, dtype=dtype))
    return root


def trained(graph: Module) -> dict[str, Tensor]:
    """A state dict of its own for a graph: each tensor holds its number."""
    return {
        name: torch.full_like(tensor, number) for number, (name, tensor) in enumerate(bare(graph).state_dict().items())
    }


def loaded_numbers(module: nn.Module) -> dict[str, float]:
    """The first number of each entry."""
    return {name: tensor.flatten()[0].item() for name, tensor in module.state_dict().items()}


def numbers(tensors: Mapping[str, Tensor]) -> dict[str, float]:
    return {name: tensor.flatten()[0].item() for name, tensor in tensors.items()}
