"""Strategies: what `strategy` of a `search` can be, and the promotion that those which run trials may have."""

from archdsl.meaning.catalogue.contract import Among, Between, Entry, EntrySetting, entry, setting

_PROMOTE = setting("promote", "promotion?", "Stop poor candidates before the dearer evaluators.", None)
_SURROGATE = setting(
    "surrogate",
    "bool",
    "Whether a predictor ranks children before they are proposed; it learns from the trials so far.",
    True,
)
_GENERATIONS = setting(
    "generations", "int?", "How many there are; none goes on until the budget is spent.", None, Between(1)
)
_MUTATE = setting(
    "mutate",
    "real?",
    "The chance that each decision is drawn anew; none is one, at times a few, and changes of whole rows.",
    None,
    Between(0.0, 1.0),
)
_WARMUP = setting(
    "warmup", "real", "The share of the steps in which formats are drawn uniformly.", 0.25, Between(0.0, 1.0)
)


def _population(default: int) -> EntrySetting:
    return setting("population", "int", "How many candidates live at a time.", default, Between(2))


def _genetic(name: str, doc: str) -> Entry:
    crossover = setting("crossover", "real", "The chance that a child has two parents.", 0.9, Between(0.0, 1.0))
    return entry(
        name, "strategy", doc, _population(50), _GENERATIONS, crossover, _MUTATE, _PROMOTE, _SURROGATE, built=True
    )


ENTRIES: tuple[Entry, ...] = (
    entry("random", "strategy", "Candidates drawn uniformly from the space.", _PROMOTE, built=True),
    entry("grid", "strategy", "Every candidate of the space, in order.", _PROMOTE, built=True),
    entry(
        "evolution",
        "strategy",
        "Candidates by mutation and crossover of the best; the oldest die.",
        _population(50),
        _GENERATIONS,
        setting(
            "sample",
            "int?",
            "How many are compared to find a parent; none takes a quarter of the population.",
            None,
            Between(1),
        ),
        setting(
            "keep", "int?", "How many of the best live on in each generation; none lets them age.", None, Between(1)
        ),
        _MUTATE,
        setting(
            "mutations",
            "int?",
            "Children of one parent in a generation; none fills what crossovers leave.",
            None,
            Between(0),
        ),
        setting(
            "crossovers",
            "int?",
            "Children of two parents in a generation; none makes them half of all.",
            None,
            Between(0),
        ),
        _PROMOTE,
        _SURROGATE,
        built=True,
    ),
    _genetic("nsga2", "A front of several objectives, spread by crowding distance."),
    _genetic("nsga3", "A front of several objectives, spread over reference directions; for three and more."),
    entry(
        "tpe",
        "strategy",
        "Candidates that resemble the good trials more than the poor ones.",
        setting("startup", "int", "Random trials before the first guess.", 10, Between(1)),
        _PROMOTE,
        built=True,
    ),
    entry(
        "slimming",
        "strategy",
        "Train all branches of a supernet, then take away what costs the least accuracy for the time it saves.",
        setting("drop", "str?", "A pattern of the decisions that may become `none`.", None),
        setting("swap", "list[tuple]", "Triples of a pattern, an option and the option that may take its place.", ()),
        setting("shrink", "str?", "A pattern of the decisions that may step down.", None),
        setting(
            "noise",
            "str",
            "What is added to the weights of the branches in training.",
            "gumbel",
            Among(("gumbel", "none")),
        ),
        setting("temperature", "moving | real", "How soft the mixture of the branches is.", 1.0),
    ),
    entry(
        "fliqs",
        "strategy",
        "A policy over formats and architecture that learns in the one training run it shares with the weights.",
        _WARMUP,
        setting("entropy", "moving | real", "How strongly the policy is pressed to settle.", 0.5),
        setting("learning_rate", "real", "The policy's own.", 5e-3, Between(0.0)),
    ),
    entry(
        "halving",
        "promotion",
        "Of those that reached a rung, the best share goes on to the next; none waits for the others.",
        setting("factor", "int", "One of so many goes on.", 4, Between(2)),
        built=True,
    ),
    entry(
        "median",
        "promotion",
        "A trial is stopped at an intermediate value below the median of the trials before it.",
        setting("startup", "int", "How many trials must have got there first.", 5, Between(1)),
        setting("warmup", "int", "How many steps of a trial go unjudged.", 1, Between(0)),
        built=True,
    ),
)
