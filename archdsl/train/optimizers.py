"""Optimizers over the parameters of a model. Norms, biases and other vectors have no weight decay."""

from typing import Any, cast

import torch
from torch import nn
from torch.nn.modules.conv import _ConvNd  # pyright: ignore[reportPrivateUsage]
from torch.optim import Optimizer

from archdsl.parts import Part


def optimizer(part: Part, model: nn.Module) -> Optimizer:
    """The optimizer that a part describes; its rate is set before each step."""
    decayed, others = parameters(model)
    groups: list[dict[str, Any]] = [
        {"params": decayed, "weight_decay": part["decay"]},
        {"params": others, "weight_decay": 0.0},
    ]
    groups = [group for group in groups if group["params"]]
    lr = cast(float, part["lr"])
    match part.name:
        case "adamw":
            first, second = cast("tuple[float, float]", part["betas"])
            return torch.optim.AdamW(groups, lr=lr, betas=(first, second), fused=True)
        case "sgd":
            momentum = cast(float, part["momentum"])
            nesterov = bool(part["nesterov"]) and momentum > 0
            return torch.optim.SGD(groups, lr=lr, momentum=momentum, nesterov=nesterov, fused=True)
        case "rmsprop":
            return torch.optim.RMSprop(groups, lr=lr, momentum=cast(float, part["momentum"]))
        case _:
            raise ValueError(f"no optimizer {part.name}")


def parameters(model: nn.Module) -> tuple[list[nn.Parameter], list[nn.Parameter]]:
    """Those with weight decay and those without, each once."""
    decayed: list[nn.Parameter] = []
    others: list[nn.Parameter] = []
    met: set[int] = set()
    for module in model.modules():
        for name, parameter in module.named_parameters(recurse=False):
            if id(parameter) in met or not parameter.requires_grad:
                continue
            met.add(id(parameter))
            (decayed if _is_matrix(module, name, parameter) else others).append(parameter)
    return decayed, others


def _is_matrix(module: nn.Module, name: str, parameter: nn.Parameter) -> bool:
    """Whether a parameter mixes something: the weight of a layer, or what has more than one axis of some length."""
    if isinstance(module, nn.Linear | _ConvNd):
        return name == "weight"
    return sum(size > 1 for size in parameter.shape) > 1
