"""Modules that are Python's: an emitted file has no class for them, and imports what their `extern` refers to."""

from collections.abc import Iterable, Mapping

from archdsl_compiler.emit.code import Number
from archdsl_compiler.emit.steps import ClassUse
from archdsl_compiler.graph import Module

OF_EVERY_FILE = frozenset({"F", "Tensor", "build", "math", "nn", "torch"})


def imported(modules: Iterable[Module], names: set[str]) -> tuple[dict[int, ClassUse], dict[str, str]]:
    """What makes these modules, by identity, with their settings by name; and the name in the file of each reference,
    which `names` gets too."""
    classes: dict[int, ClassUse] = {}
    externs: dict[str, str] = {}
    for module in modules:
        if not module.extern:
            continue
        if module.extern not in externs:
            base = module.extern.partition(":")[2]
            name, number = base, 2
            while name in names or name in OF_EVERY_FILE:
                name, number = f"{base}{number}", number + 1
            names.add(name)
            externs[module.extern] = name
        arguments = tuple((name, Number(value, "", name)) for name, value in module.settings)
        classes[id(module)] = ClassUse(externs[module.extern], arguments, named=True)
    return classes, externs


def import_lines(externs: Mapping[str, str]) -> list[str]:
    """The imports, after PyTorch's."""
    lines: list[str] = []
    for reference in sorted(externs):
        package, _, name = reference.partition(":")
        renamed = f" as {externs[reference]}" if externs[reference] != name else ""
        lines.append(f"from {package} import {name}{renamed}")
    return ["", *lines] if lines else []


def needs(externs: Mapping[str, str]) -> list[str]:
    """What the first lines of the file say of it."""
    packages = sorted({reference.partition(":")[0] for reference in externs})
    return [f"It imports from {', '.join(packages)}; what comes from there is not counted.", ""] if packages else []
