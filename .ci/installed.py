"""Run by .ci/run with the wheel's Python: fails if anything of the repository is in use, and prints the samples
that the wheel installed, one a line."""

import importlib.metadata
import sys
from pathlib import Path

import archdsl
import archdsl_compiler
from archdsl.resources import resource

repository = Path(sys.argv[1]).resolve()
used = [
    *sys.path,
    archdsl.__file__,
    archdsl_compiler.__file__,
    str(resource("grammars")),
    str(resource("searchspaces")),
]
for path in used:
    if Path(path).resolve().is_relative_to(repository):
        sys.exit(f"the repository is in use: {path}")

installed = Path(str(importlib.metadata.distribution("archdsl").locate_file("")))
for name in ["grammars/arch.lark", "std", "zoo", "searchspaces", "diagnostics/pages", "py.typed"]:
    path = resource(name)
    if not path.exists() or not path.is_relative_to(installed):
        sys.exit(f"the wheel lacks {name}: looked at {path}")

for folder in ["std", "zoo", "searchspaces"]:
    samples = sorted(resource(folder).rglob("*.arch"))
    if not samples:
        sys.exit(f"the wheel has no samples in {folder}")
    print(*samples, sep="\n")
