"""The source that is emitted: as text, and as a file that runs where archdsl is not.

`tests/data/emitted/` holds the source of five models; `pytest tests/compiler/emit/test_source.py --update-emitted`
writes what is emitted now. Read the difference."""

import ast
import json
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

import pytest
import torch

import archdsl
from archdsl import zoo
from archdsl.assembly import assembled
from archdsl.building import source_of
from archdsl.targets import Target, open_target
from archdsl_compiler.graph import state_entries

EMITTED = Path(__file__).parent.parent.parent / "data" / "emitted"
PINNED = ("swin_tiny_patch4_window7_224", "poolformer_s12", "convnext_atto", "efficientvit_m0", "resnet50")
LINES_AT_MOST = {"swin_tiny_patch4_window7_224": 250, "poolformer_s12": 120}
SMALL = {
    "efficientvit_m0": (2, 3, 224, 224),
    "mobilenetv2_050": (2, 3, 224, 224),
    "swin_tiny_patch4_window7_224": (1, 3, 224, 224),
}
"""What is run beside its file, with the pictures that it sees."""


def emitted(name: str) -> str:
    return source_of(open_target(f"zoo:{name}"))


@pytest.mark.parametrize("name", PINNED)
def test_the_source_is_the_pinned_one(name: str, pytestconfig: pytest.Config):
    file = EMITTED / f"{name}.py"
    found = emitted(name)
    if pytestconfig.getoption("update_emitted"):
        file.write_text(found, encoding="utf-8")
    assert file.read_text(encoding="utf-8") == found


@pytest.mark.parametrize("name", LINES_AT_MOST)
def test_the_source_is_short(name: str):
    assert len(emitted(name).splitlines()) < LINES_AT_MOST[name]


@pytest.mark.slow
def test_sources_of_the_zoo_are_formatted_as_ruff_does(tmp_path: Path):
    for name in zoo.names():
        (tmp_path / f"{name}.py").write_text(emitted(name), encoding="utf-8")
    assert "" == difference(tmp_path)


def difference(folder: Path) -> str:
    """What `ruff format` would change."""
    ruff = Path(sys.executable).with_name("ruff")
    command = [ruff, "format", "--isolated", "--no-cache", "--diff", "--line-length", "88", folder]
    done = subprocess.run(command, capture_output=True, text=True)
    return done.stdout + ("" if done.returncode == 0 else done.stderr)


@pytest.mark.slow
def test_sources_of_the_zoo_import_torch_alone_and_name_nothing_unknown(tmp_path: Path):
    for name in zoo.names():
        source = emitted(name)
        assert imports(source) <= {"torch", "math", "typing"}
        (tmp_path / f"{name}.py").write_text(source, encoding="utf-8")
    # F: names that nothing makes, imports and variables that nothing reads; E9: what does not parse.
    ruff = Path(sys.executable).with_name("ruff")
    command = [ruff, "check", "--isolated", "--no-cache", "--select", "F,E9", "--output-format", "concise", tmp_path]
    done = subprocess.run(command, capture_output=True, text=True)
    assert "All checks passed!\n" == done.stdout


def imports(source: str) -> set[str]:
    """The packages that a source imports, wherever it does."""
    found: set[str] = set()
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            found |= {alias.name.partition(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            found.add("." * node.level + (node.module or "").partition(".")[0])
    return found


# ---- a file of its own

ALONE = """\
import importlib.util, json, sys
sys.path[:] = [p for p in sys.path if "archdsl" not in p]
import torch
torch.set_num_threads(1)
found = []
for file, weights, pictures, results in json.loads(sys.argv[1]):
    spec = importlib.util.spec_from_file_location("exported", file)
    exported = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(exported)
    model = exported.build()
    model.load_state_dict(torch.load(weights, weights_only=True), strict=True)
    with torch.inference_mode():
        given = model.eval()(*torch.load(pictures, weights_only=True))
    expected = torch.load(results, weights_only=True)
    given = [given] if isinstance(given, torch.Tensor) else list(given)
    found.append([torch.equal(*pair) for pair in zip(given, expected, strict=True)])
print(json.dumps([found, sorted(name for name in sys.modules if name.startswith(("archdsl", "lark")))]))
"""


def agree_alone(targets: Sequence[Target], inputs: Sequence[Sequence[torch.Tensor]], folder: Path) -> None:
    """Each target's file, in a process that knows nothing of archdsl, gives the results of the model bit by bit."""
    given: list[list[str]] = []
    counts: list[int] = []
    for number, (target, own) in enumerate(zip(targets, inputs, strict=True)):
        made = assembled(target, seed=number)
        model = made.model
        for name, statistics in model.state_dict().items():
            if name.endswith(("running_mean", "running_var")):
                statistics.add_(0.25)
        with torch.inference_mode():
            results = model.eval()(*own)
        results = [results] if isinstance(results, torch.Tensor) else list(results)
        counts.append(len(results))
        place = folder / str(number)
        place.mkdir()
        (place / "model.py").write_text(archdsl.export(target), encoding="utf-8")
        for name, value in (("state", model.state_dict()), ("inputs", list(own)), ("results", results)):
            torch.save(value, place / name)
        given.append([str(place / name) for name in ("model.py", "state", "inputs", "results")])
    done = subprocess.run(
        [sys.executable, "-I", "-c", ALONE, json.dumps(given)], capture_output=True, text=True, cwd=folder
    )
    assert "" == done.stderr
    assert [[[True] * count for count in counts], []] == json.loads(done.stdout)


@pytest.mark.slow
def test_exported_files_run_without_archdsl_and_give_the_same_bits(tmp_path: Path, one_thread: None):
    generator = torch.Generator().manual_seed(1)
    targets = [open_target(f"zoo:{name}") for name in SMALL]
    agree_alone(targets, [[torch.randn(shape, generator=generator)] for shape in SMALL.values()], tmp_path)


@pytest.mark.slow
@pytest.mark.parametrize("name", ["efficientvit_m0", "m3vit"])
def test_the_main_block_builds_and_runs_the_model(name: str, tmp_path: Path):
    file = tmp_path / "model.py"
    file.write_text(emitted(name), encoding="utf-8")
    done = subprocess.run([sys.executable, "-I", file], capture_output=True, text=True, cwd=tmp_path)
    shape = "torch.Size([1, 1000])" if name == "efficientvit_m0" else str([(1, 197, 192)] * 12)
    assert (shape + "\n", "") == (done.stdout, done.stderr)


# ---- words that Python or PyTorch gives another meaning

HOSTILE = r'''
## Quotes "inside" and at the end: "
block class(width: int)(x: [b, c, h, w]) {
  return x |> conv(width, 3) as weight |> batch_norm() as type
}

## A backslash at the end \
mixer lambda(self: int = 2)(x: [b, c, h, w]) {
  return x + (x |> conv(c, self * 2 - 1) as forward)
}

## """
## import os; os.abort()
## """
block tensor(torch: int, nn: int = 3)(F: [b, c, h, w]) {
  let self = F |> conv(torch, nn) as training
  let Tensor = self |> relu
  return Tensor * (param([torch, 1, 1], init=1.0) as T)
}

## ' and \' \" \\" \N{DASH} \x41 {braces} %s
block f(_x1: int = 4)(super: [b, c, h, w]) {
  let len = super |> conv(c, 1) as _modules.children
  let float = len |> lambda as parameters
  return float |> lambda as parameters_1 |> batch_norm() as "keys.values.pop.items"
}

block any(mode: str, count: int = 2)(x: [b, c, h, w]) {
  for i in 0..<count {
    x = x |> resize(size=(2 * h, w), mode=mode) |> resize(size=(h, w)) |> conv(c, 1) as range[i]
  }
  x = x * (param([1], init=1.0) as "2") + (param([1]) as "1.training") |> conv(c, 1) as "try.def.pass"
  return x |> conv(c, 1) as "0" |> conv(c, 1) as "1.type" |> conv(c, 1) as "state_dict"
}

mixer assert()(x: [b, c, h, w]) {
  let batch = x + 1
  let int = batch * b
  let zip = int / b - 1
  return zip |> batch_norm() as buffers
}

block layer_norm2d()(x: [b, c, h, w]) {
  let norm = layer_norm(x, axis=1) as norm - (buffer(ones([c, 1, 1]), saved=true) as half)
  let index = arange(h) + (buffer(arange(w), saved=true) as "cpu.buffers")
  return norm * (index + (param([1, 1], init=0.5) as cuda))
    |> drop_path(0.5)
    |> in_training(add_noise(0.1))
    |> conv(c, 1, init=normal(0.5)) as add_module
}

## The end: \"""
model def(None: int = 4, build: int = 6, classes: int = 5, mode: str = "bilinear")(x: [b, 3, 8, 8]) {
  x = x |> class(None) as forward |> tensor(build) as "apply" |> f() as register_buffer |> lambda as "T.type"
  x = x |> any(mode) as call |> assert as dump_patches |> layer_norm2d as drop_path |> lambda as num_features
  expose features = x
  return x |> mean(axes=(2, 3)) |> linear(classes) as eval
}
'''


@pytest.fixture
def hostile(tmp_path: Path) -> Target:
    file = tmp_path / "def.arch"
    file.write_text(HOSTILE, encoding="utf-8")
    return open_target(file)


def test_words_of_a_source_cannot_break_what_is_emitted(hostile: Target, tmp_path: Path, one_thread: None):
    source = source_of(hostile)
    assert imports(source) == {"torch"}
    model = archdsl.build(hostile)
    assert {name: entry.shape for name, entry in state_entries(hostile.graph())} == {
        name: tuple(tensor.shape) for name, tensor in model.state_dict().items()
    }
    model(torch.randn(2, 3, 8, 8)).sum().backward()
    assert [] == [name for name, parameter in model.named_parameters() if parameter.grad is None]
    model.reset_classifier(3)
    assert (2, 3) == tuple(model.eval()(torch.randn(2, 3, 8, 8)).shape)
    agree_alone([hostile], [[torch.randn(2, 3, 8, 8)]], tmp_path)


def test_sources_with_such_words_are_formatted_too(hostile: Target, tmp_path: Path):
    folder = tmp_path / "emitted"
    folder.mkdir()
    (folder / "hostile.py").write_text(source_of(hostile), encoding="utf-8")
    assert "" == difference(folder)
