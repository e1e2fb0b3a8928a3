"""Tensors from arrays, and numbers of Python's from tensors, where PyTorch's own types say too little."""

from typing import Any, cast

import torch
from torch import Tensor


def whole_numbers(values: Tensor) -> list[int]:
    """The entries of a tensor of one axis."""
    return cast("list[int]", cast(Any, values).tolist())


def reals(values: Tensor) -> list[float]:
    """The entries of a tensor of one axis."""
    return cast("list[float]", cast(Any, values).tolist())


def of_array(values: Any) -> Tensor:
    """A tensor that shares the memory of a NumPy array."""
    return cast(Tensor, cast(Any, torch).from_numpy(values))
