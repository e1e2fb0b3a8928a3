"""How a tuned model has the program of an engine: as long as the program lives, out of its folder, or made anew.

A program is made of the deployed form of the model, whose weights follow from those of the portable one. For other
weights it is not made again, for that may take minutes: the portable model runs then. If a program for them was kept,
that is used."""

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

import torch
from torch import Tensor, nn

from archdsl_compiler.emit.execute import instantiate
from archdsl_compiler.emit.source import Note, emit
from archdsl_compiler.engines.contract import Dtype, Engine, Work
from archdsl_compiler.engines.kept import weights_digest
from archdsl_compiler.engines.preparing import EngineProgram, found, prepare
from archdsl_compiler.passes.deploy import Deployed
from archdsl_compiler.passes.equality import random_input
from archdsl_compiler.passes.weights import transform_state

NOTE: Final = Note("deployed", "What engines make their programs of.")


@dataclass(frozen=True, slots=True)
class EngineRecipe:
    """Of a model that was deployed, for one batch; programs stand in folders below `root`. Copies in this process share
    the program."""

    engine: Engine
    deployed: Deployed
    work: Work
    root: Path
    weights: str = ""
    """The digest of those for which a program is made where none was kept."""
    source: str = ""
    _held: list[EngineProgram] = field(default_factory=list[EngineProgram], compare=False, repr=False)

    def program(self, portable: nn.Module) -> EngineProgram | None:
        """The program for the weights of the portable model. Raises EngineFailure."""
        state = portable.state_dict()
        if any(value.device.type != "cpu" for value in state.values()):
            return None
        state = transform_state(state, self.deployed.changes)
        digest = weights_digest(state)
        for program in self._held:
            if program.weights == digest:
                return program
        program = self.kept(digest)
        if program is None and digest == self.weights:
            program = self.made(state)
            self.hold(program)
        return program

    def kept(self, digest: str) -> EngineProgram | None:
        """The program that was made earlier for these weights. Raises EngineFailure."""
        program = found(self.engine, self.source, digest, self.work, self.root)
        if program is not None:
            self.hold(program)
        return program

    def made(self, state: dict[str, Tensor], seconds: float | None = None) -> EngineProgram:
        """The program for weights of the deployed form. Raises EngineFailure."""
        model = instantiate(self.source).eval()
        model.load_state_dict(state)
        inputs = _inputs(self.deployed, self.work.batch)
        return prepare(self.engine, model, inputs, self.work.dtype, self.work.threads, self.root, seconds)

    def hold(self, program: EngineProgram) -> None:
        self._held[:] = [program]

    def __deepcopy__(self, memo: dict[int, Any]) -> "EngineRecipe":
        return self

    def __reduce__(self) -> tuple[Any, ...]:
        own = (self.engine, self.deployed, self.work, self.root, self.weights, self.source)
        return EngineRecipe, own


def engine_recipe(
    engine: Engine,
    portable: nn.Module,
    deployed: Deployed,
    dtype: Dtype,
    batch: int,
    threads: int,
    root: Path,
    seconds: float | None = None,
) -> EngineRecipe:
    """The recipe with its program, which is made in `seconds` at most. Raises EngineFailure."""
    recipe, state = _recipe(engine, portable, deployed, dtype, batch, threads, root)
    recipe.hold(recipe.made(state, seconds))
    return recipe


def kept_recipe(
    engine: Engine, portable: nn.Module, deployed: Deployed, dtype: Dtype, batch: int, threads: int, root: Path
) -> EngineRecipe | None:
    """The recipe with a program that was made earlier; none if none was. Raises EngineFailure."""
    recipe, _ = _recipe(engine, portable, deployed, dtype, batch, threads, root)
    return None if recipe.kept(recipe.weights) is None else recipe


def _recipe(
    engine: Engine, portable: nn.Module, deployed: Deployed, dtype: Dtype, batch: int, threads: int, root: Path
) -> tuple[EngineRecipe, dict[str, Tensor]]:
    source = emit(deployed.root, NOTE)
    work = Work.of(_inputs(deployed, batch), dtype, threads)
    state = transform_state(portable.state_dict(), deployed.changes)
    return EngineRecipe(engine, deployed, work, root, weights_digest(state), source), state


def _inputs(deployed: Deployed, batch: int) -> list[Tensor]:
    """Such as the model takes, the same each time."""
    generator = torch.Generator().manual_seed(0)
    return [random_input(type_, generator, batch) for type_ in deployed.root.input_types]
