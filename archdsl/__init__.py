"""Neural architectures, and the spaces to search them in, as text that is checked before anything runs.

import archdsl

for diagnostic in archdsl.check("model.arch"):
    print(diagnostic.title)
program = archdsl.load("model.arch")
graph = archdsl.elaborate(program, "small", {"size": 64})
"""

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from archdsl import zoo as zoo
    from archdsl.assembly import build as build
    from archdsl.diagnostics.record import ArchError as ArchError
    from archdsl.diagnostics.record import UsageError as UsageError
    from archdsl.exporting import export as export
    from archdsl.meaning.check import check as check
    from archdsl.meaning.limits import Limits as Limits
    from archdsl.meaning.program import elaborate as elaborate
    from archdsl.meaning.program import load as load
    from archdsl.preprocessing import data_config as data_config
    from archdsl.profiling import profile as profile
    from archdsl.search.calling import search as search
    from archdsl.space.costing import costs as costs
    from archdsl.space.report import inspect_space as inspect_space
    from archdsl.space.sampling import sample as sample
    from archdsl.train.python import evaluate as evaluate
    from archdsl.train.python import fit as fit
    from archdsl.tuning import Tune as Tune

# Loaded when first asked for, so that the tool starts with what the command needs.
_HOMES = {
    "ArchError": "archdsl.diagnostics.record",
    "UsageError": "archdsl.diagnostics.record",
    "Limits": "archdsl.meaning.limits",
    "Tune": "archdsl.tuning",
    "build": "archdsl.assembly",
    "check": "archdsl.meaning.check",
    "costs": "archdsl.space.costing",
    "elaborate": "archdsl.meaning.program",
    "evaluate": "archdsl.train.python",
    "export": "archdsl.exporting",
    "fit": "archdsl.train.python",
    "load": "archdsl.meaning.program",
    "data_config": "archdsl.preprocessing",
    "profile": "archdsl.profiling",
    "inspect_space": "archdsl.space.report",
    "sample": "archdsl.space.sampling",
}

# Packages that are what they are called: `archdsl.search(...)` calls the one.
_PACKAGES = ("search", "zoo")

__all__ = [
    "ArchError",
    "Limits",
    "Tune",
    "UsageError",
    "build",
    "check",
    "costs",
    "data_config",
    "elaborate",
    "evaluate",
    "export",
    "fit",
    "inspect_space",
    "load",
    "profile",
    "sample",
    "search",
    "zoo",
]


def __getattr__(name: str) -> object:
    if name in _PACKAGES:
        return import_module(f"archdsl.{name}")
    if name not in _HOMES:
        raise AttributeError(f"module 'archdsl' has no attribute {name!r}")
    return getattr(import_module(_HOMES[name]), name)
