"""The classes and functions that emitted source brings along: what they compute, and that they can be moved."""

import ast
import builtins
import inspect
import pickle
from collections.abc import Callable
from typing import Any

import pytest
import torch
from torch import nn
from torch.nn import functional as F

from archdsl_compiler.emit import prelude
from tests.compiler.ops.cases import tf_same

OWN = {name: part for name, part in vars(prelude).items() if getattr(part, "__module__", "") == prelude.__name__}
BATCH_FIRST = [
    (lambda: prelude.LayerNorm2d(6), (2, 6, 5, 4)),
    (lambda: prelude.LayerNormAt(2, 6), (2, 3, 6, 4)),
    (lambda: prelude.RMSNormAt(1, 6, 1e-6), (2, 6, 5)),
    (lambda: prelude.BatchNormLast(6), (2, 5, 6)),
    (lambda: prelude.BatchNormAt(2, 6), (2, 5, 6, 3)),
    (lambda: prelude.SameConv1d(6, 4, 3, stride=2), (2, 6, 8)),
    (lambda: prelude.SameConv2d(6, 4, 3, stride=2), (2, 6, 8, 7)),
    (lambda: prelude.SameConv3d(6, 4, 3, stride=2), (2, 6, 8, 7, 6)),
]


class Dropped(nn.Module):
    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return prelude.drop_path(x, 0.5, self.training)


def exported(module: nn.Module, *inputs: torch.Tensor) -> torch.nn.Module:
    batch = torch.export.Dim("batch")
    shapes = tuple({0: batch} for _ in inputs)
    return torch.export.export(module.eval(), inputs, dynamic_shapes=shapes).module()


@pytest.mark.slow
@pytest.mark.parametrize(("made", "shape"), [*BATCH_FIRST, (Dropped, (2, 3))])
def test_layers_can_be_exported_and_pickled(made: Callable[[], nn.Module], shape: tuple[int, ...]) -> None:
    torch.manual_seed(0)
    layer = made().eval()
    x = torch.randn(3, *shape[1:])
    expected = layer(x)
    torch.testing.assert_close(exported(layer, torch.randn(2, *shape[1:]))(x), expected)
    torch.testing.assert_close(pickle.loads(pickle.dumps(layer))(x), expected)
    torch.testing.assert_close(torch.compile(layer, backend="eager", fullgraph=True)(x), expected)


@pytest.mark.parametrize("bias", [True, False])
def test_experts_compute_for_the_vectors_that_chose_them(bias: bool) -> None:
    torch.manual_seed(0)
    layer, x, chosen, expected = experts(bias)
    torch.testing.assert_close(layer(x, chosen), expected)
    layer(x, chosen).sum().backward()
    assert layer.weight.grad is not None
    assert [True, True, True, True, False] == layer.weight.grad.flatten(1).any(1).tolist()


@pytest.mark.slow
@pytest.mark.parametrize("bias", [True, False])
def test_experts_compute_the_same_when_compiled(bias: bool) -> None:
    torch.manual_seed(0)
    layer, x, chosen, expected = experts(bias)
    torch.testing.assert_close(torch.compile(layer, backend="eager", fullgraph=True)(x, chosen), expected)
    torch.testing.assert_close(exported(layer, x[:3], chosen[:3])(x, chosen), expected)


def experts(bias: bool) -> tuple[prelude.ExpertLinear, torch.Tensor, torch.Tensor, torch.Tensor]:
    """Five experts of which the last is never chosen, inputs, and what they give."""
    layer = prelude.ExpertLinear(5, 4, 3, bias=bias)
    x, chosen = torch.randn(7, 2, 4), torch.randint(0, 4, (7, 2))
    expected = torch.einsum("nkc,nkoc->nko", x, layer.weight[chosen])
    return layer, x, chosen, expected if layer.bias is None else expected + layer.bias[chosen]


def test_experts_begin_like_a_linear_of_their_width() -> None:
    torch.manual_seed(0)
    layer = prelude.ExpertLinear(8, 64, 32)
    assert layer.bias is not None
    assert 0.12 < layer.weight.abs().max().item() <= 0.125
    assert 0.12 < layer.bias.abs().max().item() <= 0.125


def test_paths_are_dropped_as_a_whole_and_in_training_alone() -> None:
    torch.manual_seed(0)
    x = torch.ones(1000, 2, 3)
    assert prelude.drop_path(x, 0.5, False) is x
    assert prelude.drop_path(x, 0.0, True) is x
    found = prelude.drop_path(x, 0.2, True)
    assert {0.0, 1.25} == set(found.flatten().tolist())
    assert bool((found == found[:, :1, :1]).all())
    assert 0.9 < found.mean().item() < 1.1
    assert {0.0} == set(prelude.drop_path(x, 1.0, True).flatten().tolist())


@pytest.mark.parametrize("size", [7, 8, 9, 10])
@pytest.mark.parametrize(("kernel", "stride", "dilation"), [(3, 2, 1), (2, 1, 1), (5, 3, 1), (1, 3, 1), (3, 2, 2)])
def test_same_padding_is_that_of_tensorflow(size: int, kernel: int, stride: int, dilation: int) -> None:
    x = torch.randn(2, 3, size, size + 1)
    expected = tf_same(x, kernel, stride, dilation)
    two = (2, 2)
    found = prelude.pad_same(x, tuple(kernel for _ in two), tuple(stride for _ in two), tuple(dilation for _ in two))
    assert expected.tolist() == found.tolist()


@pytest.mark.parametrize("axis", [1, 2, 3])
def test_batch_norms_elsewhere_learn_like_those_of_torch(axis: int) -> None:
    torch.manual_seed(0)
    x = torch.randn(4, 5, 5, 5)
    reference = nn.BatchNorm2d(5)
    expected = reference(x.transpose(1, axis)).transpose(1, axis)
    layers: list[nn.Module] = [prelude.BatchNormAt(axis, 5)]
    if axis == 3:
        layers.append(prelude.BatchNormLast(5))
    for layer in layers:
        torch.testing.assert_close(layer(x), expected)
        assert_same_state(layer.state_dict(), reference.state_dict())
    held = nn.BatchNorm2d(5).state_dict()
    names = ("running_mean", "running_var", "num_batches_tracked", "weight", "bias")
    found = prelude.batch_norm(x, *(held[name] for name in names), True, axis=axis)
    torch.testing.assert_close(found, expected)
    assert_same_state(held, reference.state_dict())


def assert_same_state(found: dict[str, Any], expected: dict[str, Any]) -> None:
    assert list(expected) == list(found)
    for name, tensor in expected.items():
        torch.testing.assert_close(found[name], tensor)


def test_norms_elsewhere_are_those_of_torch_on_the_last_axis() -> None:
    x = torch.randn(2, 6, 5, 4)
    expected = F.layer_norm(x.movedim(1, -1), (6,)).movedim(-1, 1)
    torch.testing.assert_close(prelude.LayerNorm2d(6)(x), expected)
    torch.testing.assert_close(prelude.LayerNormAt(1, 6)(x), expected)
    torch.testing.assert_close(
        prelude.RMSNormAt(1, 6, 1e-6)(x), F.rms_norm(x.movedim(1, -1), (6,), eps=1e-6).movedim(-1, 1)
    )


@pytest.mark.parametrize("name", OWN)
def test_each_stands_by_itself_in_narrow_lines(name: str) -> None:
    text = inspect.getsource(OWN[name])
    assert [] == [line for line in text.splitlines() if len(line) > 88]
    tree = ast.parse(text)
    bound = {node.arg for node in ast.walk(tree) if isinstance(node, ast.arg)}
    bound |= {node.id for node in ast.walk(tree) if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store)}
    read = {node.id for node in ast.walk(tree) if isinstance(node, ast.Name)}
    assert set() == read - bound - {"torch", "nn", "F", "Tensor"} - set(OWN) - set(dir(builtins))
    assert ast.get_docstring(tree.body[0]) is not None  # type: ignore[arg-type]
