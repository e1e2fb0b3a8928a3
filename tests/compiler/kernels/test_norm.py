"""Which norms are a region of their own."""

import pytest

from tests.compiler.kernels.flat_models import cut_of, graph_of

NONE = {
    "layer_norm": "return x |> layer_norm as one",
    "group_norm": "return x |> group_norm(3) as one",
    "in_another_dtype": "return x |> float32(inner) as one",
}


@pytest.mark.parametrize("name", NONE)
def test_other_norms_stay_ops(name: str):
    text = f"block inner()(x: [...]) {{ return x |> rms_norm as norm }}\nmodel net()(x: [b, 6, 5]) {{ {NONE[name]} }}"
    assert [region.kind for region in cut_of(graph_of(text))[0].running if region.kind == "norm"] == []


def test_a_norm_is_one_op():
    text = "model net()(x: [b, 6, 5]) { return x |> rms_norm as one |> exp |> tanh }"
    kinds = [region.kind for region in cut_of(graph_of(text))[0].running]
    assert kinds == ["norm", "chain"]
