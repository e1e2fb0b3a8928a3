"""Augmentations by name, imported when first asked for, and a list of them done in order."""

from collections.abc import Callable, Sequence
from importlib import import_module
from types import ModuleType
from typing import Final

from torch import Generator

from archdsl.parts import Part
from archdsl.train.augmentations.contract import Batch, drawn

NAMES: Final = ("cutmix", "flip", "mixup", "patch_mixing", "random_crop", "random_erasing", "random_resized_crop")


def augmentation(parts: Sequence[Part]) -> Callable[[Batch, Generator], Batch]:
    """What a list of augmentations does to a batch."""
    steps = [(part, _module(part.name)) for part in parts]
    mixing = [position for position, (_, module) in enumerate(steps) if _mixes(module)]

    def augment(batch: Batch, numbers: Generator) -> Batch:
        chosen = mixing[int(drawn(numbers) * len(mixing))] if len(mixing) > 1 else None
        for position, (part, module) in enumerate(steps):
            if chosen is None or position == chosen or position not in mixing:
                batch = module.augment(batch, part, numbers)
        return batch

    return augment


def _module(name: str) -> ModuleType:
    if name not in NAMES:
        raise ValueError(f"no augmentation {name}")
    return import_module(f"archdsl.train.augmentations.{name}")


def _mixes(module: ModuleType) -> bool:
    return bool(getattr(module, "MIXES", False))
