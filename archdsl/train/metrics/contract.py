"""What a metric is: a module with `measured`, which makes a number of logits and the classes that were right, and with
`LARGER_IS_BETTER`."""

from collections.abc import Callable
from typing import TypeAlias

from torch import Tensor

Measured: TypeAlias = Callable[[Tensor, Tensor], float]
"""From logits [n, classes] and classes [n]."""
