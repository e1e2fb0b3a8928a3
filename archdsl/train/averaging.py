"""A moving average of a model's weights, which is steadier than the weights themselves."""

import copy
from collections.abc import Mapping

import torch
from torch import Tensor, nn


class Average:
    """A copy of a model that follows it. In the first steps it follows faster, since there is little to remember."""

    def __init__(self, model: nn.Module, decay: float) -> None:
        self.model = copy.deepcopy(model).requires_grad_(False)
        self.decay = decay
        self.steps = 0

    @torch.no_grad()
    def follow(self, model: nn.Module) -> None:
        """Take note of the weights after a step."""
        self.steps += 1
        kept = min(self.decay, (1 + self.steps) / (10 + self.steps))
        theirs: Mapping[str, Tensor] = model.state_dict()
        for name, mine in self.model.state_dict().items():
            if mine.is_floating_point():
                mine.lerp_(theirs[name].to(mine.dtype), 1 - kept)
            else:
                mine.copy_(theirs[name])
