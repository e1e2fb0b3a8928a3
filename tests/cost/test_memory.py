"""Memory of activations at one time: by hand, and against what PyTorch holds."""

import weakref
from pathlib import Path
from typing import Any

import pytest
import torch
from torch.utils._python_dispatch import TorchDispatchMode

from archdsl.assembly import build
from archdsl.cost.memory import Known, peak_bytes
from archdsl.targets import Target, open_target

CHAIN = """\
block double()(x: [b, c, h, w]) { return x |> conv(2 * c, 1) as up |> relu }
block residual()(x: [b, c, h, w]) { return x + (x |> conv(c, 1) as conv |> relu) }
block kept()(x: [b, c, h, w]) {
  let y = x |> conv(4 * c, 1) as wide
  return x + (y |> conv(c, 1) as narrow)
}
block heads()(x: [b, c, h, w]) {
  let q, k = rearrange(x, "b c h w -> b (h w) c") |> linear(2 * c) as qk |> split(2, axis=-1)
  return q + k
}

model chain()(x: [b, 1, 4, 4]) { return x |> double as a |> double as b |> mean(axes=(2, 3)) }
model branches()(x: [b, 2, 4, 4]) { return x |> residual as a |> residual as b |> mean(axes=(2, 3)) }
model wide()(x: [b, 2, 4, 4]) { return x |> kept as a |> mean(axes=(2, 3)) }
model views()(x: [b, 2, 4, 4]) { return x |> heads as a |> mean(axes=1) }
model constants()(x: [b, 2, 4, 4]) { return (x + arange(4) * 100) |> mean(axes=(2, 3)) }
"""
MAP = 4 * 16  # bytes of one channel


@pytest.fixture(scope="module")
def file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("memory") / "nets.arch"
    path.write_text(CHAIN, encoding="utf-8")
    return path


def opened(file: Path, name: str) -> Target:
    return open_target(f"{file}:{name}")


@pytest.mark.parametrize(
    ("name", "channels"),
    [
        ("chain", 4 + 4),  # the last convolution's result and its relu; what went before is gone
        ("branches", 2 + 2 + 2),  # the input stays for the sum, beside a convolution and its relu
        ("wide", 2 + 8 + 2),  # the input stays while both convolutions run
        ("views", 4 + 2),  # q and k are one piece of memory; their sum
        ("constants", 2 + 2),  # a table is computed once, and there all the time
    ],
)
def test_the_peak_is_what_counting_by_hand_finds(name: str, channels: int, file: Path):
    assert peak_bytes(opened(file, name).graph()) == channels * MAP


def test_reals_have_the_size_of_their_dtype_and_modules_are_remembered(file: Path):
    graph = opened(file, "branches").graph()
    known: Known = {}
    assert peak_bytes(graph, known, "float16") * 2 == peak_bytes(graph, known)
    count = len(known)
    assert peak_bytes(graph, known) == 6 * MAP
    assert len(known) == count


class Watching(TorchDispatchMode):
    """Follows the bytes of all storages that live, but for those that were there before."""

    def __init__(self) -> None:
        super().__init__()
        self.alive: dict[int, int] = {}
        self.most = 0

    def watch(self, tensor: torch.Tensor) -> None:
        storage = tensor.untyped_storage()
        key = storage._cdata  # type: ignore[attr-defined]
        if key not in self.alive:
            self.alive[key] = storage.nbytes()
            weakref.finalize(storage, self.alive.pop, key, None)
        self.most = max(self.most, sum(self.alive.values()))

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        found = func(*args, **(kwargs or {}))
        for each in found if isinstance(found, tuple | list) else (found,):
            if isinstance(each, torch.Tensor):
                self.watch(each)
        return found


@pytest.mark.parametrize("name", ["zoo:poolformer_s12", "zoo:mobilenetv2_100"])
def test_the_peak_is_near_what_pytorch_holds(name: str):
    """PyTorch's variables keep some tensors longer than they are needed, so it holds no less."""
    model: Any = build(name).eval()
    with torch.no_grad(), Watching() as watching:
        x = torch.zeros(1, 3, 224, 224)
        model(x)
    assert 0.6 * watching.most <= peak_bytes(open_target(name).graph()) <= 1.1 * watching.most
