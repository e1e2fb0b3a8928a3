"""The one training loop: of `archdsl train`, of the evaluator `training`, of Python.

Random numbers of a step come from the seed and the step alone, so the state of a training is its weights, its
optimizer and how far it is: a resumed one goes on as if nothing had happened, bit by bit on one thread."""

import math
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, TypeAlias

import torch
from torch import Generator, Tensor, nn
from torch.nn import functional

from archdsl.parts import default_part
from archdsl.train.augmentations.contract import Batch
from archdsl.train.augmentations.registry import augmentation
from archdsl.train.averaging import Average
from archdsl.train.data.prepared import Prepared
from archdsl.train.failures import Interrupted, TrainingFailed, is_memory
from archdsl.train.losses import classified, distilled, forget_exposed, penalized
from archdsl.train.metrics.registry import first_of, measured_metrics
from archdsl.train.optimizers import optimizer
from archdsl.train.randomness import seed_for
from archdsl.train.recipe import Recipe
from archdsl.train.schedules import rate

PRECISIONS = {"float32": torch.float32, "bfloat16": torch.bfloat16, "float16": torch.float16}


@dataclass(frozen=True, slots=True)
class Epoch:
    """One epoch that is over; `validation` has the metrics of the validation pictures, if there are any."""

    number: int
    epochs: int
    loss: float
    rate: float
    seconds: float
    validation: dict[str, float] = field(default_factory=dict[str, float])


Told: TypeAlias = Callable[[Epoch], None]
"""What it raises ends the training after that epoch."""


class Training:
    """A training on its way: `epoch` and `step` count what is done, the steps within the epoch."""

    def __init__(
        self, model: nn.Module, recipe: Recipe, data: Prepared, seed: int, *, teacher: nn.Module | None = None
    ) -> None:
        if recipe.precision not in PRECISIONS:
            raise TrainingFailed(f"training computes in {', '.join(PRECISIONS)}, not in {recipe.precision}")
        self.model, self.recipe, self.data, self.seed, self.teacher = model, recipe, data, seed, teacher
        if not any(parameter.requires_grad for parameter in model.parameters()):
            raise TrainingFailed("the model has no parameters to train")
        self.optimizer = optimizer(recipe.optimizer, model)
        self.average = Average(model, recipe.average) if recipe.average is not None else None
        self.device = next(model.parameters()).device
        self.scaler = torch.amp.GradScaler(self.device.type, enabled=recipe.precision == "float16")
        self.augment = augmentation(recipe.augment)
        self.epoch = 0
        self.step = 0
        self.loss = 0.0
        self.seconds = 0.0
        self.history: list[Epoch] = []

    @property
    def measured(self) -> nn.Module:
        """The model that counts: the average, where there is one."""
        return self.average.model if self.average is not None else self.model

    @property
    def steps(self) -> int:
        """Of one epoch."""
        return -(-len(self.data.train.labels) // self.recipe.batch)

    def run(self, tell: Told, asked_to_stop: Callable[[], bool] = lambda: False) -> None:
        """Train until the last epoch; `tell` is told of each. Raises TrainingFailed, and Interrupted between two steps
        when somebody asks to stop."""
        # PyTorch's own numbers, which belong to whoever calls, go on afterwards as if nothing had been taken.
        with torch.random.fork_rng(devices=[]):  # pyright: ignore[reportUnknownMemberType]
            try:
                while self.epoch < self.recipe.epochs:
                    self._epoch(asked_to_stop)
                    tell(self.history[-1])
            finally:
                forget_exposed(self.model)

    def _epoch(self, asked_to_stop: Callable[[], bool]) -> None:
        begun = time.perf_counter()
        numbers = Generator().manual_seed(seed_for(self.seed, "order", self.epoch))
        order = torch.randperm(len(self.data.train.labels), generator=numbers)
        batches = order.tensor_split(self.steps)
        self.model.train()
        for chosen in batches[self.step :]:
            self.loss += self._guarded(chosen) / len(batches)
            self.step += 1
            if asked_to_stop() and self.step < len(batches):
                self.seconds += time.perf_counter() - begun
                raise Interrupted
        last = self._share_of_rate(self.epoch * self.steps + self.step - 1)
        found = measured_metrics(self.measured, self.data, EVERY_EPOCH)
        self.seconds += time.perf_counter() - begun
        self.epoch += 1
        peak = float(self.optimizer.defaults["lr"])
        done = Epoch(self.epoch, self.recipe.epochs, self.loss, last * peak, self.seconds, found)
        self.history.append(done)
        self.step, self.loss, self.seconds = 0, 0.0, 0.0

    def _guarded(self, chosen: Tensor) -> float:
        """One step; what goes wrong in it is told with where that was."""
        where = f"epoch {self.epoch + 1}, step {self.step + 1} of {self.steps}"
        try:
            loss = self._step(chosen)
        except LookupError as error:
            raise TrainingFailed(str(error)) from None
        except (RuntimeError, MemoryError) as error:
            if not is_memory(error):
                raise
            first = str(error).strip().partition("\n")[0]
            raise TrainingFailed(f"there is not enough memory in {where}: {first or 'no more was given'}") from error
        if not math.isfinite(loss):
            raise TrainingFailed(f"the loss is {loss} in {where}; a lower rate, warm-up or `clip` may keep it finite")
        return loss

    def _share_of_rate(self, step: int) -> float:
        return rate(self.recipe.schedule, step, self.recipe.epochs * self.steps, self.steps)

    def _step(self, chosen: Tensor) -> float:
        done = self.epoch * self.steps + self.step
        numbers = Generator().manual_seed(seed_for(self.seed, "augment", done))
        torch.default_generator.manual_seed(seed_for(self.seed, "model", done))
        batch = self._batch(chosen, numbers)
        share = self._share_of_rate(done)
        for group in self.optimizer.param_groups:
            group["lr"] = share * float(self.optimizer.defaults["lr"])
        self.optimizer.zero_grad()
        loss = self._loss(batch)
        value = float(loss.detach())
        if not math.isfinite(value):
            return value
        scaled: Any = self.scaler.scale(loss)
        scaled.backward()
        if self.recipe.clip is not None:
            self.scaler.unscale_(self.optimizer)
            nn.utils.clip_grad_norm_(self.model.parameters(), self.recipe.clip)
        self.scaler.step(self.optimizer)
        self.scaler.update()
        if self.average is not None:
            self.average.follow(self.model)
        return value

    def _batch(self, chosen: Tensor, numbers: Generator) -> Batch:
        """Pictures, augmented and normalised, and what their classes are."""
        labels = functional.one_hot(self.data.train.labels[chosen], len(self.data.classes)).float()
        batch = self.augment(Batch(self.data.train.pictures(chosen), labels), numbers)
        return Batch(self.data.normalised(batch.images).to(self.device), batch.shares.to(self.device))

    def _loss(self, batch: Batch) -> Tensor:
        dtype = PRECISIONS[self.recipe.precision]
        with torch.autocast(self.device.type, dtype, enabled=dtype != torch.float32):
            logits = first_of(self.model(batch.images))
        loss = classified(self.recipe.loss, logits, batch.shares)
        if self.teacher is not None and self.recipe.distill is not None:
            with torch.no_grad():
                answers = first_of(self.teacher(batch.images))
            loss = distilled(self.recipe.distill, loss, logits, answers)
        return penalized(loss, self.recipe.penalties, self.model)


EVERY_EPOCH = {name: default_part("metric", name) for name in ("accuracy", "loss")}
"""What is measured after each epoch, on the validation pictures."""
