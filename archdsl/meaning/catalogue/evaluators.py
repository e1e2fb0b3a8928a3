"""Evaluators: what `evaluate` of a `search` can be, or hold from cheap to dear; an `extern function` is one too."""

from archdsl.meaning.catalogue.contract import Among, Between, Entry, entry, setting

PROXIES = (
    "az_nas",
    "fisher",
    "grad_norm",
    "grasp",
    "jacob_cov",
    "macs",
    "naswot",
    "params",
    "snip",
    "synflow",
    "zen",
    "zico",
)

ENTRIES: tuple[Entry, ...] = (
    entry(
        "training",
        "evaluator",
        "Each candidate is trained by a recipe and measured on its data.",
        setting("recipe", "train", "How to train."),
        built=True,
    ),
    entry(
        "supernet",
        "evaluator",
        "All candidates are trained at once, with shared weights, and measured without training of their own.",
        setting("recipe", "train", "How to train the shared weights."),
        setting(
            "sharing",
            "str",
            'Leading slices of the largest weights, or weights of its own for each "branches" of a choice.',
            "slice",
            Among(("slice", "branches")),
        ),
        setting(
            "sample",
            "str",
            'Which candidates a step trains: any, or the largest, the smallest and some between ("sandwich").',
            "uniform",
            Among(("uniform", "sandwich")),
        ),
        setting("paths", "int", "How many candidates a step draws.", 1, Between(1)),
    ),
    entry(
        "zero_cost",
        "evaluator",
        "A score of the untrained candidate on one batch; it ranks, and says nothing of accuracy.",
        setting("proxy", "str", "Which score.", "az_nas", Among(PROXIES)),
        setting("data", "data?", "What the batch is taken from; none takes noise.", None),
        setting("batch", "int", "Images in the batch.", 64, Between(2)),
        built=True,
    ),
    entry(
        "table",
        "evaluator",
        "The row of a table whose columns equal the decisions.",
        setting("path", "str", "A CSV file, also gzipped, or a Parquet file."),
        setting("columns", "list[tuple]", "Pairs of a decision's path and its column, where their names differ.", ()),
        setting("metrics", "list[tuple]", 'Pairs such as ("accuracy", "top1"): metrics that a column gives.', ()),
        setting(
            "values",
            "str",
            'What stands in the columns of decisions: the "options" as they print, or their "positions" from 0;'
            ' "auto" looks.',
            "auto",
            Among(("auto", "options", "positions")),
        ),
        built=True,
    ),
)
