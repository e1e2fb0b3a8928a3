"""Kernels of a GPU: their own source, run on the processor by a stand-in for Triton, gives what the piece gives. Where
there is a GPU they also run there."""

import sys
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from torch import Tensor

from archdsl_compiler.kernels import gpu
from archdsl_compiler.kernels.contract import Case, Kernel, Mode, Place, Run, kernels
from archdsl_compiler.kernels.gpu import triton as gpu_triton
from archdsl_compiler.tuning.program import Weights
from tests.compiler.kernels.region_models import MODELS
from tests.compiler.kernels.test_contract import PLACE, compare, examples, small
from tests.compiler.kernels.triton_stand_in import read

GPU = Place("cuda", 1, frozenset({"sm_90"}))
OWN = [each for each in kernels() if "triton" in each.name]
NAMES = [(each, name) for each in OWN for name in MODELS[each.kinds[0]]]
MODES = [Mode("natural"), Mode("last"), Mode("natural", "bfloat16")]
DEVICES = ["cpu", "cuda"] if torch.cuda.is_available() else ["cpu"]
SOURCES = ("pool_source", "neighborhood_source")


@pytest.fixture
def stand_in(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in SOURCES:
        full = f"{gpu.__name__}.{name}"
        module = read(Path(gpu.__path__[0]) / f"{name}.py", full)
        monkeypatch.setitem(sys.modules, full, module)
        monkeypatch.setattr(gpu, name, module, raising=False)
    monkeypatch.setattr(gpu_triton, "_is_there", lambda: True)


def cases_of(each: Kernel, name: str, mode: Mode) -> tuple[Weights, list[Case]]:
    model = small(each.kinds[0], name, mode)
    cases = (replace(case, place=GPU) for case in model.cases(each.kinds[0], mode))
    return Weights(model.parts, model.state), [case for case in cases if each.applies(case)]


@pytest.mark.parametrize("mode", MODES, ids=str)
@pytest.mark.parametrize(("each", "name"), NAMES, ids=[f"{each.name}-{name}" for each, name in NAMES])
@pytest.mark.parametrize("device", DEVICES)
def test_a_kernel_gives_what_the_piece_gives(
    device: str, each: Kernel, name: str, mode: Mode, request: pytest.FixtureRequest
):
    if device == "cpu":
        request.getfixturevalue("stand_in")
    weights, cases = cases_of(each, name, mode)
    there = Weights(weights.cut, {label: value.to(device) for label, value in weights.state.items()}, device)
    for case in cases:
        run = each.make(case, there.of(case.region, mode), there.constants(case.region, mode))

        def near(*inputs: Tensor, run: Run = run) -> Tensor:
            return run(*(x.to(device) for x in inputs)).cpu()

        for given in examples(case.region, mode, weights, small(each.kinds[0], name, mode).seen[2]):
            compare(each, replace(case, place=PLACE), weights, near, given)


@pytest.mark.usefixtures("stand_in")
@pytest.mark.parametrize("each", OWN, ids=lambda each: each.name)
def test_a_kernel_is_for_a_gpu_and_is_tried(each: Kernel):
    cases = [case for name in MODELS[each.kinds[0]] for case in cases_of(each, name, Mode())[1]]
    assert cases
    for case in cases:
        assert not each.applies(replace(case, place=Place("cpu", 1, frozenset())))
        assert 0.01 < each.factor(case) < 1000
