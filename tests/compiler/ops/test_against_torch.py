"""What the rules say against what PyTorch does: shapes, dtypes, state dicts and multiply-accumulates."""

import warnings
from typing import Any

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn
from torch.nn import functional as F
from torch.utils.flop_counter import FlopCounterMode

from archdsl_compiler.ops.contract import Inferred, OpFault
from archdsl_compiler.ops.registry import ops
from archdsl_compiler.types import TensorType
from tests.compiler.ops.cases import CASES, Case

BATCH = 3
DTYPES = {
    "real": torch.float32,
    "float32": torch.float32,
    "float16": torch.float16,
    "bfloat16": torch.bfloat16,
    "int64": torch.int64,
    "bool": torch.bool,
    "complex": torch.complex64,
}
COMPARED = [case for case in CASES if case.reference is not None]


def infer(case: Case) -> Inferred:
    tensors, given_settings = case.at_batch(BATCH)
    return ops()[case.op].rule(*tensors, **given_settings)


def tensor(value: Any) -> Any:
    """Ones, for which every operation has a meaning; a list stays a list."""
    if isinstance(value, TensorType):
        return torch.ones(value.shape, dtype=DTYPES[value.dtype])
    return [tensor(item) for item in value] if isinstance(value, list) else value


def flat(result: Any) -> list[Any]:
    return list(result) if type(result) in (list, tuple) else [result]


def run(case: Case) -> tuple[list[torch.Tensor], nn.Module | None, int]:
    assert case.reference is not None
    reference = case.reference()
    module = reference if isinstance(reference, nn.Module) else None
    tensors, _ = case.at_batch(BATCH)
    with FlopCounterMode(display=False) as counter, warnings.catch_warnings(), torch.no_grad():
        warnings.simplefilter("ignore")
        result = reference(*map(tensor, tensors))
    return flat(result), module, counter.get_total_flops() // 2


@pytest.mark.parametrize("case", COMPARED, ids=str)
def test_result_state_and_cost_are_those_of_torch(case: Case) -> None:
    found, module, macs = run(case)
    inferred = infer(case)
    assert [(tuple(t.shape), t.dtype) for t in found] == [(t.shape, DTYPES[t.dtype]) for t in flat(inferred.result)]
    assert inferred.macs == macs
    state = {} if module is None else {name: (tuple(t.shape), t.dtype) for name, t in module.state_dict().items()}
    assert {p.name: (p.shape, DTYPES[p.dtype]) for p in inferred.parameters} == state
    trained = set() if module is None else {name for name, _ in module.named_parameters()}
    assert {p.name for p in inferred.parameters if p.trainable} == trained


def outcome(case: Case) -> Any:
    """The shape that a rule gives, or None for a fault."""
    try:
        return infer(case).result.shape  # type: ignore[union-attr]
    except OpFault:
        return None


def torch_shape(function: Any, *tensors: torch.Tensor, **arguments: Any) -> Any:
    """The shape that PyTorch gives, or None where it refuses or nothing is left."""
    try:
        shape = tuple(function(*tensors, **arguments).shape)
    except RuntimeError:
        return None
    return shape if all(shape) else None


small = st.integers(1, 5)


@settings(max_examples=300, deadline=None)
@given(st.integers(1, 24), small, st.integers(1, 4), st.integers(0, 4), st.integers(1, 3))
def test_convolutions_slide_like_torch(size: int, kernel: int, stride: int, padding: int, dilation: int) -> None:
    case = Case("conv", lambda b: ((TensorType((b, 2, size)),), {"out": 4, "kernel": kernel, **arguments}))
    arguments = {"stride": stride, "padding": padding, "dilation": dilation}
    x, weight = torch.empty(BATCH, 2, size, device="meta"), torch.empty(4, 2, kernel, device="meta")
    assert torch_shape(F.conv1d, x, weight, **arguments) == outcome(case)


@settings(max_examples=200, deadline=None)
@given(st.integers(1, 12), small, st.integers(1, 4), st.integers(0, 4), st.integers(0, 3))
def test_transposed_convolutions_grow_like_torch(size: int, kernel: int, stride: int, padding: int, extra: int) -> None:
    settings_ = {"out": 4, "kernel": kernel, "stride": stride, "padding": padding, "extra": extra}
    case = Case("conv_transpose", lambda b: ((TensorType((b, 2, size)),), settings_))
    x, weight = torch.zeros(BATCH, 2, size), torch.zeros(2, 4, kernel)
    expected = torch_shape(F.conv_transpose1d, x, weight, stride=stride, padding=padding, output_padding=extra)
    assert expected == outcome(case)


@settings(max_examples=300, deadline=None)
@given(
    st.sampled_from(["avg_pool", "max_pool"]),
    st.integers(1, 24),
    small,
    st.integers(1, 4),
    st.integers(0, 3),
    st.booleans(),
)
def test_pools_slide_like_torch(name: str, size: int, kernel: int, stride: int, padding: int, ceil: bool) -> None:
    settings_ = {"kernel": kernel, "stride": stride, "padding": padding, "ceil": ceil}
    case = Case(
        name, lambda b: ((TensorType((b, 2, size, 7)),), {**settings_, "kernel": (kernel, 3), "padding": (padding, 1)})
    )
    function = F.avg_pool2d if name == "avg_pool" else F.max_pool2d
    x = torch.empty(BATCH, 2, size, 7, device="meta")
    expected = torch_shape(function, x, (kernel, 3), stride, (padding, 1), ceil_mode=ceil)
    assert expected == outcome(case)


@settings(max_examples=100, deadline=None)
@given(st.integers(1, 12), small, st.integers(1, 4), st.integers(0, 3), st.integers(1, 3))
def test_unfold_and_fold_are_torchs(size: int, kernel: int, stride: int, padding: int, dilation: int) -> None:
    window = {"kernel": kernel, "stride": stride, "padding": padding, "dilation": dilation}
    case = Case("unfold", lambda b: ((TensorType((b, 2, size, 9)),), window))
    x = torch.zeros(BATCH, 2, size, 9)
    columns = torch_shape(F.unfold, x, kernel, stride=stride, padding=padding, dilation=dilation)
    assert columns == outcome(case)
    if columns is not None:
        back = Case("fold", lambda b: ((TensorType(columns),), {"size": (size, 9), **window}))
        assert outcome(back) == tuple(x.shape)


@settings(max_examples=200, deadline=None)
@given(st.lists(st.integers(1, 3), max_size=4), st.lists(st.integers(1, 3), max_size=4))
def test_broadcasting_is_torchs(left: list[int], right: list[int]) -> None:
    case = Case("add", lambda b: ((TensorType(tuple(left)), TensorType(tuple(right))), {}))
    assert torch_shape(torch.add, torch.empty(left), torch.empty(right)) == outcome(case)


@settings(max_examples=200, deadline=None)
@given(st.lists(st.integers(1, 3), min_size=1, max_size=4), st.lists(st.integers(1, 3), min_size=1, max_size=4))
def test_matrix_products_are_torchs(left: list[int], right: list[int]) -> None:
    case = Case("matmul", lambda b: ((TensorType(tuple(left)), TensorType(tuple(right))), {}))
    assert torch_shape(torch.matmul, torch.empty(left), torch.empty(right)) == outcome(case)


index_end = st.none() | st.integers(-7, 7)


@settings(max_examples=200, deadline=None)
@given(st.integers(1, 5), index_end, index_end)
def test_slices_are_torchs(size: int, start: int | None, stop: int | None) -> None:
    case = Case("index", lambda b: ((TensorType((b, size)),), {"places": ("all", ("slice", start, stop))}))
    assert torch_shape(lambda x: x[:, start:stop], torch.empty(BATCH, size)) == outcome(case)
