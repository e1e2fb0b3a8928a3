"""What training makes small: the loss, the answers of a teacher, and penalties on what a model exposes."""

import re
from collections.abc import Iterator, Sequence
from typing import cast

import torch
from torch import Tensor, nn
from torch.nn import functional

from archdsl.parts import Part


def smoothed(loss: Part, shares: Tensor) -> Tensor:
    """The shares of classes with a part spread evenly over all."""
    smoothing = cast(float, loss["smoothing"])
    return shares * (1 - smoothing) + smoothing / shares.shape[1] if smoothing else shares


def classified(loss: Part, logits: Tensor, shares: Tensor) -> Tensor:
    """The cross-entropy of the logits, in single precision."""
    return functional.cross_entropy(logits.float(), smoothed(loss, shares))


def distilled(part: Part, own: Tensor, logits: Tensor, answers: Tensor) -> Tensor:
    """A model's own loss together with how far it is from its teacher's answers."""
    share, logits, answers = cast(float, part["weight"]), logits.float(), answers.float()
    if part.name == "hard_labels":
        other = functional.cross_entropy(logits, answers.argmax(1))
    else:
        heat = max(cast(float, part["temperature"]), 1e-6)
        ours, theirs = (functional.log_softmax(each / heat, 1) for each in (logits, answers))
        # The square keeps the gradient as large as that of the labels, whatever the temperature.
        other = functional.kl_div(ours, theirs, reduction="batchmean", log_target=True) * heat**2
    return (1 - share) * own + share * other


def exposed(model: nn.Module, pattern: str) -> Iterator[tuple[str, Tensor]]:
    """The tensors that the last forward pass has exposed under paths that a pattern names: `*` is one step, `**` any
    number of them."""
    wanted = _expression(pattern)
    for path, module in cast("Iterator[tuple[str, nn.Module]]", model.named_modules()):
        for name, value in vars(module).items():
            whole = f"{path}.{name}" if path else name
            if isinstance(value, Tensor) and wanted.fullmatch(f".{whole}"):
                yield whole, value


def forget_exposed(model: nn.Module) -> None:
    """Let go of what led to exposed tensors, so that the model can be copied and costs no memory."""
    for module in model.modules():
        for name, value in vars(module).items():
            if isinstance(value, Tensor) and value.grad_fn is not None:
                setattr(module, name, value.detach())


def _expression(pattern: str) -> re.Pattern[str]:
    steps = ["(\\.[^.]+)*" if s == "**" else "\\." + re.escape(s).replace("\\*", "[^.]*") for s in pattern.split(".")]
    return re.compile("".join(steps))


def penalized(loss: Tensor, penalties: Sequence[Part], model: nn.Module) -> Tensor:
    """The loss and the weighted means of all exposed tensors that penalties name. Raises LookupError for a penalty on
    nothing."""
    for penalty in penalties:
        pattern = cast(str, penalty["path"])
        found = [value for _, value in exposed(model, pattern)]
        if not found:
            raise LookupError(f'the penalty on "{pattern}" meets nothing that the model exposes')
        loss = loss + cast(float, penalty["weight"]) * torch.stack([value.float().mean() for value in found]).sum()
    return loss
