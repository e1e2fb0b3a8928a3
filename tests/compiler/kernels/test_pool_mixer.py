"""What is a pooling mixer, and what is none."""

import pytest

from tests.compiler.kernels.flat_models import cut_of, graph_of
from tests.compiler.kernels.region_models import POOL_MIXERS

NONE = {
    "less the mean": "return x - avg_pool(x, 3, stride=1, padding=1)",
    "less another": "return avg_pool(x, 3, stride=1, padding=1) - relu(x)",
    "the mean is a result": "let y = avg_pool(x, 3, stride=1, padding=1)\n  return [y, y - x]",
    "the mean is read twice": "let y = avg_pool(x, 3, stride=1, padding=1)\n  return (y - x) * y",
    "a smaller map": "return avg_pool(x, 2, stride=2) - x[:, :, :3, :3]",
    "the largest": "return max_pool(x, 3, stride=1, padding=1) - x",
}


def pieces(text: str) -> list[list[str]]:
    running = cut_of(graph_of(text))[0].running
    return [[call.op.name for call in region.piece.calls] for region in running if region.kind == "pool_mixer"]  # type: ignore[union-attr]


@pytest.mark.parametrize("name", NONE)
def test_what_is_no_pooling_mixer(name: str):
    assert pieces(f"model net()(x: [b, 6, 6, 6]) {{ {NONE[name]} }}") == []


def test_the_sum_and_the_scale_are_part_of_it():
    whole = ["avg_pool", "subtract", "multiply", "add"]
    assert pieces(POOL_MIXERS["of_a_norm"]) == [whole, ["avg_pool", "subtract", "add"], whole]


def test_a_difference_that_is_a_result_ends_it():
    text = """
model net()(x: [b, 6, 6, 6]) {
  let y = avg_pool(x, 3, stride=1, padding=1) - x
  return [y, y * 0.5 + x]
}
"""
    assert pieces(text) == [["avg_pool", "subtract"]]
