"""How to train, as plain data: a `train` declaration evaluated, with everything it does not say filled in."""

import os
from collections.abc import Mapping
from dataclasses import dataclass, field, fields, replace
from pathlib import Path
from typing import Any, cast

from archdsl.parts import Part, as_json, default_part, from_json


@dataclass(frozen=True, slots=True)
class Recipe:
    """The fields of a `train`. `validation` is the share of the training images that is held out where the data has no
    validation of its own; `samples` is how many of the others are used."""

    data: Part
    batch: int = 128
    epochs: int = 10
    validation: float = 0.2
    samples: int | None = None
    augment: tuple[Part, ...] = ()
    loss: Part = field(default_factory=lambda: default_part("loss", "cross_entropy"))
    penalties: tuple[Part, ...] = ()
    distill: Part | None = None
    optimizer: Part = field(default_factory=lambda: default_part("optimizer", "adamw"))
    schedule: Part = field(default_factory=lambda: default_part("schedule", "cosine"))
    precision: str = "float32"
    clip: float | None = None
    average: float | None = None
    start: str | None = None
    seed: int | None = None

    @classmethod
    def of(cls, mapping: Mapping[str, object]) -> "Recipe":
        """The recipe of a mapping from fields to values and parts, also of one that was JSON in between."""
        known = {each.name for each in fields(cls)}
        unknown = sorted(mapping.keys() - known)
        if unknown:
            raise ValueError(f"a recipe has no {', '.join(unknown)}")
        return cls(**cast("dict[str, Any]", {name: from_json(value) for name, value in mapping.items()}))

    def placed(self, folder: Path) -> "Recipe":
        """The recipe with whole paths: those that are written lie in the folder of the file that writes them, or else
        where the command runs."""
        data, distill = self.data, self.distill
        if isinstance(path := data.settings.get("path"), str):
            data = Part(data.name, {**data.settings, "path": _whole(path, folder)})
        if distill is not None:
            placed = {
                name: _whole(value, folder) if isinstance(value, str) and _is_there(value, folder) else value
                for name, value in distill.settings.items()
            }
            distill = Part(distill.name, placed)
        start = None if self.start is None else _whole(self.start, folder)
        return replace(self, data=data, distill=distill, start=start)

    def as_json(self) -> dict[str, object]:
        """The recipe as JSON can write it; `of` reads it back."""
        return {each.name: as_json(getattr(self, each.name)) for each in fields(self)}


def _is_there(path: str, folder: Path) -> bool:
    return (folder / path).exists() or Path(path).exists()


def _whole(path: str, folder: Path) -> str:
    beside = folder / Path(path).expanduser()
    return os.path.abspath(beside if beside.exists() else Path(path).expanduser())
