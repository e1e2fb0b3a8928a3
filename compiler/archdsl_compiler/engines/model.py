"""A model that an engine runs: to whoever has it an `nn.Module` in eval mode like any other.

It has the parameters, buffers and inner modules of the portable model, for they are the same dictionaries. The program
runs where it gives what the portable model would: in eval mode, for inputs that it was made for, as long as the weights
are those that it was made with. Everywhere else the portable model runs: for training, where a gradient for an input
is asked for, for other sizes, under tracing and compiling, and once weights have changed. What a program gives has no
gradient; hooks of inner modules are not called by it."""

from collections.abc import Callable, Mapping, Sequence
from copy import deepcopy
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, cast

import torch
from torch import Tensor, nn

from archdsl_compiler.engines.contract import Dtype, Engine, EngineFailure
from archdsl_compiler.engines.kept import weights_digest
from archdsl_compiler.engines.preparing import Program, prepare

HOLDERS: Final = ("_parameters", "_buffers")
"""Where a module has its own tensors."""


@dataclass(frozen=True, slots=True)
class Recipe:
    """How a program is had again, also in another process: from its folder, or made anew for the same weights."""

    engine: Engine
    dtype: Dtype
    threads: int
    inputs: tuple[tuple[tuple[int, ...], torch.dtype], ...]
    root: Path
    weights: str

    def program(self, portable: nn.Module) -> Program:
        """The program of the model that has these weights. Raises EngineFailure."""
        random = torch.Generator().manual_seed(0)
        examples = [
            torch.randn(shape, generator=random, dtype=dtype)
            if dtype.is_floating_point
            else torch.zeros(shape, dtype=dtype)
            for shape, dtype in self.inputs
        ]
        return prepare(self.engine, portable, examples, self.dtype, self.threads, self.root)


def engine_model(
    engine: Engine,
    portable: nn.Module,
    inputs: Sequence[Tensor],
    dtype: Dtype,
    threads: int,
    root: Path,
    seconds: float | None = None,
) -> "EngineModel":
    """An emitted model, in eval mode, with the program that an engine makes of it. Raises EngineFailure."""
    program = prepare(engine, portable, inputs, dtype, threads, root, seconds)
    kinds = tuple((tuple(given.shape), given.dtype) for given in inputs)
    return EngineModel(portable, Recipe(engine, dtype, threads, kinds, root, program.weights), program)


class EngineModel(nn.Module):
    """`failure` is why the program is no longer run, None if it is."""

    portable: nn.Module
    recipe: Recipe
    failure: EngineFailure | None
    _program: Program | None
    _fits: bool
    """Whether the weights are those of the program, if nothing has changed since `_watch`."""
    _watch: "Watch | None"

    def __init__(self, portable: nn.Module, recipe: Recipe, program: Program | None = None) -> None:
        super().__init__()
        # Not as attributes of a module, which would give every parameter a second name.
        vars(self).update(
            portable=portable,
            training=portable.training,
            recipe=recipe,
            failure=None,
            _program=program,
            _fits=True,
            _watch=None if program is None else Watch.of(portable),
        )
        for shared in ("_parameters", "_buffers", "_modules", "_non_persistent_buffers_set"):
            vars(self)[shared] = vars(portable)[shared]

    def forward(self, *inputs: Tensor, **named: Tensor) -> Any:
        program = None if self.training or named or not all(map(_plain, inputs)) or _traced() else self._current()
        if program is not None and program.takes(inputs):
            try:
                return program(*inputs)
            except EngineFailure as failure:
                self._give_up(failure)
        return self.portable(*inputs, **named)

    def train(self, mode: bool = True) -> "EngineModel":
        self.portable.train(mode)
        return super().train(mode)

    def load_state_dict(self, state_dict: Mapping[str, Any], strict: bool = True, assign: bool = False) -> Any:
        vars(self)["_watch"] = None
        return self.portable.load_state_dict(state_dict, strict, assign)

    def _apply(self, fn: Callable[[Tensor], Tensor], recurse: bool = True) -> "EngineModel":
        vars(self)["_watch"] = None
        return cast(Any, super())._apply(fn, recurse)

    def __getattr__(self, name: str) -> Any:
        try:
            return super().__getattr__(name)
        except AttributeError:
            if name.startswith("__") or "portable" not in vars(self):
                raise
            return getattr(self.portable, name)

    def __getstate__(self) -> dict[str, Any]:
        """Without the program, which is had again when the model is called."""
        return {**vars(self), "_program": None, "_watch": None}

    def __deepcopy__(self, memo: dict[int, Any]) -> "EngineModel":
        """A copy with the same program."""
        made = type(self).__new__(type(self))
        memo[id(self)] = made
        vars(made).update(deepcopy(self.__getstate__(), memo))
        vars(made)["_program"] = self._program
        if self._watch is not None and self._watch.unchanged():
            vars(made)["_watch"] = Watch.of(made.portable)
        return made

    def _current(self) -> Program | None:
        """The program, if it is one for the weights as they are."""
        if self.failure is not None:
            return None
        if self._watch is None or not self._watch.unchanged():
            fits = weights_digest(self.portable) == self.recipe.weights
            vars(self).update(_fits=fits, _watch=Watch.of(self.portable))
        if self._fits and self._program is None:
            try:
                vars(self)["_program"] = self.recipe.program(self.portable)
            except EngineFailure as failure:
                self._give_up(failure)
        return self._program if self._fits else None

    def _give_up(self, failure: EngineFailure) -> None:
        vars(self).update(failure=failure, _program=None)


@dataclass(frozen=True, slots=True)
class Watch:
    """All tensors of a model, each with where it stands and how often it was written to."""

    entries: tuple[tuple[dict[str, Tensor | None], str, Tensor, int], ...]

    @classmethod
    def of(cls, model: nn.Module) -> "Watch":
        holders = [holder for module in model.modules() for holder in map(vars(module).__getitem__, HOLDERS)]
        return cls(
            tuple(
                (holder, name, tensor, tensor._version)
                for holder in cast("list[dict[str, Tensor | None]]", holders)
                for name, tensor in holder.items()
                if tensor is not None and not tensor.is_inference()  # of these PyTorch does not count
            )
        )

    def unchanged(self) -> bool:
        """Whether the same tensors stand there and nothing was written to them."""
        for holder, name, tensor, version in self.entries:
            if holder.get(name) is not tensor or tensor._version != version:
                return False
        return True


def _plain(given: Tensor) -> bool:
    return type(given) in (Tensor, nn.Parameter) and not (given.requires_grad and torch.is_grad_enabled())


def _traced() -> bool:
    return torch.compiler.is_compiling() or cast(Any, torch.jit).is_tracing()
