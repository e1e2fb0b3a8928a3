"""Executors and budgets: where the trials of a search run, and when it ends."""

from archdsl.meaning.catalogue.contract import Between, Entry, entry, setting

_WORKERS = setting("workers", "int", "How many trials run at a time.", 1, Between(1))

ENTRIES: tuple[Entry, ...] = (
    entry("local", "executor", "Processes of this machine.", _WORKERS, built=True),
    entry(
        "ray",
        "executor",
        "Tasks of a Ray cluster.",
        _WORKERS,
        setting("cpus", "real", "Cores of one trial.", 1.0, Between(0.0)),
        setting("gpus", "real", "GPUs of one trial; a part of one lets trials share it.", 0.0, Between(0.0)),
        setting("memory", "bytes?", "Memory of one trial, as 8GiB; none asks for no amount.", None),
        setting("timeout", "time?", "How long a trial may take, as 20min; none lets it run.", None),
        built=True,
    ),
    entry(
        "limits",
        "budget",
        "The search ends at the limit that is met first.",
        setting("trials", "int?", "How many trials may finish.", None, Between(1)),
        setting("time", "time?", "How long it may run, as 8h.", None),
        built=True,
    ),
)
