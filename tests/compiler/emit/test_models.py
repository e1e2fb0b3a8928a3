"""Built models: what they hold, how they train, that they can be copied, moved and compiled."""

import copy
import pickle
import subprocess
import sys
from pathlib import Path

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn

import archdsl
from archdsl import zoo
from archdsl.targets import Target, open_target
from archdsl_compiler.graph import state_entries
from tests.meaning.small_spaces import written
from tests.resolved.candidates import drawn, entries

ROOT = Path(__file__).parent.parent.parent.parent
SPACES = sorted((ROOT / "searchspaces").glob("*.arch"))
EXAMPLES = [path for path in sorted((ROOT / "examples").glob("*.arch")) if "extern" not in path.read_text("utf-8")]
SMALL = ("efficientvit_m0", "mobilenetv2_050", "convnext_atto", "pvt_v2_b0", "vit_tiny_patch16_224")


def holds_what_the_graph_says(target: Target) -> None:
    """Built without memory, a model has the names and shapes of the graph, and the kinds."""
    with torch.device("meta"):
        model = archdsl.build(target)
    parameters = dict(model.named_parameters())
    assert {name: (entry.shape, entry.trainable) for name, entry in state_entries(target.graph())} == {
        name: (tuple(tensor.shape), name in parameters) for name, tensor in model.state_dict().items()
    }


def runs(target: Target) -> None:
    """A batch of two and one of three give results of the promised shapes."""
    model = archdsl.build(target).eval()
    graph = target.graph()
    for batch in (2, 3):
        inputs = [torch.randn([n if isinstance(n, int) else batch for n in type_.shape]) for type_ in graph.input_types]
        with torch.inference_mode():
            results = model(*inputs)
        results = [results] if isinstance(results, torch.Tensor) else list(results)
        assert [[n if isinstance(n, int) else batch for n in type_.shape] for type_ in graph.output_types] == [
            list(result.shape) for result in results
        ]


@pytest.mark.slow
@pytest.mark.parametrize("name", zoo.names())
def test_models_of_the_zoo_hold_what_their_graphs_say(name: str):
    holds_what_the_graph_says(open_target(f"zoo:{name}"))


@pytest.mark.slow
@pytest.mark.parametrize("path", [*EXAMPLES, *SPACES], ids=lambda path: path.stem)
def test_candidates_of_shipped_files_are_built_and_run(path: Path, one_thread: None):
    program = archdsl.load(path)
    for name in entries(program):
        for seed in range(2):
            genome = drawn(program, name, seed)
            assert genome is not None
            target = open_target((program, name), genome=genome)
            holds_what_the_graph_says(target)
            if target.graph().macs < 5e8:
                runs(target)


@pytest.mark.slow
@settings(max_examples=60)
@given(seed=st.integers(0, 100_000))
def test_candidates_of_small_spaces_are_built_and_run(seed: int, tmp_path_factory: pytest.TempPathFactory):
    file = tmp_path_factory.mktemp("spaces") / "space.arch"
    file.write_text(written(seed), encoding="utf-8")
    try:
        program = archdsl.load(file)
    except archdsl.ArchError:
        return  # some of the spaces have faults on purpose
    genome = drawn(program, "s", seed)
    if genome is not None:
        target = open_target((program, "s"), genome=genome)
        holds_what_the_graph_says(target)
        runs(target)


# ---- training


@pytest.mark.slow
@pytest.mark.parametrize("name", SMALL)
def test_gradients_reach_every_parameter(name: str, one_thread: None):
    torch.manual_seed(0)
    model = archdsl.build(f"zoo:{name}", drop_path=0.0) if name != "efficientvit_m0" else archdsl.build(f"zoo:{name}")
    size = open_target(f"zoo:{name}").graph().input_types[0].shape[-1]
    before = {name: value.clone() for name, value in model.named_buffers() if name.endswith("running_mean")}
    nn.functional.cross_entropy(model(torch.randn(2, 3, size, size)), torch.tensor([1, 2])).backward()
    assert [] == [own for own, p in model.named_parameters() if p.grad is None or not bool(p.grad.isfinite().all())]
    still = [own for own, value in model.named_buffers() if own in before and torch.equal(before[own], value)]
    assert [] == still


TRAINED = """\
model net(classes: int = 4)(x: [b, 8]) {
  x = x |> linear(16) as fc |> batch_norm() as norm
  x = x + (x |> linear(16) as branch |> drop_path(0.5)) |> dropout(0.5)
  return x |> linear(classes) as head
}
"""


@pytest.fixture
def net(tmp_path: Path) -> str:
    file = tmp_path / "net.arch"
    file.write_text(TRAINED, encoding="utf-8")
    return str(file)


def test_what_is_left_out_in_training_is_there_in_use(net: str):
    torch.manual_seed(0)
    model = archdsl.build(net)
    x = torch.randn(16, 8)
    assert not torch.equal(model(x), model(x))
    assert torch.equal(model.eval()(x), model(x))


def test_the_number_of_examples_does_not_matter_in_use(net: str):
    model = archdsl.build(net).eval()
    x = torch.randn(5, 8)
    assert torch.allclose(model(x)[:2], model(x[:2]), atol=1e-6)


# ---- moving


def test_models_are_copied_and_pickled(net: str):
    model = archdsl.build(net).eval()
    x = torch.randn(3, 8)
    for other in (copy.deepcopy(model), pickle.loads(pickle.dumps(model))):
        assert torch.equal(model(x), other(x))
        with torch.no_grad():
            other.head.weight.zero_()
        assert not torch.equal(model(x), other(x))


def test_a_pickle_is_read_by_a_process_that_never_saw_the_source(net: str, tmp_path: Path):
    model = archdsl.build(net).eval()
    x = torch.ones(3, 8)
    (tmp_path / "model").write_bytes(pickle.dumps((model, x, model(x).detach())))
    program = (
        "import pickle, sys, torch; model, x, expected = pickle.load(open(sys.argv[1], 'rb')); "
        "print(torch.equal(model(x), expected), type(model).__name__)"
    )
    done = subprocess.run(
        [sys.executable, "-c", program, str(tmp_path / "model")], capture_output=True, text=True, check=True
    )
    assert "True Net\n" == done.stdout


@pytest.mark.parametrize("dtype", [torch.float64, torch.bfloat16])
def test_models_take_other_dtypes(net: str, dtype: torch.dtype):
    model = archdsl.build(net).eval()
    x = torch.randn(3, 8)
    expected = model(x)
    found = model.to(dtype)(x.to(dtype))
    assert dtype == found.dtype
    assert torch.allclose(expected, found.float(), atol=1e-6 if dtype == torch.float64 else 0.1)


@pytest.mark.slow
def test_models_are_compiled(one_thread: None):
    model = archdsl.build("zoo:mobilenetv2_050", size=64).eval()
    x = torch.randn(2, 3, 64, 64)
    with torch.no_grad():
        compiled = torch.compile(model, backend="eager", fullgraph=True)
        assert torch.allclose(model(x), compiled(x), atol=1e-5)


@pytest.mark.slow
@pytest.mark.parametrize("name", ["mobilenetv2_050", "pvt_v2_b0"])
def test_models_are_exported_for_any_batch(name: str, one_thread: None):
    model = archdsl.build(f"zoo:{name}", size=64).eval()
    shapes = ({0: torch.export.Dim("batch")},)
    exported = torch.export.export(model, (torch.randn(2, 3, 64, 64),), dynamic_shapes=shapes).module()
    x = torch.randn(5, 3, 64, 64)
    with torch.no_grad():
        assert torch.allclose(model(x), exported(x), atol=1e-5)


# ---- classifiers and features


@pytest.mark.slow
@pytest.mark.parametrize("name", SMALL)
def test_classifiers_are_renewed(name: str, one_thread: None):
    model = archdsl.build(f"zoo:{name}").eval()
    size = open_target(f"zoo:{name}").graph().input_types[0].shape[-1]
    x = torch.randn(1, 3, size, size)
    with torch.inference_mode():
        assert (1, 1000) == tuple(model(x).shape)
        model.reset_classifier(7)
        assert (1, 7) == tuple(model(x).shape)
        model.reset_classifier(0)
        assert (1, model.num_features) == tuple(model(x).shape)
        assert model.num_features in tuple(model.forward_features(x).shape)


# ---- first values


def test_parameters_begin_as_the_source_says(tmp_path: Path):
    file = tmp_path / "begins.arch"
    file.write_text(
        """\
model begins()(x: [b, 64, 8, 8]) {
  x = x
    |> conv(128, 3, init=trunc_normal(0.02), init_bias=0.5) as trunc
    |> conv(128, 3, init=kaiming_normal_out()) as fan_out
    |> conv(128, 1, init=normal(0.3)) as normal
    |> batch_norm(init=0.0) as zero
    |> conv(128, 3) as usual
  x = x * (param([128, 1, 1], init=1e-5) as scale)
  return x |> mean(axes=(2, 3)) |> linear(512, init=uniform(0.25), init_bias=0.0) as uniform
}
""",
        encoding="utf-8",
    )
    torch.manual_seed(0)
    state = archdsl.build(file).state_dict()
    expected = {
        "trunc.weight": (0.0, 0.02),
        "trunc.bias": (0.5, 0.0),
        "fan_out.weight": (0.0, (2 / (128 * 9)) ** 0.5),
        "normal.weight": (0.0, 0.3),
        "zero.weight": (0.0, 0.0),
        "usual.weight": (0.0, (1 / (3 * 128 * 9)) ** 0.5),
        "scale": (1e-5, 0.0),
        "uniform.weight": (0.0, 0.25 / 3**0.5),
        "uniform.bias": (0.0, 0.0),
    }
    found = {name: (float(state[name].mean()), float(state[name].std())) for name in expected}
    assert [] == [
        name
        for name, (mean, std) in expected.items()
        if abs(found[name][0] - mean) > 0.05 * std + 1e-7 or abs(found[name][1] - std) > 0.05 * std + 1e-7
    ]


@pytest.mark.parametrize(
    ("name", "entry", "std"),
    [
        ("vit_tiny_patch16_224", "blocks.3.mlp.fc1.weight", 0.02),
        ("swin_tiny_patch4_window7_224", "layers.2.blocks.1.attn.qkv.weight", 0.02),
        ("resnet18", "layer3.0.conv2.weight", (2 / (256 * 9)) ** 0.5),
        ("convnext_atto", "stages.3.blocks.0.mlp.fc1.weight", 0.02),
        ("poolformer_s12", "stages.3.blocks.0.mlp.fc1.weight", 0.02),
    ],
)
def test_models_of_the_zoo_begin_as_published(name: str, entry: str, std: float):
    torch.manual_seed(0)
    weight = archdsl.build(f"zoo:{name}").state_dict()[entry]
    assert (True, True) == (abs(float(weight.mean())) < 0.02 * std, abs(float(weight.std()) - std) < 0.03 * std)
