"""Preprocessing: how pictures are made ready for a model. It belongs to weights, so a model carries it as a setting
that its body does not read."""

from archdsl.meaning.catalogue.contract import Among, Between, Entry, entry, setting

ENTRIES: tuple[Entry, ...] = (
    entry(
        "pictures",
        "preprocessing",
        "Pictures are resized, the middle is cut out at the model's size, and channels from 0 to 1 are normalized.",
        setting("mean", "list[real]", "What is subtracted from each channel.", (0.485, 0.456, 0.406)),
        setting("std", "list[real]", "What each channel is divided by.", (0.229, 0.224, 0.225)),
        setting("crop", "real", "The part of the resized side that is kept.", 0.875, Between(0.0, 1.0)),
        setting(
            "interpolation",
            "str",
            "How pictures are resized.",
            "bicubic",
            Among(("bicubic", "bilinear", "nearest")),
        ),
    ),
)
