"""A model with a faster program: to whoever has it an `nn.Module` in eval mode like any other.

It has the parameters, buffers and inner modules of the portable model, for they are the same dictionaries. The program
runs where it gives what the portable model would: in eval mode, for inputs that it was made for. Everywhere else the
portable model runs: for training, where a gradient for an input is asked for, for other sizes, under tracing and
compiling. Where weights have changed the program is made anew, if its recipe can. What a program gives has no gradient;
hooks of inner modules are not called by it."""

from collections.abc import Callable, Mapping, Sequence
from copy import deepcopy
from dataclasses import dataclass
from typing import Any, Protocol, cast

import torch
from torch import Tensor, nn


class Program(Protocol):
    """Computes what a model does, with the weights that it had."""

    def takes(self, inputs: Sequence[Tensor]) -> bool:
        """Whether it was made for such inputs."""
        ...

    def __call__(self, *inputs: Tensor) -> Any: ...


class Recipe(Protocol):
    """How a program is had, also in another process. It can be pickled."""

    def program(self, portable: nn.Module) -> Program | None:
        """The program for the weights that the model has now; none if there is none for these. May raise
        NoProgram."""
        ...


class NoProgram(Exception):
    """A program cannot be had, or no longer runs; the portable model is as good as before."""


class FastModel(nn.Module):
    """`failure` is why the program is no longer run, None if it is."""

    portable: nn.Module
    recipe: Recipe
    failure: Exception | None
    _program: Program | None
    _watch: "Watch | None"
    """The weights that the program, or its absence, is of."""

    def __init__(self, portable: nn.Module, recipe: Recipe, program: Program | None = None) -> None:
        super().__init__()
        # Not as attributes of a module, which would give every parameter a second name.
        vars(self).update(
            portable=portable,
            training=portable.training,
            recipe=recipe,
            failure=None,
            _program=program,
            _watch=None if program is None else Watch.of(portable),
        )
        for shared in ("_parameters", "_buffers", "_modules", "_non_persistent_buffers_set"):
            vars(self)[shared] = vars(portable)[shared]

    def forward(self, *inputs: Tensor, **named: Tensor) -> Any:
        program = None if self.training or named or not all(map(_plain, inputs)) or _traced() else self._current()
        if program is not None and program.takes(inputs):
            try:
                with torch.no_grad():
                    return program(*inputs)
            except NoProgram as failure:
                self._give_up(failure)
        return self.portable(*inputs, **named)

    def train(self, mode: bool = True) -> "FastModel":
        self.portable.train(mode)
        return super().train(mode)

    def load_state_dict(self, state_dict: Mapping[str, Any], strict: bool = True, assign: bool = False) -> Any:
        vars(self)["_watch"] = None
        return self.portable.load_state_dict(state_dict, strict, assign)

    def _apply(self, fn: Callable[[Tensor], Tensor], recurse: bool = True) -> "FastModel":
        vars(self)["_watch"] = None
        return cast(FastModel, super()._apply(fn, recurse))  # pyright: ignore[reportUnknownMemberType]

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

    def __deepcopy__(self, memo: dict[int, Any]) -> "FastModel":
        made = type(self).__new__(type(self))
        memo[id(self)] = made
        vars(made).update(deepcopy(self.__getstate__(), memo))
        return made

    def _current(self) -> Program | None:
        """The program for the weights as they are."""
        if self.failure is not None:
            return None
        if self._watch is None or not self._watch.unchanged():
            try:
                program = self.recipe.program(self.portable)
            except NoProgram as failure:
                self._give_up(failure)
                return None
            vars(self).update(_program=program, _watch=Watch.of(self.portable))
        return self._program

    def _give_up(self, failure: Exception) -> None:
        vars(self).update(failure=failure, _program=None)


@dataclass(frozen=True, slots=True)
class Watch:
    """All tensors of a model, each with where it stands and how often it was written to."""

    entries: tuple[tuple[dict[str, Tensor | None], str, Tensor, int], ...]

    @classmethod
    def of(cls, model: nn.Module) -> "Watch":
        holders = [vars(module)[name] for module in model.modules() for name in ("_parameters", "_buffers")]
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
    return torch.compiler.is_compiling() or torch.jit.is_tracing()  # pyright: ignore[reportPrivateImportUsage]
