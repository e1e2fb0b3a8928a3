"""How to train, as plain data: a `train` declaration evaluated, with everything it does not say filled in."""

from collections.abc import Mapping
from dataclasses import dataclass, field, fields
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

    def as_json(self) -> dict[str, object]:
        """The recipe as JSON can write it; `of` reads it back."""
        return {each.name: as_json(getattr(self, each.name)) for each in fields(self)}
