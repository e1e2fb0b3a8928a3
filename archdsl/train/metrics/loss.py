"""The mean cross-entropy of the classes."""

from torch import Tensor
from torch.nn import functional

LARGER_IS_BETTER = False


def measured(logits: Tensor, labels: Tensor) -> float:
    return float(functional.cross_entropy(logits.double(), labels))
