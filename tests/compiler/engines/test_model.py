"""A model that an engine runs behaves like any other in eval mode."""

import copy
import io
from collections.abc import Callable, Sequence
from pathlib import Path

import pytest
import torch
from torch import Tensor, nn

from archdsl_compiler.engines.contract import Work
from archdsl_compiler.engines.kept import Page, weights_digest
from archdsl_compiler.engines.model import EngineModel, Recipe
from archdsl_compiler.engines.preparing import Program
from tests.compiler.engines.nets import NETS
from tests.compiler.engines.odd_engines import Plain

NET = NETS["attention"]
INPUTS = NET.inputs(2)
WORK = Work("float32", 1, tuple(tuple(given.shape) for given in INPUTS))
KINDS = tuple((tuple(given.shape), given.dtype) for given in INPUTS)
BY_PROGRAM = 42.0


def answer(inputs: Sequence[Tensor]) -> Sequence[Tensor]:
    """What no model gives."""
    return [torch.full_like(inputs[0], BY_PROGRAM)]


def model_of(root: Path, run: Callable[[Sequence[Tensor]], Sequence[Tensor]] = answer) -> EngineModel:
    """A model whose program is the given function."""
    portable = NET.model()
    weights = weights_digest(portable)
    program = Program("plain", WORK, Page("tensor", True, 0.0, 0.0), weights, True, run, (torch.float32, torch.float32))
    return EngineModel(portable, Recipe(Plain(), "float32", 1, KINDS, root, weights), program)


def by_program(model: nn.Module, *inputs: Tensor) -> bool:
    return bool((model(*(inputs or INPUTS)) == BY_PROGRAM).all())


def test_names_and_parameters_are_those_of_the_portable_model(tmp_path: Path):
    model = model_of(tmp_path)
    portable = NET.model()
    assert list(portable.state_dict()) == list(model.state_dict())
    assert [name for name, _ in portable.named_parameters()] == [name for name, _ in model.named_parameters()]
    assert [name for name, _ in portable.named_modules()] == [name for name, _ in model.named_modules()]
    assert all(map(torch.equal, portable.parameters(), model.parameters()))
    assert 32 == model.query.in_features
    with pytest.raises(AttributeError):
        model.nothing_of_this_name  # noqa: B018


def test_the_program_runs_in_eval_mode_and_the_portable_model_in_training(tmp_path: Path):
    model = model_of(tmp_path)
    assert by_program(model)
    assert not by_program(model.train())
    assert model.portable.training
    assert by_program(model.eval())
    assert not model.portable.training


def test_a_gradient_for_an_input_is_the_portable_models(tmp_path: Path):
    model = model_of(tmp_path)
    wanted = INPUTS[0].clone().requires_grad_()
    model(wanted, INPUTS[1]).sum().backward()
    assert wanted.grad is not None
    with torch.no_grad():
        assert by_program(model, wanted, INPUTS[1])


@pytest.mark.parametrize(
    "inputs",
    [
        [INPUTS[0][:, :4], INPUTS[1]],
        [given.double() for given in INPUTS],
        [INPUTS[0], INPUTS[1][:1]],
    ],
    ids=["size", "dtype", "two batches"],
)
def test_other_inputs_are_the_portable_models(inputs: list[Tensor], tmp_path: Path):
    model, portable = model_of(tmp_path), NET.model()
    if inputs[0].dtype == torch.float64:
        model, portable = model.double(), portable.double()
    try:
        expected = portable(*inputs)
    except RuntimeError:
        with pytest.raises(RuntimeError):
            model(*inputs)
    else:
        assert torch.equal(expected, model(*inputs))


def test_inputs_by_name_are_the_portable_models(tmp_path: Path):
    expected = NET.model()(*INPUTS)
    assert torch.equal(expected, model_of(tmp_path)(x=INPUTS[0], memory=INPUTS[1]))


@pytest.mark.parametrize("way", ["in place", "load", "replaced", "assigned", "converted"])
def test_other_weights_are_the_portable_models(way: str, tmp_path: Path):
    model, portable = model_of(tmp_path), NET.model()
    old = copy.deepcopy(portable.state_dict())
    new = {name: value * 2 for name, value in old.items()}
    portable.load_state_dict(new)
    match way:
        case "in place":
            with torch.no_grad():
                for parameter in model.parameters():
                    parameter *= 2
        case "load":
            model.load_state_dict(new)
        case "assigned":
            model.load_state_dict(new, assign=True)
        case "replaced":
            for name, module in model.named_modules():
                for own, value in list(module.named_parameters(recurse=False)):
                    setattr(module, own, nn.Parameter(new[f"{name}.{own}"]))
                    assert value is not getattr(module, own)
        case _:
            model.load_state_dict({name: value.double() for name, value in new.items()})
            model.double().float()
    assert torch.equal(portable(*INPUTS), model(*INPUTS))
    assert model.failure is None
    model.load_state_dict(old)
    assert by_program(model)


def test_the_same_weights_written_again_keep_the_program(tmp_path: Path):
    model = model_of(tmp_path)
    model.load_state_dict(NET.model().state_dict())
    assert by_program(model)


def test_a_program_that_fails_is_given_up(tmp_path: Path):
    def fail(inputs: Sequence[Tensor]) -> Sequence[Tensor]:
        raise RuntimeError("the request is busy")

    model = model_of(tmp_path, fail)
    assert torch.equal(NET.model()(*INPUTS), model(*INPUTS))
    assert "plain failed (run): RuntimeError: the request is busy" == str(model.failure)
    assert torch.equal(NET.model()(*INPUTS), model(*INPUTS))


def test_a_copy_has_the_program_and_its_own_weights(tmp_path: Path):
    model = model_of(tmp_path)
    other = copy.deepcopy(model)
    with torch.no_grad():
        next(other.parameters()).zero_()
    assert (True, False) == (by_program(model), by_program(other))
    assert {id(p) for p in other.parameters()} == {id(p) for p in other.portable.parameters()}
    assert not {id(p) for p in model.parameters()} & {id(p) for p in other.parameters()}


def test_saved_whole_it_makes_its_program_again(tmp_path: Path):
    model = model_of(tmp_path / "root")
    model.note = "kept"
    saved = io.BytesIO()
    torch.save(model, saved)
    saved.seek(0)
    other = torch.load(saved, weights_only=False)
    found = other(*INPUTS)
    assert other._program is not None
    assert other._program.made
    assert torch.equal(NET.model()(*INPUTS), found)
    assert "kept" == other.note
    assert {id(p) for p in other.parameters()} == {id(p) for p in other.portable.parameters()}


def test_a_tracer_sees_the_portable_model(tmp_path: Path):
    model = model_of(tmp_path)
    exported = torch.export.export(model, tuple(INPUTS)).module()
    assert torch.allclose(NET.model()(*INPUTS), exported(*INPUTS), atol=1e-6)
    assert by_program(model)
