"""Metrics: what `maximize` and `minimize` of a `search` measure."""

from archdsl.meaning.catalogue.contract import Among, Between, Entry, entry, setting

_SPLIT = setting("split", "str", "Which part of the data.", "validation", Among(("train", "validation", "test")))
_SAMPLES = setting("samples", "int?", "How many images of it; none takes all.", None, Between(1))

ENTRIES: tuple[Entry, ...] = (
    entry(
        "accuracy",
        "metric",
        "The share of images whose class is found.",
        _SPLIT,
        _SAMPLES,
        built=True,
    ),
    entry(
        "loss",
        "metric",
        "The mean cross-entropy of the classes, in nats.",
        _SPLIT,
        _SAMPLES,
        built=True,
    ),
    entry(
        "latency",
        "metric",
        "The time of one forward pass.",
        setting("device", "str", "The device that it runs on.", "cpu"),
        setting("batch", "int", "Images in a pass.", 1, Between(1)),
        setting(
            "mode",
            "str",
            'The whole model "measured", the sum of its parts in a "table", or a time "predicted" for the device.',
            "measured",
            Among(("measured", "table", "predicted")),
        ),
        setting("dtype", "dtype?", "The dtype that it runs in; none is the model's.", None),
        setting(
            "table",
            "str?",
            "Of a predicted time: a table of candidates that were measured in milliseconds; none measures some here.",
            None,
        ),
        setting("column", "str?", "The column of the times in it; none is `lat_` with the device.", None),
        setting("tuned", "bool", "Whether it runs as `archdsl build --tune` makes it, or by PyTorch's modules.", True),
        setting(
            "machine",
            "str?",
            "Of a table: the machine of its times, as `archdsl tune show` names it, or words of that; none is this.",
            None,
        ),
        dimension="time",
        built=True,
    ),
    entry("gbops", "metric", "Billions of bit operations: multiply-accumulates times the bits of both their factors."),
    entry("params", "metric", "The number of parameters.", built=True),
    entry("macs", "metric", "Multiply-accumulates of convolutions and matrix products for one image.", built=True),
    entry(
        "memory",
        "metric",
        "The most memory that activations need at a time, for one image, with reals as float32.",
        dimension="size",
        built=True,
    ),
    entry(
        "reported",
        "metric",
        "A number that an evaluator gives under a name: a column of a table, a score, what a function returns.",
        setting("name", "str?", "The name; none is that of the objective.", None),
        built=True,
    ),
)
