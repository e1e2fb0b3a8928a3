"""The families of entries. A new family is one line here and a module of entries."""

from collections.abc import Iterable, Mapping

from archdsl.meaning.catalogue.contract import Family

FAMILIES: Mapping[str, Family] = {
    family.name: family
    for family in (
        Family("format", "a number format", "How numbers are stored and computed with."),
        Family("method", "a quantization method", "How scales are found, and how training sees quantized numbers."),
        Family("calibration", "a calibration", "Which data the ranges of activations are taken from."),
        Family("data", "a data source", "Where images and their labels come from.", also=("function",)),
        Family(
            "augmentation",
            "an augmentation",
            "A change of the training images, drawn anew each time; each batch gets one of those that blend images.",
        ),
        Family("loss", "a loss", "What training makes small."),
        Family("penalty", "a penalty", "A term that an exposed tensor adds to the loss."),
        Family("distillation", "a distillation", "How a teacher's answers take part in the loss."),
        Family("optimizer", "an optimizer", "How gradients change the parameters."),
        Family("schedule", "a schedule", "How the learning rate moves over the epochs."),
        Family("moving", "a number that moves", "A number that changes while a search runs."),
        Family("evaluator", "an evaluator", "How the metrics of a candidate are found.", also=("function",)),
        Family("strategy", "a strategy", "Which candidates a search looks at."),
        Family("promotion", "a promotion", "Which candidates go on to the dearer evaluators."),
        Family("executor", "an executor", "Where trials run."),
        Family("budget", "a budget", "When a search ends."),
        Family("metric", "a metric", "What an objective measures."),
        Family("preprocessing", "a preprocessing", "What a model's weights expect of the pictures they are given."),
    )
}


def takes_functions(families: Iterable[str]) -> bool:
    """Whether an `extern function` fits where these families are asked for."""
    return any("function" in FAMILIES[family].also for family in families if family in FAMILIES)
