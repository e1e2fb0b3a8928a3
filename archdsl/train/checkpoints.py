"""The state of a training in a file, and going on from there."""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any, cast

import torch

from archdsl.diagnostics.record import UnusableFile, UsageError
from archdsl.output import new_file
from archdsl.train.loop import Epoch, Training

VERSION = 1


def identity(training: Training, source: str) -> dict[str, object]:
    """What a checkpoint belongs to: the model, how it is trained, and where random numbers begin."""
    return {
        "model": hashlib.sha256(source.encode()).hexdigest()[:16],
        "seed": training.seed,
        **{f"recipe.{name}": value for name, value in training.recipe.as_json().items()},
    }


def save_checkpoint(training: Training, source: str, path: Path) -> None:
    """Write the state, which replaces the one before only when it is complete."""
    state = {
        "version": VERSION,
        "identity": json.dumps(identity(training, source)),
        "history": json.dumps([asdict(epoch) for epoch in training.history]),
        "epoch": training.epoch,
        "step": training.step,
        "loss": training.loss,
        "seconds": training.seconds,
        "model": training.model.state_dict(),
        "optimizer": training.optimizer.state_dict(),
        "scaler": training.scaler.state_dict(),
        "average": None if training.average is None else training.average.model.state_dict(),
        "average_steps": 0 if training.average is None else training.average.steps,
    }
    with new_file(path, force=True) as temporary:
        torch.save(state, temporary)


def load_checkpoint(training: Training, source: str, path: Path) -> None:
    """Bring a training to where a checkpoint was made. One of something else is refused, with what is different."""
    try:
        state = cast("dict[str, Any]", torch.load(path, map_location="cpu", weights_only=True))
        if state["version"] != VERSION:
            raise KeyError("version")
        made = cast("Mapping[str, object]", json.loads(state["identity"]))
    except Exception as error:  # what damaged bytes make of the reader is anything
        why = str(error).strip().partition("\n")[0]
        raise UnusableFile(f"`{path}` is no checkpoint of a training: {why}; remove it to begin anew") from None
    now = cast("Mapping[str, object]", json.loads(json.dumps(identity(training, source))))
    different = [
        f"{name}: {_short(made.get(name))}, now {_short(now[name])}" for name in now if made.get(name) != now[name]
    ]
    if different:
        raise UsageError(f"`{path}` belongs to another training ({'; '.join(different)}); resume it as it was begun")
    training.model.load_state_dict(state["model"])
    training.optimizer.load_state_dict(state["optimizer"])
    training.scaler.load_state_dict(state["scaler"])
    if training.average is not None:
        training.average.model.load_state_dict(state["average"])
        training.average.steps = int(state["average_steps"])
    training.epoch, training.step = int(state["epoch"]), int(state["step"])
    training.loss, training.seconds = float(state["loss"]), float(state["seconds"])
    training.history = [Epoch(**epoch) for epoch in json.loads(state["history"])]


def _short(value: object) -> str:
    text = json.dumps(value)
    return text if len(text) <= 80 else f"{text[:77]}..."
