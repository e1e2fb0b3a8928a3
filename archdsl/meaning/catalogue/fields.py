"""The fields of `quant`, `train` and `search`. A name of two families means the one that the field takes."""

from collections.abc import Mapping

from archdsl.meaning.catalogue.contract import Between, Field

QUANT: tuple[Field, ...] = (
    Field("weights", ("format?",), "The format of weights; none leaves them as they are."),
    Field("activations", ("format?",), "The format of what flows into an op; none leaves it as it is."),
    Field("bias", ("format?",), "The format of biases; none leaves them as they are."),
    Field("method", ("method?",), "How scales are found; none takes smallest and largest values."),
    Field("calibrate", ("calibration?",), "The data for the ranges of activations."),
)

TRAIN: tuple[Field, ...] = (
    Field("data", ("data",), "Where images and labels come from.", required=True),
    Field("batch", ("int",), "Images in a step.", domain=Between(1)),
    Field("epochs", ("int",), "How often all data is seen.", domain=Between(0)),
    Field("augment", ("list[augmentation]",), "Changes of the training images, in order."),
    Field("loss", ("loss",), "What training makes small."),
    Field("penalties", ("list[penalty]",), "Exposed tensors that are added to the loss."),
    Field("distill", ("distillation?",), "A teacher whose answers take part in the loss."),
    Field("optimizer", ("optimizer",), "How gradients change the parameters."),
    Field("schedule", ("schedule",), "How the learning rate moves."),
    Field("precision", ("dtype",), "The dtype that training computes in."),
    Field("clip", ("real?",), "The largest norm of all gradients together.", domain=Between(0.0)),
    Field(
        "average",
        ("real?",),
        "How slowly a moving average of the weights forgets; it is what is measured.",
        domain=Between(0.0, 1.0),
    ),
    Field("start", ("str?",), "A checkpoint to begin with."),
    Field("seed", ("int?",), "Where random numbers begin; none takes that of the command or trial.", domain=Between(0)),
    Field(
        "validation",
        ("real",),
        "The share of the training images that is held out where the data has no validation of its own.",
        domain=Between(0.0, 1.0),
    ),
    Field("samples", ("int?",), "How many training images are used; none takes all.", domain=Between(1)),
)

SEARCH: tuple[Field, ...] = (
    Field("space", ("space",), "What is searched: a space or a model.", required=True),
    Field("quantize", ("quant?",), "Number formats of every candidate."),
    Field(
        "evaluate",
        ("evaluator", "list[evaluator]"),
        "How metrics are found; a list goes from cheap to dear.",
    ),
    Field("strategy", ("strategy",), "Which candidates are looked at."),
    Field("executor", ("executor",), "Where trials run."),
    Field("budget", ("budget",), "When the search ends."),
    Field("seed", ("int",), "Where random numbers begin.", domain=Between(0)),
    Field("begin", ("list[space]",), "Candidates to look at first, each a `decide(...)`."),
)

FIELDS: Mapping[str, tuple[Field, ...]] = {"quant": QUANT, "train": TRAIN, "search": SEARCH}
