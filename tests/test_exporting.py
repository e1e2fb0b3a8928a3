"""`archdsl.export`: the forms of a model, compared with it before anything is kept."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file

import archdsl
from archdsl import exporting
from archdsl.diagnostics.record import UnusableFile, UsageError
from archdsl_compiler.targets import exported_program, onnx_model
from tests.small_net import write_net


@pytest.fixture
def net(tmp_path: Path) -> str:
    return write_net(tmp_path)


def test_python_is_given_and_written(net: str, tmp_path: Path):
    text = archdsl.export(net)
    again = archdsl.export(net, output=tmp_path / "net.py")
    assert (text, text) == (again, (tmp_path / "net.py").read_text(encoding="utf-8"))
    done = subprocess.run(
        [sys.executable, "-I", tmp_path / "net.py"], capture_output=True, text=True, check=True, cwd=tmp_path
    )
    assert "torch.Size([1, 10])\n" == done.stdout


def test_weights_alone(net: str, tmp_path: Path):
    state = archdsl.build(net).state_dict()
    path = archdsl.export(net, "safetensors", tmp_path / "w.safetensors", weights=state)
    found = load_file(path)
    assert (set(state), True) == (set(found), all(torch.equal(state[name], found[name]) for name in state))
    assert (os.stat(net).st_mode, 0) == (os.stat(path).st_mode, os.stat(path).st_mode & 0o022)


@pytest.mark.slow
def test_a_program_of_torch_export_takes_any_batch(net: str, tmp_path: Path):
    model = archdsl.build(net).eval()
    path = archdsl.export(net, "pt2", tmp_path / "net.pt2", weights=model.state_dict())
    program = torch.export.load(path).module()
    for batch in (1, 5):
        pictures = torch.randn(batch, 3, 8, 8)
        assert torch.allclose(model(pictures), program(pictures), atol=1e-5)


@pytest.mark.slow
def test_onnx_takes_any_batch(net: str, tmp_path: Path):
    from onnxruntime import InferenceSession

    model = archdsl.build(net).eval()
    path = archdsl.export(net, "onnx", tmp_path / "net.onnx", weights=model.state_dict(), deploy=True)
    session = InferenceSession(path, providers=["CPUExecutionProvider"])
    shapes = [(given.name, given.shape) for given in (*session.get_inputs(), *session.get_outputs())]
    assert [("x", ["batch", 3, 8, 8]), ("output", ["batch", 10])] == shapes
    for batch in (1, 5):
        pictures = torch.randn(batch, 3, 8, 8)
        (found,) = session.run(None, {"x": pictures.numpy()})
        assert torch.allclose(model(pictures), torch.as_tensor(found), atol=1e-4)


@pytest.mark.slow
@pytest.mark.parametrize(("form", "module"), [("pt2", exported_program), ("onnx", onnx_model)])
def test_a_form_that_computes_something_else_is_not_kept(form, module, net: str, tmp_path: Path, monkeypatch):
    """The tolerance is taken below what rounding gives."""
    monkeypatch.setattr(module, "TOLERANCE", -1.0)
    with pytest.raises(UnusableFile, match="differs from the model by"):
        archdsl.export(net, form, tmp_path / "out")
    assert ["net.arch"] == os.listdir(tmp_path)


def test_the_extra_is_named_where_packages_are_missing(net: str, tmp_path: Path, monkeypatch):
    monkeypatch.setattr(onnx_model, "find_spec", lambda _name: None)
    with pytest.raises(UsageError, match=r"onnx needs onnx, onnxruntime, onnxscript: pip install 'archdsl\[onnx\]'"):
        archdsl.export(net, "onnx", tmp_path / "net.onnx")


def test_weights_too_large_for_a_format_are_told(net: str, tmp_path: Path, monkeypatch):
    monkeypatch.setattr(onnx_model, "MOST_BYTES", 100)
    monkeypatch.setattr(onnx_model, "find_spec", lambda name: name)
    with pytest.raises(UnusableFile, match="one file of ONNX holds 2 GiB at most; use pt2"):
        archdsl.export(net, "onnx", tmp_path / "net.onnx")


def test_calls_that_make_no_sense_are_told(net: str, tmp_path: Path):
    with pytest.raises(UsageError, match="the formats are python, onnx, pt2, safetensors, not 'keras'"):
        archdsl.export(net, "keras", tmp_path / "out")  # pyright: ignore[reportArgumentType]
    with pytest.raises(UsageError, match="pt2 is written to a file: give -o PATH"):
        archdsl.export(net, "pt2")


def test_what_exists_is_refused_before_any_work(net: str, tmp_path: Path, monkeypatch):
    monkeypatch.setattr(exporting, "assembled", None)
    with pytest.raises(UsageError, match="exists; give another path"):
        archdsl.export(net, "safetensors", net)


def test_a_disk_that_fills_up_in_safetensors_is_told(net: str, tmp_path: Path, monkeypatch):
    import safetensors.torch

    def full(*_: object, **__: object) -> None:
        raise safetensors.SafetensorError("Error while serializing: I/O error: No space left on device (os error 28)")

    monkeypatch.setattr(safetensors.torch, "save_file", full)
    with pytest.raises(UnusableFile, match="could not be written: the disk is full; nothing was left there"):
        archdsl.export(net, "safetensors", tmp_path / "w.safetensors")
    assert ["net.arch"] == os.listdir(tmp_path)
