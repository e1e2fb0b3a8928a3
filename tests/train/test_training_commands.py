"""`archdsl train` and `archdsl eval`, `archdsl.fit` and `archdsl.evaluate`: what they print, write and refuse."""

import json
import os
import pickle
import signal
import subprocess
import sys
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file

import archdsl
from archdsl.build_summary import read_summary
from archdsl.cli.main import run
from archdsl.train.loop import Epoch

pytestmark = pytest.mark.usefixtures("one_thread")

TEXT = """\
extern function pictures(count: int = 40) = "own_pictures:pictures"

model net(size: int = 8, channels: int = 1, classes: int = 10)(x: [b, channels, size, size]) {
  x = x |> conv(8, 3, stride=2) as conv |> batch_norm() as norm |> relu
  return x |> rearrange("b c h w -> b (c h w)") |> linear(classes) as head
}

train quick(epochs: int = 2) {
  data      = digits()
  epochs    = epochs
  batch     = 100
  samples   = 300
  optimizer = adamw(lr=1e-2)
}

train own() {
  data   = pictures
  epochs = 1
}
"""
FILES = ["log.jsonl", "model.arch", "model.py", "model.safetensors", "summary.json"]


@pytest.fixture
def net(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    (tmp_path / "net.arch").write_text(TEXT, encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    return "net.arch"


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def test_a_model_is_trained_written_and_measured_again(net: str, capsys: pytest.CaptureFixture[str]):
    assert 0 == run(["train", net, "--recipe", "quick", "-o", "run"])
    shown = capsys.readouterr()
    assert 2 == shown.err.count("epoch ")
    assert FILES == names(Path("run"))
    summary = read_summary("run/summary.json")
    assert summary.metrics is not None
    assert {"validation.accuracy", "validation.loss", "test.accuracy", "test.loss"} == set(summary.metrics)
    assert {"conv.weight", "conv.bias", "head.weight"} < set(load_file("run/model.safetensors"))
    assert 2 == len(Path("run/log.jsonl").read_text().splitlines())
    assert 0 == run(["eval", "run/model.arch", "--weights", "run/model.safetensors", "--json"])
    assert summary.metrics == json.loads(capsys.readouterr().out)["metrics"]
    assert 0 == run(["eval", net, "--weights", "run/model.safetensors", "--data", "digits", "--json"])
    assert summary.metrics == json.loads(capsys.readouterr().out)["metrics"]


def test_a_seed_gives_the_same_files(net: str):
    for folder, seed in (("a", "1"), ("b", "1"), ("c", "2")):
        assert 0 == run(["train", net, "--recipe", "quick", "--seed", seed, "-o", folder])
    first, second, other = (Path(folder, "model.safetensors").read_bytes() for folder in "abc")
    assert first == second != other


def test_data_alone_is_enough(net: str, capsys: pytest.CaptureFixture[str]):
    assert 0 == run(["train", net, "--data", "digits", "--epochs", "1", "--with", "samples=100", "--json"])
    found = json.loads(capsys.readouterr().out)
    assert (1, "digits", 100) == (len(found["history"]), found["recipe"]["data"]["name"], found["recipe"]["samples"])
    assert 0.0 <= found["metrics"]["test.accuracy"] <= 1.0


def test_fields_replace_those_of_the_recipe(net: str, capsys: pytest.CaptureFixture[str]):
    line = ["train", net, "--recipe", "quick", "--with", "optimizer=sgd(lr=0.5)", "--with", "epochs=1", "--json"]
    assert 0 == run(line)
    recipe = json.loads(capsys.readouterr().out)["recipe"]
    assert ("sgd", 0.5, 1, 300) == (
        recipe["optimizer"]["name"],
        recipe["optimizer"]["settings"]["lr"],
        recipe["epochs"],
        recipe["samples"],
    )


@pytest.mark.parametrize(
    ("line", "status", "words"),
    [
        (["train", "net.arch"], 2, "several recipes: `quick`, `own`"),
        (["train", "zoo:poolformer_s12"], 2, "give --data SOURCE"),
        (["train", "net.arch", "--recipe", "quik"], 2, "a similar name is `quick`"),
        (["train", "net.arch", "--data", "digit"], 1, "error[E0508]"),
        (["train", "net.arch", "--data", "digits", "--with", "epocs=1"], 2, "a similar one is `epochs`"),
        (["train", "net.arch", "--data", "digits", "--with", "epochs"], 2, "--with takes FIELD=VALUE"),
        (["train", "net.arch", "--data", "digits", "--with", 'batch="x"'], 1, "takes an int"),
        (["train", "net.arch", "--data", "fashion_mnist:/nowhere"], 2, "apt-get install"),
        (["train", "net.arch", "--data", "digits", "--set", "classes=7"], 2, "give --set classes=10"),
        (
            ["train", "net.arch", "--data", "digits", "--set", "size=16", "--set", "channels=3"],
            2,
            "--set size=8 --set channels=1",
        ),
        (["train", "net.arch", "--recipe", "own"], 2, "--allow-extern"),
        (["train", "net.arch", "--data", "digits", "--resume"], 2, "give -o DIR"),
        (["train", "net.arch", "--data", "digits", "--device", "abacus"], 2, "cannot compute on 'abacus'"),
        (["train", "net.arch", "--data", "digits", "--with", "loss=multi_task([])"], 1, "error[E0222]"),
        (["train", "net.arch", "--data", "digits", "--with", 'distill=soft_labels("zoo:van_b0")'], 2, "has no weights"),
        (["eval", "net.arch", "--weights", "nowhere.pt"], 2, "give --data"),
        (["eval", "net.arch", "--weights", "nowhere.pt", "--data", "digits"], 1, "does not exist"),
    ],
    ids=lambda value: " ".join(value[1:])[-40:] if isinstance(value, list) else "",
)
def test_what_is_wrong_is_said(net: str, line: list[str], status: int, words: str, capsys: pytest.CaptureFixture[str]):
    assert (status, True) == (run(line), words in capsys.readouterr().err)


def test_a_loss_that_is_no_number_is_said(net: str, capsys: pytest.CaptureFixture[str]):
    assert 1 == run(["train", net, "--recipe", "quick", "--with", "optimizer=sgd(lr=1e30)", "-o", "run"])
    assert "the loss is" in capsys.readouterr().err


def test_a_folder_that_holds_something_is_refused(net: str, capsys: pytest.CaptureFixture[str]):
    Path("run").mkdir()
    assert 0 == run(["train", net, "--recipe", "quick", "--epochs", "1", "-o", "run"])
    assert 2 == run(["train", net, "--recipe", "quick", "--epochs", "1", "-o", "run"])
    assert "exists" in capsys.readouterr().err
    assert 0 == run(["train", net, "--recipe", "quick", "--epochs", "1", "-o", "run", "--force"])


def test_a_finished_training_is_not_repeated(net: str, capsys: pytest.CaptureFixture[str]):
    line = ["train", net, "--recipe", "quick", "-o", "run"]
    assert 0 == run(line)
    first = capsys.readouterr().out
    assert 0 == run([*line, "--resume"])
    again = capsys.readouterr()
    assert (first, "") == (again.out, again.err)
    assert 2 == run([*line, "--resume", "--seed", "3"])
    assert "another seed" in capsys.readouterr().err


def test_ctrl_c_saves_and_resuming_gives_what_an_uninterrupted_run_gives(net: str):
    line = [sys.executable, "-m", "archdsl", "train", net, "--recipe", "quick", "--epochs", "60", "--threads", "1"]
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    assert 0 == run([*line[3:], "-o", "whole"])
    with subprocess.Popen([*line, "-o", "run"], stderr=subprocess.PIPE, text=True, env=environment) as process:
        assert process.stderr is not None
        said = [process.stderr.readline() for _ in range(3)]
        process.send_signal(signal.SIGINT)
        said += process.stderr.readlines()
    assert 130 == process.returncode, said
    assert "`run` goes on with the same and --resume" in said[-1]
    assert ["checkpoint.pt", "log.jsonl"] == names(Path("run"))
    assert 2 == run([*line[3:], "-o", "run"])
    assert 0 == run([*line[3:], "-o", "run", "--resume"])
    assert FILES == names(Path("run"))
    assert Path("whole/model.safetensors").read_bytes() == Path("run/model.safetensors").read_bytes()


def test_own_data_is_run_with_permission(net: str, monkeypatch: pytest.MonkeyPatch):
    source = "import torch\n\n\ndef pictures(count):\n    return torch.rand(count, 8, 8), torch.arange(count) % 10\n"
    Path("own_pictures.py").write_text(source, encoding="utf-8")
    monkeypatch.syspath_prepend(str(Path.cwd()))
    assert 0 == run(["train", net, "--recipe", "own", "--allow-extern"])


def test_a_teacher_is_a_folder_that_was_trained(net: str, capsys: pytest.CaptureFixture[str]):
    assert 0 == run(["train", net, "--recipe", "quick", "-o", "teacher"])
    distill = 'distill=soft_labels(teacher="teacher", weight=0.9)'
    capsys.readouterr()
    losses: list[float] = []
    for fields in ([], ["--with", distill]):
        assert 0 == run(["train", net, "--recipe", "quick", *fields, "--json"])
        losses.append(json.loads(capsys.readouterr().out)["history"][-1]["loss"])
    assert losses[0] != losses[1]


# ---- Python


def test_a_model_is_fitted_from_python(net: str, tmp_path: Path):
    told: list[Epoch] = []
    found = archdsl.fit(net, recipe="quick", epochs=1, optimizer="sgd(lr=0.1)", tell=told.append)
    assert (1, False) == (len(told), found.model.training)
    assert found.history == tuple(told)
    assert {"validation.accuracy", "validation.loss", "test.accuracy", "test.loss"} == set(found.metrics)
    torch.save(found.model.state_dict(), tmp_path / "weights.pt")
    assert found.metrics == archdsl.evaluate(net, tmp_path / "weights.pt", "digits")
    assert found.model(torch.zeros(2, 1, 8, 8)).shape == (2, 10)
    assert type(pickle.loads(pickle.dumps(found.model))) is type(found.model)


def test_arrays_of_python_are_data(net: str):
    images, labels = torch.rand(60, 6, 6), torch.arange(60) % 3
    found = archdsl.fit(net, (images, labels), settings={"size": 6, "classes": 3}, epochs=1)
    assert {"validation.accuracy", "validation.loss", "test.accuracy", "test.loss"} == set(found.metrics)
    splits = {"train": (images, labels), "test": (images, labels)}
    found = archdsl.fit(net, splits, settings={"size": 6, "classes": 3}, epochs=1, validation=0.0)
    assert {"test.accuracy", "test.loss"} == set(found.metrics)


def test_a_folder_is_written_and_resumed_from_python(net: str):
    first = archdsl.fit(net, recipe="quick", output="run")
    again = archdsl.fit(net, recipe="quick", output="run", resume=True)
    assert (FILES, first.metrics, first.history) == (names(Path("run")), again.metrics, again.history)


def test_a_field_that_is_none_is_refused(net: str):
    with pytest.raises(archdsl.UsageError, match="epocs"):
        archdsl.fit(net, recipe="quick", epocs=1)
