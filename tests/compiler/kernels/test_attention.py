"""What is an attention, what is none, and how it is written."""

import pytest

from archdsl_compiler.emit.source import Note, emit
from archdsl_compiler.kernels.attention import BiasedScores, FusedAttention
from archdsl_compiler.kernels.contract import Case, Mode, Place
from archdsl_compiler.kernels.fused_attention import fused
from archdsl_compiler.kernels.regions.contract import Region
from archdsl_compiler.tuning.program import Weights, case_of, observe
from tests.compiler.kernels.flat_models import cut_of, graph_of, inputs_of
from tests.compiler.kernels.region_models import ATTENTIONS

CPU = Place("cpu", 1, frozenset())
QKV = """
  let q, k, v = x |> linear(72) as qkv |> rearrange("b n (three h d) -> three b h n d", three=3, h=3)
"""
NONE = {
    "over the queries": "return softmax(q @ k.T, axis=-2) @ v",
    "scores are a result": "let s = softmax(q @ k.T, axis=-1)\n  return [s, s @ v]",
    "raw scores are read twice": "let s = q @ k.T\n  return softmax(s, axis=-1) @ v + sum(s, axes=-1, keep=true)",
    "weights are read twice": "let s = softmax(q @ k.T, axis=-1)\n  return s @ v + s @ k",
    "weights on the right": "return v.T @ softmax(q @ k.T, axis=-1)",
    "a bias before the factor": "return softmax((q @ k.T + param([9, 9], init=0.5) as table) * 0.5, axis=-1) @ v",
    "something between": "return softmax(relu(q @ k.T), axis=-1) @ v",
    "a factor for each pair": "return softmax(q @ k.T * param([9, 9], init=0.5) as table, axis=-1) @ v",
    "in another dtype": "return float32(weights)(q @ k.T) @ v",
}


def regions(text: str, kind: str = "attention") -> list[Region]:
    return [region for region in cut_of(graph_of(text))[0].running if region.kind == kind]


@pytest.mark.parametrize("name", NONE)
def test_what_is_no_attention(name: str):
    weights = "block weights()(x: [..., n, m]) { return softmax(x, axis=-1) }\n"
    assert regions(f"{weights}model net()(x: [b, 9, 24]) {{{QKV}  {NONE[name]}\n}}") == []


def ops_of(region: Region) -> list[str]:
    return [call.op.name for call in region.piece.calls]  # type: ignore[union-attr]


def test_views_before_and_behind_are_part_of_it():
    (region,) = regions(ATTENTIONS["tokens"])
    views = ["rearrange", "index", "index", "index", "transpose"]
    assert ops_of(region) == [*views, "matmul", "softmax", "matmul", "rearrange"]
    assert len(region.inputs) == len(region.outputs) == 1


def test_views_that_something_else_reads_are_not():
    (region,) = regions(f"model net()(x: [b, 9, 24]) {{{QKV}  return softmax(q @ k.T, axis=-1) @ v + v\n}}")
    assert ops_of(region) == ["index", "index", "transpose", "matmul", "softmax", "matmul"]
    assert len(region.inputs) == 2


def case(name: str, which: int = 0, place: Place = CPU) -> Case:
    graph = graph_of(ATTENTIONS[name])
    parts, state = cut_of(graph)
    seen = observe(parts, Weights(parts, state), inputs_of(graph), Mode())
    found = [region for region in parts.running if region.kind == "attention"]
    return case_of(found[which], Mode(), seen, place)


KERNELS = {"fused": FusedAttention(), "biased": BiasedScores()}
TAKEN = {
    "tokens": {"fused"},
    "windows": {"fused"},
    "windows_that_differ": {"fused"},
    "two_biases": {"fused"},
    "bias_of_the_input": {"fused"},
    "cosine": {"fused"},
    "few_keys": {"fused"},
    "shared_queries": {"fused"},
    "channels": {"fused"},
    "maps": {"biased"},
    "windows_of_maps": {"biased"},
    "one_head": {"fused", "biased"},
}


@pytest.mark.parametrize("name", ATTENTIONS)
def test_who_computes_it(name: str):
    assert {short for short, kernel in KERNELS.items() if kernel.applies(case(name))} == TAKEN[name]


def test_values_of_another_width_are_fused_where_a_gpu_does_it():
    assert FusedAttention().applies(case("maps", place=Place("cuda", 1, frozenset())))


def test_windows_become_one_axis_in_what_is_written():
    region = case("windows").region
    written = fused(region.piece, region.facts)  # type: ignore[arg-type]
    assert written is not None
    text = emit(written, Note("piece", "A test."))
    assert "F.scaled_dot_product_attention(" in text
    assert ".softmax(" not in text
    assert ".flatten(0, 1)" in text
