"""`archdsl export`: what stands on which stream, and its exit statuses."""

import os
from pathlib import Path

import pytest
import torch

import archdsl
from archdsl import exporting
from archdsl.cli.main import run
from tests.small_net import write_net


@pytest.fixture
def net(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    monkeypatch.chdir(tmp_path)
    return Path(write_net(tmp_path)).name


def test_python_is_printed_and_nothing_else(net: str, capsys: pytest.CaptureFixture[str]):
    assert 0 == run(["export", net])
    assert (archdsl.export(net), "") == capsys.readouterr()


def test_python_is_written(net: str, capsys: pytest.CaptureFixture[str]):
    assert 0 == run(["export", net, "-o", "net.py"])
    text = Path("net.py").read_text(encoding="utf-8")
    size = f"{len(text) / 1000:.2f} KB"
    assert (archdsl.export(net), "", f"wrote net.py, {size}\n") == (text, *capsys.readouterr())


def test_weights_are_written_with_the_report(net: str, capsys: pytest.CaptureFixture[str]):
    torch.save({"state_dict": archdsl.build(net).state_dict()}, "w.pth")
    assert 0 == run(["export", net, "--format", "safetensors", "-o", "w.safetensors", "--weights", "w.pth"])
    first, second = capsys.readouterr().err.splitlines()
    assert ("14 tensors loaded from w.pth", "wrote w.safetensors, ") == (first, second[:21])


@pytest.mark.slow
def test_how_the_program_compares_is_told(net: str, capsys: pytest.CaptureFixture[str]):
    assert 0 == run(["export", net, "--format", "pt2", "-o", "net.pt2"])
    assert "; agrees with the model at batch 2 and 3: " in capsys.readouterr().err


@pytest.mark.parametrize("form", ["python", "onnx", "pt2", "safetensors"])
def test_what_exists_is_refused(form: str, net: str, capsys: pytest.CaptureFixture[str]):
    before = Path(net).read_bytes()
    assert 2 == run(["export", net, "--format", form, "-o", net])
    assert (before, "Error: `net.arch` exists; give another path, or --force (force=True) to replace it\n") == (
        Path(net).read_bytes(),
        capsys.readouterr().err,
    )


def test_a_binary_form_needs_a_path(net: str, capsys: pytest.CaptureFixture[str]):
    assert 2 == run(["export", net, "--format", "onnx"])
    assert "Error: onnx is written to a file: give -o PATH (output=...)\n" == capsys.readouterr().err


def test_the_keyboard_leaves_nothing(net: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]):
    def stopped(*_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(exporting, "save_tensors", stopped)
    assert 130 == run(["export", net, "--format", "safetensors", "-o", "w.safetensors"])
    assert ("Stopped; `w.safetensors` was not written.\n", ["net.arch"]) == (capsys.readouterr().err, os.listdir())
