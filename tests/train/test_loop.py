"""The loop: what it learns, that seeds decide everything, that it can be interrupted, and how it fails."""

import copy
import math
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from archdsl.diagnostics.record import UnusableFile, UsageError
from archdsl.parts import Part, default_part
from archdsl.train.averaging import Average
from archdsl.train.checkpoints import load_checkpoint, save_checkpoint
from archdsl.train.data.contract import Wanted
from archdsl.train.data.prepared import Prepared, prepare
from archdsl.train.failures import Interrupted, TrainingFailed
from archdsl.train.loop import Epoch, Training
from archdsl.train.losses import classified, distilled, exposed, penalized
from archdsl.train.metrics.registry import NAMES, measured_metrics
from archdsl.train.optimizers import optimizer, parameters
from archdsl.train.recipe import Recipe
from archdsl.train.schedules import rate

pytestmark = pytest.mark.usefixtures("one_thread")


class Small(nn.Module):
    """Convolution, norm, dropout and a head, with something exposed."""

    def __init__(self) -> None:
        super().__init__()
        self.conv = nn.Conv2d(1, 8, 3, stride=2, padding=1)
        self.norm = nn.BatchNorm2d(8)
        self.drop = nn.Dropout(0.2)
        self.scale = nn.Parameter(torch.ones(8, 1, 1))
        self.head = nn.Linear(8 * 16, 10)
        self.size: Tensor | None = None

    def forward(self, x: Tensor) -> Tensor:
        x = self.norm(self.conv(x)).relu() * self.scale
        if self.training:
            self.size = x.square().mean()
        return self.head(self.drop(x).flatten(1))


@pytest.fixture(scope="module")
def data() -> Prepared:
    return prepare(Part("digits"), Wanted(1, (8, 8)), samples=200)


def recipe(**fields: Any) -> Recipe:
    adam = default_part("optimizer", "adamw", lr=1e-2)
    return replace(Recipe(Part("digits"), batch=50, epochs=2, optimizer=adam), **fields)


def training(data: Prepared, seed: int = 0, teacher: nn.Module | None = None, **fields: Any) -> Training:
    torch.manual_seed(0)
    return Training(Small(), recipe(**fields), data, seed, teacher=teacher)


def silently(_epoch: Epoch) -> None:
    pass


def state_of(found: Training) -> dict[str, Tensor]:
    return {name: tensor.clone() for name, tensor in found.measured.state_dict().items()}


def same(first: dict[str, Tensor], second: dict[str, Tensor]) -> bool:
    return first.keys() == second.keys() and all(torch.equal(first[name], second[name]) for name in first)


RICH: dict[str, Any] = {
    "augment": (
        default_part("augmentation", "random_crop", padding=1),
        default_part("augmentation", "mixup", alpha=0.2),
    ),
    "average": 0.9,
    "clip": 1.0,
    "loss": default_part("loss", "cross_entropy", smoothing=0.1),
    "schedule": default_part("schedule", "cosine", warmup=1),
}


def test_it_learns(data: Prepared):
    found = training(data, epochs=12)
    found.run(silently)
    assert found.history[-1].loss < found.history[0].loss
    assert found.history[-1].validation["accuracy"] > 0.7
    assert list(range(1, 13)) == [epoch.number for epoch in found.history]


def test_a_seed_decides_everything(data: Prepared):
    found = [training(data, seed, **RICH) for seed in (5, 5, 6)]
    for each in found:
        each.run(silently)
    assert same(state_of(found[0]), state_of(found[1]))
    assert not same(state_of(found[0]), state_of(found[2]))


def test_the_numbers_of_others_go_on_as_if_nothing_had_been_taken(data: Prepared):
    each = training(data)
    before = torch.get_rng_state()
    each.run(silently)
    assert torch.equal(before, torch.get_rng_state())


@pytest.mark.parametrize("steps", [1, 3, 4, 6])
@pytest.mark.parametrize("name", ["adamw", "sgd", "rmsprop"])
def test_an_interrupted_one_goes_on_bit_by_bit(data: Prepared, tmp_path: Path, steps: int, name: str):
    fields = {**RICH, "optimizer": default_part("optimizer", name, lr=1e-3)}
    whole = training(data, **fields)
    whole.run(silently)
    first = training(data, **fields)
    left = iter(range(steps - 1, -1, -1))
    if steps % 4:
        with pytest.raises(Interrupted):
            first.run(silently, lambda: next(left) == 0)
    else:
        with pytest.raises(InterruptedError):
            first.run(interrupt)
    save_checkpoint(first, "source", tmp_path / "checkpoint.pt")
    second = training(data, **fields)
    torch.nn.init.normal_(second.model.get_parameter("head.weight"))
    load_checkpoint(second, "source", tmp_path / "checkpoint.pt")
    second.run(silently)
    assert same(state_of(whole), state_of(second))
    losses = [[(epoch.number, epoch.loss, epoch.validation) for epoch in each.history] for each in (whole, second)]
    assert losses[0] == losses[1]


def interrupt(_epoch: Epoch) -> None:
    raise InterruptedError


def test_a_checkpoint_of_something_else_is_refused(data: Prepared, tmp_path: Path):
    path = tmp_path / "checkpoint.pt"
    save_checkpoint(training(data), "source", path)
    with pytest.raises(UsageError, match=r"recipe.epochs: 2, now 3"):
        load_checkpoint(training(data, epochs=3), "source", path)
    with pytest.raises(UsageError, match="seed: 0, now 1"):
        load_checkpoint(training(data, 1), "source", path)
    with pytest.raises(UsageError, match="model: "):
        load_checkpoint(training(data), "another source", path)
    path.write_bytes(path.read_bytes()[:100])
    with pytest.raises(UnusableFile, match="no checkpoint"):
        load_checkpoint(training(data), "source", path)


def test_a_loss_that_is_no_number_ends_it_with_its_place(data: Prepared):
    found = training(data)
    with torch.no_grad():
        found.model.get_parameter("head.bias").fill_(math.nan)
    with pytest.raises(TrainingFailed, match="the loss is nan in epoch 1, step 1 of 4"):
        found.run(silently)


@pytest.mark.parametrize(
    "error", [RuntimeError("DefaultCPUAllocator: can't allocate memory: you tried ..."), MemoryError()]
)
def test_too_little_memory_ends_it_with_its_place(data: Prepared, monkeypatch: pytest.MonkeyPatch, error: Exception):
    found = training(data)

    def fail(_x: Tensor) -> Tensor:
        raise error

    monkeypatch.setattr(found.model, "forward", fail)
    with pytest.raises(TrainingFailed, match="not enough memory in epoch 1, step 1"):
        found.run(silently)


def test_our_own_errors_are_no_failures_of_a_training(data: Prepared, monkeypatch: pytest.MonkeyPatch):
    found = training(data)
    monkeypatch.setattr(found.model, "forward", lambda x: x @ x[0, 0, :3])
    with pytest.raises(RuntimeError):
        found.run(silently)


@pytest.mark.parametrize("precision", ["bfloat16", "float16"])
def test_it_computes_in_other_precisions(data: Prepared, precision: str):
    exact, other = training(data), training(data, precision=precision)
    for each in (exact, other):
        each.run(silently)
    assert abs(exact.history[-1].loss - other.history[-1].loss) < 0.1
    assert not same(state_of(exact), state_of(other))
    assert {torch.float32} == {parameter.dtype for parameter in other.model.parameters()}


def test_a_precision_that_is_none_is_refused(data: Prepared):
    with pytest.raises(TrainingFailed, match="float32, bfloat16, float16"):
        training(data, precision="int64")


def test_no_epochs_leave_the_model_as_it_was(data: Prepared):
    found = training(data, epochs=0)
    before = state_of(found)
    found.run(silently)
    assert same(before, state_of(found))


def test_every_picture_is_seen_once_in_an_epoch(data: Prepared, monkeypatch: pytest.MonkeyPatch):
    found = training(data, epochs=1, batch=64)
    seen: list[int] = []
    monkeypatch.setattr(found, "_step", lambda chosen: (seen.extend(chosen.tolist()), 1.0)[1])
    found.run(silently)
    assert (4, list(range(200))) == (found.steps, sorted(seen))
    assert sorted(seen) != seen


# ---- parts of it


def test_weights_alone_have_decay():
    model = Small()
    decayed, others = parameters(model)
    names = {id(parameter): name for name, parameter in model.named_parameters()}
    assert {"conv.weight", "head.weight"} == {names[id(p)] for p in decayed}
    assert {"conv.bias", "norm.weight", "norm.bias", "scale", "head.bias"} == {names[id(p)] for p in others}
    groups = optimizer(default_part("optimizer", "sgd", decay=0.5), model).param_groups
    assert [0.5, 0.0] == [group["weight_decay"] for group in groups]


def test_a_layer_with_one_output_decays_too():
    model = nn.Sequential(nn.Linear(1, 1), nn.Conv2d(1, 1, 1))
    assert 2 == len(parameters(model)[0])


@pytest.mark.parametrize(
    ("schedule", "expected"),
    [
        (default_part("schedule", "constant"), [1, 1, 1, 1, 1]),
        (default_part("schedule", "constant", warmup=1), [0.25, 0.5, 1, 1, 1]),
        (default_part("schedule", "cosine"), [1, 0.9904, 0.5, 0.1464, 0.0096]),
        (default_part("schedule", "cosine", warmup=1, floor=0.1), [0.25, 0.5, 0.775, 0.3250, 0.1153]),
        (default_part("schedule", "polynomial", power=2.0), [1, 0.8789, 0.25, 0.0625, 0.0039]),
    ],
)
def test_rates_follow_their_schedule(schedule: Part, expected: list[float]):
    found = [rate(schedule, step, 16, 4) for step in (0, 1, 8, 12, 15)]
    assert pytest.approx(expected, abs=1e-4) == found


def test_a_cosine_ends_at_its_floor():
    schedule = default_part("schedule", "cosine", warmup=2, floor=0.1)
    found = [rate(schedule, step, 1000, 10) for step in range(1000)]
    assert (0.05, 1.0) == (found[0], found[19])
    assert pytest.approx(0.1, abs=1e-4) == found[-1]
    assert max(found) == 1.0


def test_an_average_follows_slowly_and_buffers_with_it():
    model = Small()
    average = Average(model, 0.5)
    begin = model.conv.weight.detach().clone()
    with torch.no_grad():
        model.conv.weight += 1
        model.norm.running_mean += 1  # pyright: ignore[reportOperatorIssue]
        model.norm.num_batches_tracked += 3  # pyright: ignore[reportOperatorIssue]
    average.follow(model)
    kept = 2 / 11
    assert torch.allclose(begin + 1 - kept, average.model.get_parameter("conv.weight"))
    assert torch.allclose(torch.full((8,), 1 - kept), average.model.get_buffer("norm.running_mean"))
    assert 3 == int(average.model.get_buffer("norm.num_batches_tracked"))


def test_an_average_is_what_is_measured(data: Prepared):
    found = training(data, average=0.99)
    found.run(silently)
    assert not same(state_of(found), dict(found.model.state_dict()))
    metrics = measured_metrics(found.measured, data, {"a": default_part("metric", "accuracy")})
    assert found.history[-1].validation["accuracy"] == metrics["a"]


def test_clipping_bounds_the_step(data: Prepared):
    plain = default_part("optimizer", "sgd", lr=1.0, momentum=0.0, decay=0.0)
    constant = default_part("schedule", "constant")
    found = training(data, epochs=1, batch=200, optimizer=plain, schedule=constant, clip=0.01)
    before = [parameter.detach().clone() for parameter in found.model.parameters()]
    found.run(silently)
    moved = [(a - b).square().sum() for a, b in zip(before, found.model.parameters(), strict=True)]
    assert pytest.approx(0.01, rel=1e-3) == float(torch.stack(moved).detach().sum().sqrt())


def test_smoothing_spreads_a_share_over_all_classes():
    logits, shares = torch.randn(6, 4), torch.eye(4)[[0, 1, 2, 3, 0, 1]]
    found = classified(default_part("loss", "cross_entropy", smoothing=0.2), logits, shares)
    expected = nn.functional.cross_entropy(logits, shares.argmax(1), label_smoothing=0.2)
    assert torch.allclose(expected, found)


def test_a_teacher_who_agrees_changes_nothing_and_pulls_otherwise():
    logits, own = torch.randn(6, 4), torch.tensor(2.0)
    soft = default_part("distillation", "soft_labels", teacher="x", weight=0.5, temperature=3.0)
    assert torch.allclose(torch.tensor(1.0), distilled(soft, own, logits, logits.clone()), atol=1e-6)
    assert distilled(soft, own, logits, -logits) > 1.0
    hard = default_part("distillation", "hard_labels", teacher="x", weight=1.0)
    expected = nn.functional.cross_entropy(logits, (-logits).argmax(1))
    assert torch.allclose(expected, distilled(hard, own, logits, -logits))


def test_the_pull_of_soft_labels_does_not_shrink_with_their_temperature():
    logits, answers = torch.randn(6, 4, requires_grad=True), torch.randn(6, 4)
    norms: list[float] = []
    for temperature in (20.0, 40.0):
        part = default_part("distillation", "soft_labels", teacher="x", weight=1.0, temperature=temperature)
        (gradient,) = torch.autograd.grad(distilled(part, torch.tensor(0.0), logits, answers), logits)
        norms.append(float(gradient.norm()))
    assert pytest.approx(1.0, rel=0.1) == norms[1] / norms[0]


def test_a_teacher_takes_part_in_training(data: Prepared):
    teacher = training(data, epochs=8)
    teacher.run(silently)
    distill = default_part("distillation", "soft_labels", teacher="x", weight=0.9)
    alone, taught = training(data), training(data, teacher=teacher.model.eval(), distill=distill)
    for each in (alone, taught):
        each.run(silently)
    assert not same(state_of(alone), state_of(taught))


@pytest.mark.parametrize(
    ("pattern", "expected"),
    [("size", ["size"]), ("**.size", ["size", "body.size", "body.0.size"]), ("*.size", ["body.size"]), ("sz", [])],
)
def test_exposed_tensors_are_found_by_patterns(pattern: str, expected: list[str]):
    model = nn.Module()
    model.body = nn.ModuleList([nn.Module()])
    for module in model.modules():
        vars(module)["size"] = torch.ones(())
    assert expected == [path for path, _ in exposed(model, pattern)]


def test_penalties_are_added_and_one_on_nothing_is_told(data: Prepared):
    model = Small()
    model(torch.randn(2, 1, 8, 8))
    part = default_part("penalty", "penalty", path="**.size", weight=0.5)
    assert model.size is not None
    assert torch.allclose(1 + 0.5 * model.size, penalized(torch.tensor(1.0), [part], model))
    found = training(data, penalties=(default_part("penalty", "penalty", path="**.balance"),))
    with pytest.raises(TrainingFailed, match=r'"\*\*\.balance" meets nothing'):
        found.run(silently)


def test_a_penalty_changes_what_is_learned(data: Prepared):
    strong = default_part("penalty", "penalty", path="size", weight=10.0)
    free, held = training(data), training(data, penalties=(strong,))
    for each in (free, held):
        each.run(silently)
    sizes = [copy.deepcopy(each.model).train() for each in (free, held)]
    for each in sizes:
        each(data.normalised(data.train.pictures(torch.arange(200))))
    assert float(vars(sizes[1])["size"].detach()) < 0.8 * float(vars(sizes[0])["size"].detach())


# ---- metrics


def test_metrics_agree_with_their_definitions(data: Prepared):
    class Fixed(nn.Module):
        def forward(self, x: Tensor) -> Tensor:
            return torch.nn.functional.one_hot(torch.zeros(len(x), dtype=torch.int64), 10).float()

    wanted = {f"{name}.{split}": default_part("metric", name, split=split) for name in NAMES for split in data.splits}
    found = measured_metrics(Fixed(), data, wanted)
    for split, pictures in data.splits.items():
        share = float((pictures.labels == 0).double().mean())
        assert pytest.approx(share) == found[f"accuracy.{split}"]
        assert pytest.approx(math.log(math.e + 9) - share) == found[f"loss.{split}"]


def test_metrics_of_fewer_pictures_are_over_all_classes(data: Prepared):
    class Answer(nn.Module):
        def forward(self, x: Tensor) -> Tensor:
            seen.append(len(x))
            return torch.zeros(len(x), 10)

    seen: list[int] = []
    part = default_part("metric", "accuracy", samples=100)
    found = measured_metrics(Answer(), data, {"a": part})
    assert [100] == seen
    assert pytest.approx(0.1, abs=0.03) == found["a"]


def test_what_others_measure_is_left_to_them(data: Prepared):
    assert {} == measured_metrics(Small(), data, {"params": default_part("metric", "params")})
