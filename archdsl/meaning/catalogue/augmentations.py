"""Augmentations: what the list `augment` of a `train` can hold, in the order in which they are done."""

from archdsl.meaning.catalogue.contract import Between, Entry, EntrySetting, entry, setting


def _probability(default: float, what: str) -> EntrySetting:
    return setting("probability", "real", f"How often {what}.", default, Between(0.0, 1.0))


ENTRIES: tuple[Entry, ...] = (
    entry(
        "flip", "augmentation", "Mirror an image left to right.", _probability(0.5, "an image is mirrored"), built=True
    ),
    entry(
        "random_crop",
        "augmentation",
        "Pad an image with zeros and cut its size out again, anywhere.",
        setting("padding", "int", "Pixels added on each side.", 4, Between(0)),
        built=True,
    ),
    entry(
        "random_resized_crop",
        "augmentation",
        "Cut out a part of any size and shape and resize it.",
        setting("smallest", "real", "The smallest share of the area that is kept.", 0.08, Between(0.0, 1.0)),
        built=True,
    ),
    entry(
        "random_erasing",
        "augmentation",
        "Fill a rectangle of an image with noise.",
        _probability(0.25, "an image loses one"),
        built=True,
    ),
    entry(
        "mixup",
        "augmentation",
        "Blend each image, and its label, with another of the batch.",
        setting(
            "alpha", "real", "Both parameters of the beta distribution that the share is drawn from.", 0.8, Between(0.0)
        ),
        built=True,
    ),
    entry(
        "cutmix",
        "augmentation",
        "Put a rectangle of another image of the batch in, and blend the labels by area.",
        setting(
            "alpha", "real", "Both parameters of the beta distribution that the area is drawn from.", 1.0, Between(0.0)
        ),
        built=True,
    ),
    entry(
        "patch_mixing",
        "augmentation",
        "Replace some squares of a grid by those of another image of the batch, and blend the labels by their number.",
        setting("grid", "int", "Squares along each side.", 7, Between(1)),
        setting("largest", "real", "The largest share of squares that is replaced.", 0.7, Between(0.0, 1.0)),
        _probability(0.5, "a batch is mixed"),
        built=True,
    ),
)
