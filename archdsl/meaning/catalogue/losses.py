"""Losses, the penalties that exposed tensors add to them, and distillation."""

from archdsl.meaning.catalogue.contract import Between, Entry, entry, setting

_TEACHER = setting("teacher", "str", "The model that answers: a folder of `archdsl train`, a name of the zoo, a file.")
_WEIGHTS = setting("weights", "str?", "The file of its weights; none takes those of the folder.", None)
_SHARE = setting("weight", "real", "The teacher's share of the loss.", 0.5, Between(0.0, 1.0))

ENTRIES: tuple[Entry, ...] = (
    entry(
        "cross_entropy",
        "loss",
        "Classes by the log of their probability.",
        setting("smoothing", "real", "The share of a label that is spread over all classes.", 0.0, Between(0.0, 1.0)),
        built=True,
    ),
    entry(
        "multi_task",
        "loss",
        "The sum of the losses of several tasks, each the usual one of its kind.",
        setting("tasks", "list[str]", "The names of the tasks in the data, in the order of the task numbers."),
        setting("weights", "list[real]?", "A factor for each task; none makes them equal.", None),
    ),
    entry(
        "penalty",
        "penalty",
        "Add exposed tensors to the loss.",
        setting("path", "str", 'A pattern of their paths, such as "**.balance".'),
        setting("weight", "real", "The factor before them.", 1.0),
        built=True,
    ),
    entry(
        "hard_labels",
        "distillation",
        "Learn the class that a teacher finds most probable.",
        _TEACHER,
        _SHARE,
        _WEIGHTS,
        built=True,
    ),
    entry(
        "soft_labels",
        "distillation",
        "Learn the probabilities that a teacher gives.",
        _TEACHER,
        _SHARE,
        setting("temperature", "real", "Logits of both are divided by it.", 1.0, Between(0.0)),
        _WEIGHTS,
        built=True,
    ),
)
