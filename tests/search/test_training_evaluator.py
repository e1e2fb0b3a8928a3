"""The evaluator `training`: candidates as text in, metrics, intermediate values and weights out."""

import pickle
from typing import Any

import pytest
import torch
from safetensors.torch import load

from archdsl.assembly import Loading, assembled
from archdsl.parts import Part, default_part
from archdsl.programs import program_of_text
from archdsl.search.contract import Objective, TrialFailed, Work
from archdsl.search.evaluators.training import evaluate
from archdsl.targets import open_target
from archdsl.train.evaluating import evaluated

pytestmark = pytest.mark.usefixtures("one_thread")

TEXT = """\
model net(size: int = 8, classes: int = 10)(x: [b, 1, size, size]) {
  x = x |> conv(8, 3, stride=2) as conv |> batch_norm() as norm |> relu
  return x |> rearrange("b c h w -> b (c h w)") |> linear(classes) as head
}
"""
METRICS = (
    Objective("quality", True, default_part("metric", "accuracy")),
    Objective("held", True, default_part("metric", "accuracy", split="test")),
    Objective("params", False, default_part("metric", "params")),
)


def work(text: str = TEXT, seed: int = 3, **fields: Any) -> Work:
    adam = default_part("optimizer", "adamw", lr=1e-2)
    recipe = {"data": Part("digits"), "epochs": 2, "batch": 100, "samples": 300, "optimizer": adam, **fields}
    return Work(text, {}, Part("training", {"recipe": recipe}), METRICS, seed)


def silently(_step: int, _value: float) -> None:
    pass


def test_it_trains_and_measures_what_it_can():
    reports: dict[int, float] = {}
    found = evaluate(work(), reports.__setitem__)
    assert {"quality", "held"} == set(found.metrics)
    assert {1, 2} == set(reports) == set(found.reports)
    assert found.metrics["quality"] == reports[2]
    assert found.data is not None
    assert (8, 10) == (found.data["size"], len(found.data["classes"]))  # pyright: ignore[reportArgumentType]
    assert pickle.loads(pickle.dumps(found)) == found


def test_the_weights_are_those_that_were_measured(tmp_path: Any):
    found = evaluate(work(average=0.9), silently)
    assert found.weights is not None
    (tmp_path / "model.safetensors").write_bytes(found.weights)
    target = open_target((program_of_text(TEXT), "net"))
    assert assembled(target).model.state_dict().keys() == load(found.weights).keys()
    again = evaluated(target, Loading(tmp_path / "model.safetensors"), "digits", {})
    assert found.metrics["held"] == again["test.accuracy"]


def test_a_trial_s_seed_decides():
    found = [evaluate(work(seed=seed), silently).weights for seed in (1, 1, 2)]
    assert found[0] == found[1] != found[2]
    assert (
        evaluate(work(seed=1), silently).weights
        == evaluate(work(seed=2, seed_=None) if False else work(seed=1), silently).weights
    )


def test_a_recipe_s_own_seed_goes_first():
    found = [evaluate(_with_seed(trial), silently).weights for trial in (1, 2)]
    assert found[0] == found[1]


def _with_seed(trial: int) -> Work:
    recipe = work().evaluator["recipe"]
    assert isinstance(recipe, dict)
    return Work(TEXT, {}, Part("training", {"recipe": {**recipe, "seed": 7}}), METRICS, trial)


class Stopped(Exception):
    """As what a driver raises to prune."""


def test_it_can_be_stopped_by_an_intermediate_value():
    def stop(step: int, _value: float) -> None:
        if step == 1:
            raise Stopped

    with pytest.raises(Stopped):
        evaluate(work(epochs=50), stop)


@pytest.mark.parametrize(
    ("made", "words"),
    [
        (lambda: work(optimizer=default_part("optimizer", "sgd", lr=1e30)), "the loss is"),
        (lambda: work(TEXT.replace("classes: int = 10", "classes: int = 7")), "--set classes=10"),
        (lambda: work(data=Part("fashion_mnist", {"path": "/nowhere"})), "apt-get install"),
        (lambda: work(TEXT.replace("conv(8, 3", "conv(8, 30")), "covers 30 places"),
        (lambda: work(start="nowhere.safetensors"), "does not exist"),
    ],
)
def test_a_candidate_that_cannot_be_trained_fails_with_its_reason(made: Any, words: str):
    with pytest.raises(TrialFailed, match=words):
        evaluate(made(), silently)


def test_threads_are_those_of_the_work():
    torch.set_num_threads(2)
    evaluate(work(epochs=0), silently)
    assert 1 == torch.get_num_threads()
