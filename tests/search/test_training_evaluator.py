"""The evaluator `training`: candidates as text in, metrics, intermediate values and weights out."""

import json
import pickle
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy
import pytest
import torch
from safetensors.torch import load

from archdsl.assembly import Loading, assembled
from archdsl.diagnostics.record import UsageError
from archdsl.parts import Part, as_json, default_part, from_json
from archdsl.programs import program_of_text
from archdsl.search.contract import Candidate, Ground, Objective, Work
from archdsl.search.evaluation import attempted
from archdsl.search.evaluators.training import evaluate, gives, prepare, receive, shared
from archdsl.search.workers.contract import Job
from archdsl.targets import open_target
from archdsl.train.data import registry
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
    Objective("held", True, default_part("metric", "accuracy", split="test", samples=200)),
    Objective("params", False, default_part("metric", "params")),
)


def work(text: str = TEXT, seed: int = 3, **fields: Any) -> Work:
    adam = default_part("optimizer", "adamw", lr=1e-2)
    recipe = {"data": Part("digits"), "epochs": 2, "batch": 100, "samples": 300, "optimizer": adam, **fields}
    return Work(text, {}, Part("training", {"recipe": recipe}), METRICS, seed)


def reported(_step: int, _value: float) -> bool:
    return True


def test_it_trains_and_measures_what_it_can():
    reports: dict[int, float] = {}
    found = evaluate(work(), lambda step, value: (reports.update({step: value}), True)[1])
    assert {"quality", "held"} == set(found.metrics)
    assert {1, 2} == set(reports)
    assert found.metrics["quality"] == reports[2]
    assert found.data is not None
    assert (8, 10) == (found.data["size"], len(found.data["classes"]))  # pyright: ignore[reportArgumentType]
    assert pickle.loads(pickle.dumps(found)) == found


def test_the_weights_are_those_that_were_measured(tmp_path: Any):
    found = evaluate(work(average=0.9), reported)
    assert found.weights is not None
    (tmp_path / "model.safetensors").write_bytes(found.weights)
    target = open_target((program_of_text(TEXT), "net"))
    assert assembled(target).model.state_dict().keys() == load(found.weights).keys()
    again = evaluated(target, Loading(tmp_path / "model.safetensors"), "digits", {})
    assert found.metrics["quality"] == again["validation.accuracy"]
    (tmp_path / "summary.json").write_text(json.dumps({"preprocessing": found.data}), encoding="utf-8")
    again = evaluated(target, Loading(tmp_path / "model.safetensors"), None, {})
    assert found.metrics == {name: again[name] for name in found.metrics}


def test_a_trial_s_seed_decides():
    found = [evaluate(work(seed=seed), reported).weights for seed in (1, 1, 2)]
    assert found[0] == found[1] != found[2]
    assert (
        evaluate(work(seed=1), reported).weights
        == evaluate(work(seed=2, seed_=None) if False else work(seed=1), reported).weights
    )


def test_a_recipe_s_own_seed_goes_first():
    found = [evaluate(_with_seed(trial), reported).weights for trial in (1, 2)]
    assert found[0] == found[1]


def _with_seed(trial: int) -> Work:
    recipe = work().evaluator["recipe"]
    assert isinstance(recipe, dict)
    return Work(TEXT, {}, Part("training", {"recipe": {**recipe, "seed": 7}}), METRICS, trial)


def test_it_is_given_up_when_an_intermediate_value_is_too_low():
    asked: list[int] = []
    found = evaluate(work(epochs=50), lambda step, _value: (asked.append(step), step < 2)[1])
    assert ([1, 2], True, None) == (asked, found.pruned, found.weights)
    finished = attempted(Job(0, replace(work(epochs=50), cutoffs={1: 0.0, 2: 1.1}))).result
    assert finished is not None
    assert ({1, 2}, True) == (set(finished.reports), finished.pruned)


def test_its_data_must_be_there_before_the_first_trial(tmp_path: Path):
    with pytest.raises(UsageError, match="apt-get install"):
        prepare(work(data=Part("fashion_mnist", {"path": "nowhere"})).evaluator, Ground(tmp_path))


def test_data_that_fits_no_candidate_is_refused_before_the_first_trial(tmp_path: Path):
    one = Candidate((), "", 0, 0)

    def ground(*texts: str) -> Ground:
        written = iter(texts)
        return Ground(tmp_path, (one,) * len(texts), architecture=lambda _genome: next(written))

    larger = TEXT.replace("size: int = 8", "size: int = 16")
    with pytest.raises(UsageError, match=r"16 x 16 pixels.*--set size=8"):
        prepare(work().evaluator, ground(larger, larger))
    prepare(work().evaluator, ground(larger, TEXT))


def test_paths_are_seen_from_the_file_that_writes_them(tmp_path: Path):
    numpy.savez(tmp_path / "data.npz", images=numpy.zeros((20, 8, 8)), labels=numpy.arange(20) % 10)
    found = prepare(work(data=Part("arrays", {"path": "data.npz"})).evaluator, Ground(tmp_path)).found
    recipe = found["recipe"]
    assert isinstance(recipe, dict)
    assert Part("arrays", {"path": str(tmp_path / "data.npz")}) == recipe["data"]
    ready = replace(work(), evaluator=Part("training", {"recipe": from_json(as_json(recipe))}))
    assert {"quality", "held"} == set(evaluate(ready, reported).metrics)


def test_data_goes_to_workers_that_lack_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    assert {} == shared(work())
    path = tmp_path / "data.npz"
    numpy.savez(path, images=numpy.random.default_rng(0).random((60, 8, 8)), labels=numpy.arange(60) % 10)
    job = work(data=Part("arrays", {"path": str(path)}), samples=20)
    here = evaluate(job, reported)
    (name, make), *others = shared(job).items()
    content = pickle.loads(pickle.dumps(make()))
    monkeypatch.setattr(registry, "_kept", {})
    monkeypatch.setattr(registry, "_received", {})
    path.unlink()
    with pytest.raises(UsageError):
        evaluate(job, reported)
    receive(name, content)
    assert ([], here.weights) == (others, evaluate(job, reported).weights)


def test_what_it_gives():
    assert [True, True, False] == [gives(work().evaluator, objective) for objective in METRICS]


@pytest.mark.parametrize(
    ("made", "words"),
    [
        (lambda: work(optimizer=default_part("optimizer", "sgd", lr=1e30)), "the loss is"),
        (lambda: work(TEXT.replace("classes: int = 10", "classes: int = 7")), "--set classes=10"),
        (lambda: work(data=Part("fashion_mnist", {"path": "/nowhere"})), "apt-get install"),
        (lambda: work(TEXT.replace("conv(8, 3", "conv(8, 30")), "covers 30 places"),
        (lambda: work(start="nowhere.safetensors"), "does not exist"),
        (lambda: work(validation=0.0), 'has no split "validation" for `quality`'),
    ],
)
def test_a_candidate_that_cannot_be_trained_fails_with_its_reason(made: Any, words: str):
    assert words in attempted(Job(0, made())).failure


def test_threads_are_those_of_the_work():
    torch.set_num_threads(2)
    evaluate(work(epochs=0), reported)
    assert 1 == torch.get_num_threads()
