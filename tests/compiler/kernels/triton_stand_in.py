"""As much of Triton as our kernels use, on the processor: programs run one after the other on PyTorch's tensors, and
what they read and write outside of a tensor is an error."""

from collections.abc import Callable
from dataclasses import dataclass
from itertools import product
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import Any

import torch
from torch import Tensor


@dataclass(frozen=True)
class Pointer:
    """Numbers in memory: all that a tensor's first number shares its memory with, and where."""

    memory: Tensor
    at: Any

    def __add__(self, steps: Any) -> "Pointer":
        return Pointer(self.memory, self.at + steps)


def pointer(tensor: Tensor) -> Pointer:
    numbers = tensor.untyped_storage().nbytes() // tensor.element_size()
    return Pointer(tensor.as_strided((numbers,), (1,), 0), torch.tensor(tensor.storage_offset()))


@dataclass
class Kernel:
    """Called for a grid, as Triton's are."""

    body: Callable[..., None]
    language: ModuleType

    def __getitem__(self, grid: tuple[int, ...]) -> Callable[..., None]:
        def launch(*arguments: Any) -> None:
            given = [pointer(each) if isinstance(each, Tensor) else each for each in arguments]
            for ids in product(*map(range, grid)):
                self.language.program_id = lambda axis, ids=ids: torch.tensor(ids[axis])  # type: ignore[attr-defined]
                self.body(*given)

        return launch


def load(source: Pointer, mask: Tensor, other: float) -> Tensor:
    at, mask = torch.broadcast_tensors(source.at, mask)
    found = torch.full(at.shape, other, dtype=source.memory.dtype)
    found[mask] = source.memory[_inside(source.memory, at[mask])]
    return found


def store(goal: Pointer, value: Tensor, mask: Tensor) -> None:
    at, value, mask = torch.broadcast_tensors(goal.at, value, mask)
    goal.memory[_inside(goal.memory, at[mask])] = value[mask].to(goal.memory.dtype)


def _inside(memory: Tensor, at: Tensor) -> Tensor:
    assert at.numel() == 0 or (at.min() >= 0 and at.max() < len(memory)), "reads or writes outside of a tensor"
    return at


def _number(value: Any) -> Tensor:
    return value if isinstance(value, Tensor) else torch.tensor(value)


def dot(left: Tensor, right: Tensor, input_precision: str) -> Tensor:
    assert input_precision == "ieee"
    assert left.dtype == right.dtype
    assert min(left.shape[0], left.shape[1], right.shape[1]) >= 16, "too small for a GPU's products"
    return left.float() @ right.float()


def power_of_2(size: int) -> int:
    assert size & (size - 1) == 0, "sizes of blocks are powers of 2"
    return size


def read(path: Path, name: str) -> ModuleType:
    """A module of kernels with the stand-in in the place of Triton, which PyTorch would look for things in if it were
    seen to be imported."""
    language = ModuleType("triton.language")
    vars(language).update(
        constexpr=None,
        float32=torch.float32,
        int64=torch.int64,
        load=load,
        store=store,
        dot=dot,
        exp=torch.exp,
        where=lambda mask, x, y: torch.where(mask, x, y),
        minimum=lambda x, y: torch.minimum(_number(x), _number(y)),
        maximum=lambda x, y: torch.maximum(_number(x), _number(y)),
        max=lambda x, axis: x.amax(axis),
        sum=lambda x, axis: x.sum(axis),
        cdiv=lambda x, y: -(-x // y),
        arange=lambda begin, end: torch.arange(begin, power_of_2(end - begin) + begin),
        zeros=lambda shape, dtype: torch.zeros([power_of_2(size) for size in shape], dtype=dtype),
        full=lambda shape, value, dtype: torch.full([power_of_2(size) for size in shape], value, dtype=dtype),
        static_range=range,
    )
    made = ModuleType(name)
    imports = "import triton\nimport triton.language as tl\n"
    source = path.read_text(encoding="utf-8")
    assert imports in source
    triton = SimpleNamespace(jit=lambda body: Kernel(body, language))
    vars(made).update(triton=triton, tl=language)
    exec(compile(source.replace(imports, "\n\n"), str(path), "exec"), vars(made))
    return made
