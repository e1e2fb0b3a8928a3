"""Whether modulation and attention by turns do at least as well as either alone, at equal multiply-accumulates."""

import os
from functools import cache
from pathlib import Path
from typing import Any

import torch
from torch.nn import functional

import archdsl
from archdsl.parts import Part
from archdsl.train.data import fashion_mnist
from archdsl.train.data.contract import Wanted
from archdsl.train.data.registry import load_data
from tests.studies.study import Study

MODELS = Path(__file__).with_name("hybrid.arch")
SIDE = 28
PICTURES = 5_000
EPOCHS = 10
PLACE = os.environ.get("FASHION_MNIST", fashion_mnist.INSTALLED)
"""Where Fashion-MNIST lies."""
FIELDS: dict[str, Any] = {
    "epochs": EPOCHS,
    "batch": 100,
    "samples": PICTURES,
    "validation": 0.0,
    "augment": "[random_crop(2), flip()]",
    "optimizer": "adamw(lr=2e-3, decay=0.05)",
    "schedule": "cosine(warmup=1)",
    "loss": "cross_entropy(smoothing=0.1)",
}


def has_fashion() -> bool:
    return Path(PLACE).is_dir()


def run(arm: str, seed: int) -> float:
    """The accuracy on the test pictures after one training, on one thread."""
    torch.set_num_threads(1)
    data = f'fashion_mnist("{PLACE}")' if has_fashion() else _large_digits()
    return archdsl.fit(f"{MODELS}:{arm}", data, seed=seed, **FIELDS).metrics["test.accuracy"]


@cache
def _large_digits() -> tuple[torch.Tensor, torch.Tensor]:
    """The digits that come with the package, of the size of the others."""
    split = load_data(Part("digits"), Wanted(1, (8, 8))).train
    pictures = split.pictures(torch.arange(len(split.labels)))
    return functional.interpolate(pictures, (SIDE, SIDE), mode="bilinear"), split.labels


STUDY = Study(
    name="hybrid",
    question="Does a stage of modulation and attention by turns do no worse than modulation or attention alone?",
    plan=(
        f"data: {PICTURES:,} training and all 10,000 test pictures of Fashion-MNIST"
        if has_fashion()
        else "data: the 1,797 digits enlarged to 28 x 28, 359 of them for the test (Fashion-MNIST is not installed)",
        f"training: {', '.join(f'{name} {value}' for name, value in FIELDS.items())}",
        "models: 4 blocks of width 56 on 7 x 7 places, equal in multiply-accumulates within a hundredth",
        "measured: accuracy on the test pictures after the last epoch",
    ),
    arms=("alternating", "modulations", "attentions"),
    seeds=(0, 1, 2),
    run=run,
)
