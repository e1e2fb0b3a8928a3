"""What files of weights are read, and what is said about those that are none."""

import io
import os
import pickle
from pathlib import Path

import pytest
import torch
from safetensors.torch import save_file

from archdsl.diagnostics.record import UnusableFile, UsageError
from archdsl.weights.files import read_weights
from tests.weights.bare import numbers

TENSORS = {"b.weight": torch.full((2, 3), 1.0), "a.bias": torch.full((4,), 2.0)}
NUMBERS = {"b.weight": 1.0, "a.bias": 2.0}


@pytest.mark.parametrize("name", ["w.pth", "w.pt", "w.bin", "w.ckpt", "w"])
def test_what_torch_saved_is_read(name: str, tmp_path: Path):
    torch.save(TENSORS, tmp_path / name)
    found = read_weights(tmp_path / name)
    assert (list(NUMBERS.items()), True) == (list(numbers(found.tensors).items()), found.ordered)


@pytest.mark.parametrize("name", ["w.safetensors", "w.bin"])
def test_safetensors_are_read(name: str, tmp_path: Path):
    save_file(TENSORS, tmp_path / name)
    found = read_weights(str(tmp_path / name))
    assert (NUMBERS, False, str(tmp_path / name)) == (numbers(found.tensors), found.ordered, found.source)


def test_the_old_form_of_torch_is_read(tmp_path: Path):
    torch.save(TENSORS, tmp_path / "old.pth", _use_new_zipfile_serialization=False)
    assert NUMBERS == numbers(read_weights(tmp_path / "old.pth").tensors)


@pytest.mark.parametrize(
    ("saved", "wrappers"),
    [
        ({"state_dict": TENSORS, "epoch": 3}, ("state_dict",)),
        ({"model": TENSORS, "optimizer": {"state": {}}}, ("model",)),
        ({"model": {"state_dict": TENSORS}}, ("model", "state_dict")),
        ({"model_ema": {"a": torch.zeros(1)}, "model": TENSORS}, ("model",)),
    ],
)
def test_a_state_dict_is_found_in_what_training_saves(saved: dict[str, object], wrappers: tuple[str], tmp_path: Path):
    torch.save(saved, tmp_path / "w.pth")
    found = read_weights(tmp_path / "w.pth")
    assert (NUMBERS, wrappers) == (numbers(found.tensors), found.wrappers)


def test_a_state_dict_in_python_is_taken():
    assert NUMBERS == numbers(read_weights(TENSORS).tensors)


class Harmful:
    def __reduce__(self) -> tuple[object, tuple[str]]:
        return os.mkdir, ("harm",)


def saved_by_torch(value: object) -> bytes:
    buffer = io.BytesIO()
    torch.save(value, buffer)
    return buffer.getvalue()


WHOLE = saved_by_torch(TENSORS)


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"", "is empty"),
        (b"no weights at all, but some text", "cannot be read as weights"),
        (bytes(range(256)) * 8, "cannot be read as weights"),
        (WHOLE[: len(WHOLE) // 2], "cannot be read as weights, perhaps it was cut off"),
        (WHOLE[:12], "cannot be read as weights"),
        (saved_by_torch(torch.nn.Linear(2, 2)), "holds Python objects, not weights alone"),
        (saved_by_torch(Harmful()), "holds Python objects, not weights alone"),
        (pickle.dumps(Harmful(), 2), "holds Python objects, not weights alone"),
        (pickle.dumps({"a": 1}), "cannot be read as weights, its bytes make no sense"),
        (saved_by_torch({"a": 1}), "holds 'a', which is no tensor but int"),
        (saved_by_torch([torch.zeros(2)]), "holds a list, no tensors by name"),
        (saved_by_torch(torch.zeros(2)), "holds a Tensor, no tensors by name"),
        (saved_by_torch({"state_dict": {"a": 1}}), "holds 'a' under `state_dict`, which is no tensor but int"),
        (saved_by_torch({}), "holds no tensors"),
        (saved_by_torch({"a": torch.eye(3).to_sparse()}), "in a sparse, quantized or empty form"),
    ],
)
def test_files_that_are_no_weights_are_told(content: bytes, words: str, tmp_path: Path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    Path("w.pth").write_bytes(content)
    with pytest.raises(UnusableFile) as raised:
        read_weights("w.pth")
    message = str(raised.value)
    assert ("`w.pth`", True, ["w.pth"]) == (message[:7], words in message, os.listdir(tmp_path)), message


def test_a_torn_file_of_safetensors_is_told(tmp_path: Path):
    file = tmp_path / "w.safetensors"
    save_file(TENSORS, file)
    whole = file.read_bytes()
    for content in (whole[:-4], whole[:40], whole[:5], b"\xff" * 64):
        file.write_bytes(content)
        with pytest.raises(UnusableFile, match="no sound file of safetensors, or it was cut off"):
            read_weights(file)


def test_paths_that_lead_to_no_file_are_told(tmp_path: Path):
    with pytest.raises(UnusableFile, match=r"`nowhere\.pth` does not exist; name a file of weights"):
        read_weights("nowhere.pth")
    with pytest.raises(UnusableFile, match="is a folder; name the file of weights in it"):
        read_weights(tmp_path)
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(UnusableFile, match="is no regular file"):
        read_weights(tmp_path / "pipe")
    with pytest.raises(UsageError, match="`weights` is a path or a state dict, not a int"):
        read_weights(7)  # pyright: ignore[reportArgumentType]
