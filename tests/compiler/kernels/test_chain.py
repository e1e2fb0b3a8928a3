"""Which steps are a chain, and into which calls they go."""

import pytest
import torch

from archdsl_compiler.kernels.chain import ChainInPlace
from archdsl_compiler.kernels.contract import Case, Mode, Place
from archdsl_compiler.tuning.program import Weights, case_of, observe
from tests.compiler.kernels.flat_models import cut_of, graph_of, inputs_of
from tests.compiler.kernels.region_models import CHAINS

PLACE = Place("cpu", 1, frozenset())


def cases(text: str) -> list[Case]:
    graph = graph_of(text)
    parts, state = cut_of(graph)
    seen = observe(parts, Weights(parts, state), inputs_of(graph), Mode())
    return [case_of(region, Mode(), seen, PLACE) for region in parts.running if region.kind == "chain"]


def names(case: Case) -> list[str]:
    return [call.op.name for call in case.region.piece.calls]  # type: ignore[union-attr]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("let y = relu(x)\n  return [y, exp(y)]", []),  # a result ends a chain
        ("let y = relu(x)\n  return exp(y) * softmax(y, axis=1)", [["exp", "multiply"]]),  # two readers end it
        ("return x |> relu |> layer_norm |> exp |> tanh", [["exp", "tanh"]]),
        ("return x |> float32(gate) |> exp |> tanh", [["exp", "tanh"]]),
        ("return x |> linear(4) as fc |> relu |> exp |> tanh", [["exp", "tanh"]]),  # the first is the product's
    ],
)
def test_where_a_chain_begins_and_ends(text: str, expected: list[list[str]]):
    gate = "block gate()(x: [...]) { return relu(x) }\n"
    assert [names(case) for case in cases(f"{gate}model net()(x: [b, 9, 4]) {{\n  {text}\n}}")] == expected


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("star_relu", True),
        ("scaled_sums", True),
        ("in_place", True),
        ("views", False),
        ("gathered", True),
        ("not_its_own", False),
        ("numbers_on_the_left", False),
    ],
)
def test_what_is_written_in_place(name: str, expected: bool):
    found = cases(CHAINS[name])
    assert found
    assert all(ChainInPlace().applies(case) == expected for case in found)


def test_one_call_squares_scales_and_adds():
    case = cases(CHAINS["star_relu"])[0]
    scale, bias = torch.tensor([2.0]), torch.tensor([3.0])
    places = [place for place, operand in enumerate(case.inputs) if operand.shape == (1,)]
    run = ChainInPlace().make(case, {}, dict(zip(places, (scale, bias), strict=True)))
    x = torch.randn(2, 6, 7, 9)
    calls: list[str] = []

    class Counted(torch.overrides.TorchFunctionMode):
        def __torch_function__(self, func, types, args=(), kwargs=None):  # type: ignore[no-untyped-def]
            calls.append(func.__name__)
            return func(*args, **(kwargs or {}))

    with Counted():
        found = run(x, scale, bias)
    assert calls == ["relu", "addcmul"] if "relu" in names(case) else calls == ["addcmul"]
    torch.testing.assert_close(found, (x.relu() if "relu" in names(case) else x) ** 2 * 2 + 3)
