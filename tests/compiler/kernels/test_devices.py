"""Kernels and programs stay on the device of the weights: seen on PyTorch's device without memory, `meta`, by looking
at all that any op reads."""

from collections.abc import Mapping, Sequence
from typing import Any

import pytest
import torch
from torch import Tensor
from torch.utils._python_dispatch import TorchDispatchMode  # what PyTorch's own tools of this sort are made of
from torch.utils._pytree import tree_leaves

from archdsl_compiler.kernels.contract import Mode, Place, kernels_for
from archdsl_compiler.kernels.plain import Plain
from archdsl_compiler.tuning.formats import sample_of
from archdsl_compiler.tuning.program import Choice, Weights, as_tuple, case_of, observe, program
from tests.compiler.kernels.flat_models import cut_of, graph_of, inputs_of
from tests.compiler.kernels.region_models import MODELS

ELSEWHERE = Place("meta", 1, frozenset())
NAMES = [(kind, name) for kind, models in MODELS.items() for name in models]


class NothingOfTheProcessor(TorchDispatchMode):
    """Ops must not read tensors of the processor, but for numbers, which PyTorch takes along."""

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        for given in tree_leaves((args, kwargs or {})):
            assert not isinstance(given, Tensor) or given.is_meta or given.dim() == 0, f"{func} reads {given.shape}"
        return func(*args, **kwargs or {})


def elsewhere(state: Mapping[str, Tensor]) -> dict[str, Tensor]:
    return {name: value.to("meta") for name, value in state.items()}


def meta(tensors: Sequence[Tensor]) -> list[Tensor]:
    return [each.to("meta") for each in tensors]


@pytest.mark.parametrize(("kind", "name"), NAMES)
def test_a_kernel_reads_nothing_of_the_processor(kind: str, name: str):
    graph = graph_of(MODELS[kind][name])
    parts, state = cut_of(graph)
    weights = Weights(parts, elsewhere(state), "meta")
    for mode in (Mode("natural"), Mode("last")):
        seen = observe(parts, weights, meta(inputs_of(graph)), mode)
        for region in parts.running:
            case = case_of(region, mode, seen, ELSEWHERE)
            given = [sample_of(each, torch.Generator(), "meta") for each in case.inputs]
            for kernel in kernels_for(region.kind):
                if kernel.applies(case):
                    with torch.inference_mode():
                        try:
                            run = kernel.make(case, weights.of(region, mode), weights.constants(region, mode))
                        except RuntimeError as error:  # it takes a number out of the weights, and here are none
                            if "cannot be called on meta tensors" not in str(error):
                                raise
                            continue
                        with NothingOfTheProcessor():
                            results = as_tuple(run(*given))
                    assert [tuple(each.shape) for each in results] == [each.shape for each in case.outputs]
                    assert all(each.is_meta for each in results), kernel.name


NET = """
model net()(x: [b, 9, 8, 6]) {
  let places = arange(6) + 1
  let q = x |> conv(6, 3) as stem |> rearrange("b c h w -> b h w 1 c")
  let y = neighborhood_attention(q, q, q, kernel=3) * places
  return y |> linear(5) as head
}
"""


def test_a_program_reads_nothing_of_the_processor():
    graph = graph_of(NET)
    parts, state = cut_of(graph)
    weights, inputs = Weights(parts, elsewhere(state)), meta(inputs_of(graph))
    modes = (Mode("natural"), Mode("last", "bfloat16"))
    seen = {mode: observe(parts, weights, inputs, mode) for mode in modes}
    choices = [Choice(modes[number % 2], Plain()) for number, _ in enumerate(parts.running)]
    made = program(parts, choices, seen, weights, inputs, ELSEWHERE)
    assert parts.fixed is not None
    assert made.conversions
    with torch.inference_mode(), NothingOfTheProcessor():
        assert made.run(*inputs).is_meta
