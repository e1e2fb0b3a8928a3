"""When a tuned model runs the program of an engine, and how it has it again."""

import copy
import pickle
from dataclasses import replace
from pathlib import Path

import pytest
import torch

from archdsl_compiler.engines.preparing import EngineProgram
from archdsl_compiler.engines.recipe import EngineRecipe
from archdsl_compiler.tuning.fast_model import FastModel
from tests.compiler.engines.nets import NETS, worst
from tests.compiler.engines.odd_engines import Plain

NET = NETS["attention"]


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder with the program of the net."""
    folder = tmp_path_factory.mktemp("engines")
    NET.fast(Plain(), folder)
    return folder


def program_of(model: FastModel) -> EngineProgram | None:
    """The one that answers."""
    model(*NET.inputs())
    program = model._program
    assert program is None or isinstance(program, EngineProgram)
    return program


def close(model: FastModel, portable: torch.nn.Module) -> bool:
    return worst([portable(*NET.inputs())], [model(*NET.inputs())]) <= 1e-6


def test_other_weights_are_the_portable_models_until_the_old_come_back(root: Path):
    model, portable = NET.fast(Plain(), root), NET.model()
    first = program_of(model)
    assert first is not None
    state = portable.state_dict()
    doubled = {name: value * 2 for name, value in state.items()}
    model.load_state_dict(doubled)
    assert None is program_of(model)
    assert model.failure is None
    portable.load_state_dict(doubled)
    assert close(model, portable)
    model.load_state_dict({name: value / 2 for name, value in doubled.items()})
    assert first is program_of(model)
    assert close(model, NET.model())


def test_a_program_is_shared_by_copies_and_found_by_pickles(root: Path):
    model = NET.fast(Plain(), root)
    first, copied = program_of(model), program_of(copy.deepcopy(model))
    loaded = program_of(pickle.loads(pickle.dumps(model)))
    assert first is not None
    assert first is copied
    assert loaded is not None
    assert (False, False) == (first.made, loaded.made)


def test_where_the_folder_is_gone_the_program_is_made_again(root: Path, tmp_path: Path):
    recipe = NET.fast(Plain(), root).recipe
    assert isinstance(recipe, EngineRecipe)
    other = FastModel(NET.model(), replace(recipe, root=tmp_path / "gone", _held=[]))
    found = program_of(other)
    assert found is not None
    assert found.made
    assert close(other, NET.model())


def test_a_program_that_was_kept_for_other_weights_is_used_for_them(root: Path):
    model, other = NET.fast(Plain(), root), NET.fast(Plain(), root)
    assert isinstance(other.recipe, EngineRecipe)
    doubled = {name: value * 2 for name, value in model.state_dict().items()}
    other.recipe.made(doubled)
    model.load_state_dict(doubled)
    assert program_of(model) is not None
    portable = NET.model()
    portable.load_state_dict(doubled)
    assert close(model, portable)


def test_an_engine_that_is_gone_leaves_the_portable_model(root: Path):
    model = NET.fast(Plain(), root)
    recipe = model.recipe
    assert isinstance(recipe, EngineRecipe)
    gone = replace(recipe, engine=Plain(("missing",)), _held=[])
    other = FastModel(NET.model(), gone)
    assert None is program_of(other)
    assert "plain failed (install): plain is not installed" == str(other.failure)
    assert close(other, NET.model())


def test_a_program_that_breaks_is_given_up(root: Path):
    model = NET.fast(Plain(), root)
    program = program_of(model)
    assert program is not None

    def broken(inputs: object) -> list[torch.Tensor]:
        raise RuntimeError("the request is busy")

    fields = {name: getattr(program, name) for name in EngineProgram.__slots__}
    vars(model)["_program"] = EngineProgram(**{**fields, "run": broken})
    assert close(model, NET.model())
    assert "plain failed (run): RuntimeError: the request is busy" == str(model.failure)
