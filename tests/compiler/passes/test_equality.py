"""A deployed model, built by emission, is held against the model that it was made of; one that differs is refused."""

from dataclasses import replace
from pathlib import Path

import pytest
import torch
from torch import nn

import archdsl
from archdsl_compiler.emit.execute import instantiate
from archdsl_compiler.emit.source import Note, emit
from archdsl_compiler.graph import Module
from archdsl_compiler.passes.deploy import Deployed, deploy
from archdsl_compiler.passes.equality import (
    TOLERANCE,
    UnequalDeployment,
    check_equal,
    difference,
    random_input,
    rounding,
    telling_state,
)
from archdsl_compiler.passes.weight_map import FoldedNorm
from archdsl_compiler.passes.weights import transform_state
from archdsl_compiler.types import TensorType

TEXT = """\
from std.layers import conv_bn

block repeated(kernels: list[int], scale: real = 1e-5)(x: [b, c, h, w]) {
  let gamma = param([c, 1, 1], init=scale) as gamma
  let kept = x + gamma * (x |> conv_bn(c, 3) as body |> gelu)
  let sums = sum(kept |> conv_bn(c, k) as branches[i] for i, k in enumerate(kernels))
  return relu(sums + (kept |> batch_norm() as same))
}

model m(size: int = 16, classes: int = 5)(x: [b, 3, size, size]) {
  x = x |> conv_bn(8, 3, stride=2) as stem |> relu
  for i in 0..<2 {
    x = x |> repeated([3, 1]) as blocks[i]
  }
  x = x + (x |> conv_bn(8, 3, groups=8) as local |> drop_path(0.5))
  return x |> mean(axes=(2, 3)) |> batch_norm() as norm |> linear(classes) as head
}
"""


@pytest.fixture
def root(tmp_path: Path) -> Module:
    file = tmp_path / "model.arch"
    file.write_text(TEXT, encoding="utf-8")
    return archdsl.elaborate(archdsl.load(file), "m")


def build(graph: Module) -> nn.Module:
    return instantiate(emit(graph, Note("m", "Made by a test.")))


def test_a_deployed_model_is_equal(root: Module):
    assert check_equal(root, deploy(root), build) <= TOLERANCE


def test_the_state_of_a_deployed_model(root: Module):
    deployed = deploy(root)
    names = set(transform_state(build(root).state_dict(), deployed.changes))
    blocks = {f"blocks.{i}.{n}" for i in (0, 1) for n in ("gamma", "body.conv.weight", "body.conv.bias")}
    blocks |= {f"blocks.{i}.branches.0.conv.{n}" for i in (0, 1) for n in ("weight", "bias")}
    assert names == {
        "stem.conv.weight",
        "stem.conv.bias",
        "local.conv.weight",
        "local.conv.bias",
        "head.weight",
        "head.bias",
        *blocks,
    }


def test_one_that_differs_is_refused_with_the_figure(root: Module):
    deployed = deploy(root)

    def wrong(change: object) -> object:
        return replace(change, eps=0.5) if isinstance(change, FoldedNorm) else change

    changes = tuple(
        (before, {module: tuple(map(wrong, found)) for module, found in weights.items()})
        for before, weights in deployed.changes
    )
    with pytest.raises(UnequalDeployment) as raised:
        check_equal(root, Deployed(deployed.root, changes), build)
    assert (True, TOLERANCE) == (raised.value.difference > TOLERANCE, raised.value.limit)
    assert f"differs by {raised.value.difference:.1e} of the model's largest result" in str(raised.value)


def test_results_that_are_no_numbers_are_refused(root: Module):
    class Broken(nn.Module):
        def forward(self, x: torch.Tensor) -> torch.Tensor:
            return x * torch.nan

    found = difference(nn.Identity(), Broken(), [torch.ones(2, 2)])
    assert (True, False) == (found != found, found <= TOLERANCE)


def test_a_model_that_rounds_much_may_differ_by_as_much():
    class Cancels(nn.Module):
        def __init__(self, offset: float) -> None:
            super().__init__()
            self.offset = nn.Parameter(torch.tensor(offset))

        def forward(self, x: torch.Tensor) -> torch.Tensor:
            return (x + self.offset) - self.offset

    x = torch.randn(100, generator=torch.Generator().manual_seed(0))
    assert (True, True) == (rounding(Cancels(1e4), [x]) > TOLERANCE, rounding(Cancels(0.0), [x]) == 0.0)


def test_every_parameter_of_the_check_has_an_effect(root: Module):
    state = telling_state(build(root).state_dict(), torch.Generator().manual_seed(0))
    constant = [name for name, value in state.items() if value.numel() > 1 and (value == value.flatten()[0]).all()]
    assert ([], True) == (constant, bool(state["blocks.0.gamma"].abs().max() > 0.01))


def test_training_state_is_left_alone(root: Module):
    before = build(root).state_dict()
    kept = {name: value.clone() for name, value in before.items()}
    transform_state(before, deploy(root).changes)
    assert kept.keys() == before.keys()
    for name, value in kept.items():
        torch.testing.assert_close(before[name], value, rtol=0, atol=0)


@pytest.mark.parametrize(
    ("type_", "expected"),
    [
        (TensorType((2, 3)), (torch.float32, (2, 3))),
        (TensorType((), "int64"), (torch.int64, ())),
        (TensorType((4,), "bool"), (torch.bool, (4,))),
        (TensorType((4,), "float16"), (torch.float16, (4,))),
    ],
)
def test_inputs_are_of_their_type(type_: TensorType, expected: tuple[torch.dtype, tuple[int, ...]]):
    found = random_input(type_, torch.Generator())
    assert expected == (found.dtype, tuple(found.shape))


@pytest.mark.slow
@pytest.mark.parametrize("family", ["efficientvit", "efficientformer"])
def test_a_deployed_model_of_the_zoo_is_equal(family: str):
    from archdsl import zoo
    from archdsl.resources import resource

    name = next(name for name, home in sorted(zoo.homes().items()) if home.family == family and home.variant)
    graph = archdsl.elaborate(archdsl.load(resource(f"zoo/{family}.arch")), name)
    assert check_equal(graph, deploy(graph), build) <= TOLERANCE
