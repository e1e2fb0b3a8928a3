"""A model with a faster program behaves like any other in eval mode."""

import copy
import io
from collections.abc import Sequence
from dataclasses import dataclass

import pytest
import torch
from torch import Tensor, nn

from archdsl_compiler.emit.execute import instantiate
from archdsl_compiler.tuning.fast_model import FastModel, NoProgram

SOURCE = """\
import torch
from torch import nn


class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.query = nn.Linear(32, 32)
        self.norm = nn.LayerNorm(32)
        self.register_buffer("shift", torch.ones(6, 32), persistent=False)

    def forward(self, x, memory):
        return self.norm(self.query(x)) + (memory + self.shift).mean(1, keepdim=True)


def build():
    return Net()
"""

RANDOM = torch.Generator().manual_seed(0)
INPUTS = [torch.randn(2, 9, 32, generator=RANDOM), torch.randn(2, 6, 32, generator=RANDOM)]
BY_PROGRAM = 42.0


def portable_model() -> nn.Module:
    """The same weights each time, in eval mode."""
    model = instantiate(SOURCE).eval()
    generator = torch.Generator().manual_seed(1)
    model.load_state_dict({n: torch.rand(v.shape, generator=generator).to(v) for n, v in model.state_dict().items()})
    return model


@dataclass(frozen=True)
class Answer:
    """A program that gives what no model gives, or fails."""

    fails: bool = False

    def takes(self, inputs: Sequence[Tensor]) -> bool:
        return [(each.shape, each.dtype) for each in inputs] == [(each.shape, each.dtype) for each in INPUTS]

    def __call__(self, *inputs: Tensor) -> Tensor:
        if self.fails:
            raise NoProgram("the request is busy")
        return torch.full_like(inputs[0], BY_PROGRAM)


@dataclass(frozen=True)
class Sum:
    """A recipe for weights of one sum. `ways` are what goes wrong."""

    weights: float
    ways: tuple[str, ...] = ()

    def program(self, portable: nn.Module) -> Answer | None:
        if "none" in self.ways:
            raise NoProgram("no engine")
        return Answer("fails" in self.ways) if total(portable) == self.weights else None


def total(model: nn.Module) -> float:
    return sum(float(value.double().sum()) for value in model.state_dict().values())


def model_of(*ways: str) -> FastModel:
    portable = portable_model()
    return FastModel(portable, Sum(total(portable), ways))


def by_program(model: nn.Module, *inputs: Tensor) -> bool:
    return bool((model(*(inputs or INPUTS)) == BY_PROGRAM).all())


def test_names_and_parameters_are_those_of_the_portable_model():
    model = model_of()
    portable = portable_model()
    assert list(portable.state_dict()) == list(model.state_dict())
    assert [name for name, _ in portable.named_parameters()] == [name for name, _ in model.named_parameters()]
    assert [name for name, _ in portable.named_modules()] == [name for name, _ in model.named_modules()]
    assert all(map(torch.equal, portable.parameters(), model.parameters()))
    assert 32 == model.query.in_features
    with pytest.raises(AttributeError):
        model.nothing_of_this_name  # noqa: B018


def test_the_program_runs_in_eval_mode_and_the_portable_model_in_training():
    model = model_of()
    assert by_program(model)
    assert not by_program(model.train())
    assert model.portable.training
    assert by_program(model.eval())
    assert not model.portable.training


def test_a_gradient_for_an_input_is_the_portable_models():
    model = model_of()
    wanted = INPUTS[0].clone().requires_grad_()
    model(wanted, INPUTS[1]).sum().backward()
    assert wanted.grad is not None
    with torch.no_grad():
        assert by_program(model, wanted, INPUTS[1])


@pytest.mark.parametrize(
    "inputs",
    [
        [INPUTS[0], INPUTS[1][:, :, :1]],
        [given.double() for given in INPUTS],
        [INPUTS[0], INPUTS[1][:1]],
    ],
    ids=["size", "dtype", "two batches"],
)
def test_other_inputs_are_the_portable_models(inputs: list[Tensor]):
    model, portable = model_of(), portable_model()
    if inputs[0].dtype == torch.float64:
        model, portable = model.double(), portable.double()
    try:
        expected = portable(*inputs)
    except RuntimeError:
        with pytest.raises(RuntimeError):
            model(*inputs)
    else:
        assert torch.equal(expected, model(*inputs))


def test_inputs_by_name_are_the_portable_models():
    expected = portable_model()(*INPUTS)
    assert torch.equal(expected, model_of()(x=INPUTS[0], memory=INPUTS[1]))


@pytest.mark.parametrize("way", ["in place", "load", "replaced", "assigned", "converted"])
def test_other_weights_are_the_portable_models(way: str):
    model, portable = model_of(), portable_model()
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


def test_the_same_weights_written_again_keep_the_program():
    model = model_of()
    model.load_state_dict(portable_model().state_dict())
    assert by_program(model)


def test_a_program_that_fails_is_given_up():
    model = model_of("fails")
    for _ in range(2):
        assert torch.equal(portable_model()(*INPUTS), model(*INPUTS))
        assert "the request is busy" == str(model.failure)


def test_without_a_program_the_portable_model_runs():
    model = model_of("none")
    assert torch.equal(portable_model()(*INPUTS), model(*INPUTS))
    assert "no engine" == str(model.failure)


def test_a_copy_has_the_program_and_its_own_weights():
    model = model_of()
    other = copy.deepcopy(model)
    with torch.no_grad():
        next(other.parameters()).zero_()
    assert (True, False) == (by_program(model), by_program(other))
    assert {id(p) for p in other.parameters()} == {id(p) for p in other.portable.parameters()}
    assert not {id(p) for p in model.parameters()} & {id(p) for p in other.parameters()}


def test_saved_whole_it_has_its_program_again():
    model = model_of()
    model.note = "kept"
    saved = io.BytesIO()
    torch.save(model, saved)
    saved.seek(0)
    other = torch.load(saved, weights_only=False)
    assert by_program(other)
    assert not by_program(other.train())
    assert torch.equal(portable_model().shift, other.shift)
    assert "kept" == other.note
    assert {id(p) for p in other.parameters()} == {id(p) for p in other.portable.parameters()}


def test_what_is_put_into_the_model_is_in_the_portable_one():
    model = model_of()
    model.query = nn.Linear(32, 32, bias=False)
    assert model.portable.query is model.query
    assert not by_program(model)


def test_a_tracer_sees_the_portable_model():
    model = model_of()
    exported = torch.export.export(model, tuple(INPUTS)).module()
    assert torch.allclose(portable_model()(*INPUTS), exported(*INPUTS), atol=1e-6)
    assert by_program(model)
