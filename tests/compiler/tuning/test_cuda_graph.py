"""Recorded programs, with a recording of the processor's own: it runs again, and writes where it wrote the first time,
as a CUDA graph does."""

from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from copy import deepcopy
from dataclasses import dataclass, field
from functools import partial
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from archdsl_compiler.emit.execute import instantiate
from archdsl_compiler.emit.source import Note, emit
from archdsl_compiler.kernels.contract import Mode, Place
from archdsl_compiler.kernels.flat import as_program
from archdsl_compiler.kernels.regions.contract import cut
from archdsl_compiler.passes.contract import pipeline
from archdsl_compiler.passes.deploy import deploy
from archdsl_compiler.passes.weights import transform_state
from archdsl_compiler.tuning.cuda_graph import RecordedRecipe
from archdsl_compiler.tuning.fast_model import FastModel, NoProgram
from archdsl_compiler.tuning.program import Weights, observe
from archdsl_compiler.tuning.regional_recipe import RegionalRecipe, example_inputs
from tests.compiler.kernels.flat_models import apart, graph_of

NET = """
model net()(x: [b, 3, 6, 5], y: [b, 4]) {
  let maps = x |> conv(4, 3) as stem |> relu
  return [maps, (maps |> mean(axes=(2, 3))) + y |> linear(3) as head]
}
"""


@dataclass
class Replay:
    """`plays` counts them; `busy` is as long as another recording runs."""

    run: Callable[[], Any]
    plays: int = 0
    turns: int = 0
    busy: bool = False
    results: Any = field(init=False)

    def __post_init__(self) -> None:
        self.results = self.run()

    def free(self) -> bool:
        return not self.busy

    def turn(self) -> AbstractContextManager[object]:
        self.turns += 1
        return nullcontext()

    def play(self) -> None:
        self.plays += 1
        for held, found in zip(self.results, self.run(), strict=True):
            held.copy_(found)


@dataclass
class Case:
    portable: nn.Module
    recipe: RecordedRecipe
    recordings: list[Replay]

    def model(self) -> FastModel:
        return FastModel(self.portable, self.recipe)


def record(recordings: list[Replay], run: Callable[[], Any]) -> Replay:
    recordings.append(Replay(run))
    return recordings[-1]


@pytest.fixture
def case() -> Case:
    graph = pipeline().apply(graph_of(NET))
    portable = instantiate(emit(graph, Note("net", "A test."))).eval()
    deployed = as_program(deploy(graph))
    parts = cut(deployed.root)
    inputs = example_inputs(parts.flat, 2, "cpu")
    seen = observe(parts, Weights(parts, transform_state(portable.state_dict(), deployed.changes)), inputs, Mode())
    choices = tuple((Mode(), "plain") for _ in parts.running)
    shapes = tuple(tuple(x.shape) for x in inputs)
    regional = RegionalRecipe(parts, deployed, choices, {Mode(): seen}, shapes, Place("cpu", 1, frozenset()))
    recordings: list[Replay] = []
    return Case(portable, RecordedRecipe(regional, partial(record, recordings)), recordings)


def inputs_of(batch: int, seed: int) -> tuple[Tensor, Tensor]:
    generator = torch.Generator().manual_seed(seed)
    return torch.randn(batch, 3, 6, 5, generator=generator), torch.randn(batch, 4, generator=generator)


def same(case: Case, model: nn.Module, batch: int, seed: int = 1) -> bool:
    given = inputs_of(batch, seed)
    with torch.no_grad():
        return apart(case.portable(*given), model(*given)) < 1e-5


def test_a_recording_is_played_for_its_batch_alone(case: Case):
    model = case.model()
    assert all(same(case, model, 2, seed) for seed in range(3))
    (recording,) = case.recordings
    assert (3, 3) == (recording.plays, recording.turns)
    assert same(case, model, 5)
    assert same(case, model, 1)
    assert 3 == recording.plays


def test_results_are_the_callers_and_inputs_stay(case: Case):
    model = case.model()
    given, others = inputs_of(2, 1), inputs_of(2, 2)
    before = [x.clone() for x in given]
    first = model(*given)
    kept = [x.clone() for x in first]
    second = model(*others)
    assert all(map(torch.equal, first, kept))
    assert not any(map(torch.equal, first, second))
    assert all(map(torch.equal, given, before))
    first[0].zero_()
    assert same(case, model, 2)


def test_inputs_may_lie_anyhow(case: Case):
    x, y = inputs_of(2, 3)
    spread = torch.stack([x, x], dim=-1)[..., 0]
    assert torch.equal(case.model()(x, y)[0], case.model()(spread, y)[0])


def test_it_is_recorded_anew_for_other_weights(case: Case):
    model = case.model()
    assert same(case, model, 2)
    with torch.no_grad():
        model.head.weight.mul_(2)
    assert same(case, model, 2)
    assert 2 == len(case.recordings)
    model.load_state_dict({name: value + 0.1 for name, value in model.state_dict().items()})
    assert same(case, model, 2)
    assert 3 == len(case.recordings)


def test_what_was_recorded_in_inference_mode_is_played_outside_and_inside(case: Case):
    with torch.inference_mode():
        program = case.recipe.program(case.portable)
    assert program is not None
    given = inputs_of(2, 1)
    found = program(*given)
    with torch.inference_mode():
        again = program(*(x.clone() for x in given))
    assert all(map(torch.equal, found, again))
    assert 2 == case.recordings[0].plays


def test_nothing_is_played_while_another_recording_is_made(case: Case):
    model = case.model()
    assert same(case, model, 2)
    case.recordings[0].busy = True
    assert same(case, model, 2)
    assert 1 == case.recordings[0].plays


def test_a_copy_has_a_recording_of_its_own(case: Case):
    model = case.model()
    copied = deepcopy(model)
    assert same(case, model, 2)
    assert same(case, copied, 2)
    assert [1, 1] == [each.plays for each in case.recordings]


def test_a_program_that_cannot_be_recorded_is_none(case: Case):
    def refuse(run: Callable[[], Any]) -> Replay:
        raise RuntimeError("operation not permitted when stream is capturing")

    recipe = RecordedRecipe(case.recipe.recipe, refuse)
    with pytest.raises(NoProgram, match="cannot be recorded: operation not permitted"):
        recipe.program(case.portable)
    model = FastModel(case.portable, recipe)
    assert same(case, model, 2)
    assert model.failure is not None
