"""Samples lie as the operand says, also where places of a tensor share their memory."""

import pytest
import torch

from archdsl_compiler.kernels.contract import Operand
from archdsl_compiler.tuning.formats import operand_of, sample_of

MAP = torch.randn(2, 3, 4, 5)
FORMS = {
    "dense": MAP,
    "last": MAP.contiguous(memory_format=torch.channels_last),
    "view": MAP.permute(0, 2, 3, 1),
    "expanded": torch.randn(1, 1, 4).expand(2, 3, 4),
    "whole": torch.zeros(2, 3, dtype=torch.int64),
    "expanded whole": torch.zeros(1, dtype=torch.int64).expand(7),
    "half": MAP.bfloat16(),
    "complex": torch.view_as_complex(torch.randn(2, 3, 2)),
}


@pytest.mark.parametrize("tensor", FORMS.values(), ids=FORMS)
def test_a_sample_lies_as_the_operand_says(tensor: torch.Tensor) -> None:
    operand: Operand = operand_of(tensor)
    made = sample_of(operand, torch.Generator().manual_seed(0))
    assert operand == operand_of(made)
    assert bool(made.isfinite().all())
    assert bool(made.any()) == (made.is_floating_point() or made.is_complex())
