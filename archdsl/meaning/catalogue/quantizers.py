"""Quantization methods, and the calibration that gives them the ranges of activations."""

from archdsl.meaning.catalogue.contract import Between, Entry, entry, setting

ENTRIES: tuple[Entry, ...] = (
    entry(
        "min_max",
        "method",
        "Scales from the smallest and largest value seen, or from the values that all but a few lie between.",
        setting("percentile", "real", "The share of values that the range holds.", 1.0, Between(0.5, 1.0)),
    ),
    entry(
        "noisy",
        "method",
        "Fixed noise is added to activations before they are rounded, and folded into the bias after.",
    ),
    entry("lsq", "method", "Step sizes are parameters and learn with the weights."),
    entry("statsq", "method", "Scales follow the mean size of a row of weights and are taken anew in each step."),
    entry(
        "calibration",
        "calibration",
        "Run some images through the model and note what the activations are.",
        setting("samples", "int", "How many images.", 256, Between(1)),
        setting("split", "str", "Which part of the data.", "train"),
    ),
)
