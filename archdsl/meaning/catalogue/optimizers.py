"""Optimizers, the schedules of their learning rate, and numbers that move while a search runs."""

from archdsl.meaning.catalogue.contract import Between, Entry, EntrySetting, entry, setting

_WARMUP = setting("warmup", "int", "Epochs in which the rate rises from zero.", 0, Between(0))
_FLOOR = setting("floor", "real", "The share of the peak that is left at the end.", 0.0, Between(0.0, 1.0))


def _rate(default: float) -> EntrySetting:
    return setting("lr", "real", "The learning rate at its peak.", default, Between(0.0))


def _decay(default: float) -> EntrySetting:
    return setting("decay", "real", "Weight decay; norms and biases have none.", default, Between(0.0))


def _momentum(default: float) -> EntrySetting:
    return setting("momentum", "real", "The share of the last step that goes on.", default, Between(0.0, 1.0))


ENTRIES: tuple[Entry, ...] = (
    entry(
        "adamw",
        "optimizer",
        "Adam whose weight decay does not pass through the moments.",
        _rate(1e-3),
        _decay(0.05),
        setting("betas", "list[real]", "How slowly the two moments forget.", (0.9, 0.999)),
        built=True,
    ),
    entry(
        "sgd",
        "optimizer",
        "Gradient descent with momentum.",
        _rate(0.1),
        _momentum(0.9),
        _decay(1e-4),
        setting("nesterov", "bool", "Whether the gradient is taken where momentum leads.", False),
        built=True,
    ),
    entry(
        "rmsprop",
        "optimizer",
        "Steps divided by the root of the mean squared gradient.",
        _rate(0.01),
        _momentum(0.9),
        _decay(1e-5),
        built=True,
    ),
    entry("constant", "schedule", "One rate for all epochs.", _WARMUP, built=True),
    entry("cosine", "schedule", "From the peak down to the floor by half a cosine wave.", _WARMUP, _FLOOR, built=True),
    entry(
        "polynomial",
        "schedule",
        "From the peak down to the floor by a power of what is left.",
        setting("power", "real", "1 is a straight line.", 1.0, Between(0.0)),
        _WARMUP,
        _FLOOR,
        built=True,
    ),
    entry(
        "ramp",
        "moving",
        "A straight line over the whole search.",
        setting("start", "real", "The first value."),
        setting("end", "real", "The last one."),
    ),
    entry(
        "cosine",
        "moving",
        "From zero up to a value by half a cosine wave.",
        setting("top", "real", "The value at the end."),
    ),
)
