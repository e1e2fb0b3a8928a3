"""The Haar wavelet of the standard library against a convolution of the same meaning."""

import pytest
import torch
from torch.nn import functional as F

from archdsl_compiler.emit.execute import instantiate
from archdsl_compiler.emit.source import Note, emit
from tests.compiler.kernels.flat_models import graph_of

TEXT = """
from std.layers import haar, inverse_haar
model net()(x: [b, 3, {height}, {width}]) {{
  let y = haar(x)
  return [y, inverse_haar(y)]
}}
"""
FILTERS = torch.tensor([[1, 1, 1, 1], [1, -1, 1, -1], [1, 1, -1, -1], [1, -1, -1, 1]]).view(4, 1, 2, 2) / 2


@pytest.mark.parametrize(("height", "width"), [(6, 8), (2, 2), (14, 4)])
def test_a_map_goes_there_and_back(height: int, width: int):
    model = instantiate(emit(graph_of(TEXT.format(height=height, width=width)), Note("net", "A test.")))
    x = torch.randn(2, 3, height, width)
    found, again = model(x)
    expected = F.conv2d(x, FILTERS.repeat(3, 1, 1, 1), stride=2, groups=3)
    torch.testing.assert_close(found, expected.view(2, 3, 4, height // 2, width // 2).transpose(1, 2).flatten(1, 2))
    torch.testing.assert_close(again, x)
