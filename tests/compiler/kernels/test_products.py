"""What becomes one region around a product."""

import pytest

from tests.compiler.kernels.flat_models import cut_of, graph_of
from tests.compiler.kernels.region_models import PRODUCTS


def regions_of(text: str) -> list[str]:
    parts, _ = cut_of(graph_of(text))
    return [
        " ".join(call.op.name for call in region.piece.calls) for region in parts.running if region.kind == "product"
    ]


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("linear_gelu", ["linear gelu"]),
        ("linear_residual", ["linear add", "linear gelu add", "linear relu", "linear"]),
        ("squared", ["linear relu power", "linear relu power add", "conv relu power", "conv"]),
        ("moved_and_activated", ["conv rearrange gelu", "linear rearrange silu add"]),
        (
            "residual_relu",
            ["conv relu", "conv add relu", "conv relu", "conv", "conv add relu", "conv silu", "conv add hard_swish"],
        ),
    ],
)
def test_a_product_takes_what_stands_behind_it(name: str, expected: list[str]):
    assert regions_of(PRODUCTS[name]) == expected


def test_a_result_that_is_read_twice_ends_a_region():
    text = "model net()(x: [b, 9, 20]) { let y = x |> linear(20) as fc\n return relu(y) + y }"
    assert regions_of(text) == ["linear"]


def test_a_sum_of_two_products_belongs_to_the_later_one():
    text = """
model net()(x: [b, 9, 20]) {
  let left = x |> linear(20) as one |> gelu
  return left + (x |> linear(20) as two |> silu)
}
"""
    assert regions_of(text) == ["linear gelu", "linear silu add"]


def test_axes_that_are_split_or_joined_end_a_region():
    text = """
model net()(x: [b, 9, 20]) { return x |> linear(20) as fc |> rearrange("b (h w) c -> b h w c", h=3) |> gelu }
"""
    assert regions_of(text) == ["linear"]
