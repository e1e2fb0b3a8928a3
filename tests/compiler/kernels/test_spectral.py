"""What is a filter of frequencies, and what is none."""

import pytest

from tests.compiler.kernels.flat_models import cut_of, graph_of
from tests.compiler.kernels.region_models import SPECTRALS

FORTH, BACK = "rfft2(x, axes=(2, 3))", "irfft2(size=(6, 4), axes=(2, 3))"
NONE = {
    "without weights": f"return {FORTH} |> {BACK}",
    "the spectrum is read twice": f"let s = {FORTH}\n  return s * weight + s |> {BACK}",
    "another size": f"return {FORTH} * weight |> irfft2(size=(6, 5), axes=(2, 3))",
    "the spectrum is a result": f"let s = {FORTH} * weight\n  return [as_real(s), s |> {BACK}]",
    "a sum between": f"return {FORTH} * weight + weight |> {BACK}",
    "by a number": f"return {FORTH} * 2 |> {BACK}",
}


def pieces(text: str) -> list[list[str]]:
    running = cut_of(graph_of(text))[0].running
    return [[call.op.name for call in region.piece.calls] for region in running if region.kind == "spectral"]  # type: ignore[union-attr]


@pytest.mark.parametrize("name", NONE)
def test_what_is_no_filter(name: str):
    weight = "let weight = as_complex(param([3, 6, 3, 2], init=normal(0.5)) as weight)"
    assert pieces(f"model net()(x: [b, 3, 6, 4]) {{\n  {weight}\n  {NONE[name]}\n}}") == []


@pytest.mark.parametrize("name", SPECTRALS)
def test_a_filter_is_there_and_back(name: str):
    found = pieces(SPECTRALS[name])
    assert found
    assert all(each == ["rfft2", "multiply", "irfft2"] for each in found)
