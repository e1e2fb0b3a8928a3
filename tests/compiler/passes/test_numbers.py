"""What passes must leave alone: the numbers that a graph computes. Both graphs are run op by op in float64, with random
parameters; those of the second are computed from those of the first."""

from pathlib import Path

import pytest
import torch

import archdsl
from archdsl_compiler.graph import Module, state_entries
from archdsl_compiler.passes.contract import BUILDING, Pipeline, parse, pipeline
from archdsl_compiler.passes.deploy import deploy
from archdsl_compiler.passes.weight_map import FoldedNorm, MergedBranches
from archdsl_compiler.passes.weights import transform_state
from tests.compiler.passes.interpreter import BATCH, random_state, run
from tests.markdown_cases import read_cases

CASES = [
    pytest.param(case, id=f"{path.stem}-{number}")
    for path in sorted((Path(__file__).parent / "cases").glob("*.md"))
    for number, case in enumerate(read_cases(path.read_text(encoding="utf-8")))
    if "eliminate-dead-code{drop_state=true}" not in case.arguments
]

MODELS = {
    "norms before grouped and dilated products": """
        model m(size: int = 8)(x: [b, 4, size, size]) {
          x = x |> batch_norm(eps=0.1) as a |> conv(6, 3, padding=0, groups=2, dilation=2, bias=false) as b |> relu
          x = x |> conv_transpose(4, 3, stride=2, extra=1, groups=2) as c |> batch_norm(affine=false) as d |> relu
          return x |> batch_norm() as e |> conv(4, 1) as f |> batch_norm() as g
        }""",
    "a norm between two products goes into the first": """
        model m(size: int = 8)(x: [b, 4, size]) {
          return x |> conv(6, 3) as a |> batch_norm() as b |> conv(6, 1) as c
        }""",
    "tokens": """
        model m(n: int = 8)(x: [b, n, 4]) {
          x = x |> linear(6, bias=false) as a |> batch_norm(axis=-1) as b |> relu
          return x |> batch_norm(axis=2) as c |> linear(3) as d
        }""",
    "a norm of another axis than the product's": """
        model m(n: int = 8)(x: [b, n, 4]) {
          return x |> linear(6) as a |> batch_norm() as b |> linear(6) as c
        }""",
    "one module in several places, and one that is placed": """
        block unit(act: block? = relu)(x: [b, c, h, w]) {
          return x |> conv(c, 3, bias=false) as conv |> batch_norm() as bn |> act
        }
        model m(size: int = 8)(x: [b, 4, size, size]) {
          let twice = unit() as twice
          for i in 0..<3 {
            x = x |> unit as units[i]
          }
          return x |> twice |> twice
        }""",
    "an op that is placed keeps its norm": """
        model m()(x: [b, 4]) {
          let fc = linear(4) as fc
          return x |> fc |> batch_norm() as bn |> fc
        }""",
    "many branches": """
        block branch(kernel: any)(x: [b, c, h, w]) {
          return x |> conv(c, kernel, bias=false) as conv |> batch_norm() as bn
        }
        block unit(count: int)(x: [b, c, h, w]) {
          let all = [x |> branch((3, 3)) as kernels[i] for i in 0..<count]
          return relu(sum(all) + (x |> branch((1, 3)) as flat) + (x |> batch_norm() as same) + x)
        }
        model m(size: int = 8)(x: [b, 4, size, size]) {
          return x |> unit(1) as a |> unit(3) as b
        }""",
    "branches that share a sum with others": """
        model m(size: int = 8)(x: [b, 4, size, size]) {
          let y = relu(x)
          let one = (x |> conv(4, 3, groups=2) as a) + (y |> conv(4, 5) as b) + y + (x |> conv(4, 1, groups=2) as c)
          let two = (x |> conv(4, 3, dilation=3) as d) + (x |> conv(4, 1) as e) + (y |> conv(4, 3, padding=1) as f)
          return sum([one, two, y, x |> conv(4, 1, stride=1) as g, (x |> conv(1, 3) as h)])
        }""",
    "branches with a stride": """
        model m(size: int = 9)(x: [b, 3, size, size]) {
          let wide = x |> conv(4, 3, stride=2, bias=false) as a
          return wide + (x |> conv(4, 1, stride=2) as b) + (x |> conv(4, (1, 3), stride=2) as c)
        }""",
}


def elaborated(source: str, folder: Path) -> Module:
    file = folder / "model.arch"
    file.write_text(source, encoding="utf-8")
    return archdsl.elaborate(archdsl.load(file), "m")


def results(root: Module, state: dict[str, torch.Tensor]) -> list[torch.Tensor]:
    generator = torch.Generator().manual_seed(1)
    inputs = [
        torch.randn([n if isinstance(n, int) else BATCH for n in type_.shape], generator=generator).to(
            torch.int64 if type_.dtype == "int64" else torch.float64
        )
        for type_ in root.input_types
    ]
    return run(root, state, *inputs)


def check_same(before: Module, after: Module, changes: tuple) -> None:
    state = random_state(before)
    changed = transform_state(state, changes)
    assert {name: entry.shape for name, entry in state_entries(after)} == {
        n: tuple(v.shape) for n, v in changed.items()
    }
    for first, second in zip(results(before, state), results(after, changed), strict=True):
        torch.testing.assert_close(second, first, rtol=1e-9, atol=1e-9, check_dtype=False)


@pytest.mark.parametrize("case", CASES)
def test_the_passes_of_a_case(case, tmp_path: Path):
    before = elaborated(case.sources["case.arch"], tmp_path)
    check_same(before, *Pipeline(tuple(map(parse, case.arguments))).transform(before))


@pytest.mark.parametrize("source", MODELS.values(), ids=MODELS)
def test_deployment(source: str, tmp_path: Path):
    before = elaborated(source, tmp_path)
    deployed = deploy(before)
    check_same(before, deployed.root, deployed.changes)


@pytest.mark.parametrize("source", MODELS.values(), ids=MODELS)
def test_the_passes_of_each_build(source: str, tmp_path: Path):
    before = elaborated(source, tmp_path)
    check_same(before, *pipeline(BUILDING).transform(before))


def counted(source: str, folder: Path) -> tuple[int, int, int]:
    """How many norms were folded behind and before a product, and how many sums merged."""
    found = [c for _, weights in deploy(elaborated(source, folder)).changes for each in weights.values() for c in each]
    sides = [change.side for change in found if isinstance(change, FoldedNorm)]
    return sides.count("behind"), sides.count("before"), sum(isinstance(change, MergedBranches) for change in found)


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("norms before grouped and dilated products", (2, 2, 0)),
        ("a norm between two products goes into the first", (1, 0, 0)),
        ("tokens", (1, 1, 0)),
        ("a norm of another axis than the product's", (0, 0, 0)),
        ("an op that is placed keeps its norm", (0, 0, 0)),
        ("many branches", (2, 0, 2)),
        ("branches that share a sum with others", (0, 0, 3)),
        ("branches with a stride", (0, 0, 1)),
    ],
)
def test_what_is_folded(name: str, expected: tuple[int, int, int], tmp_path: Path):
    assert expected == counted(MODELS[name], tmp_path)
