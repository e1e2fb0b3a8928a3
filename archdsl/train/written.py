"""Recipes and fields of recipes that stand in no file: as the command line and Python write them."""

import re
from collections.abc import Iterable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any, cast

from archdsl.diagnostics.record import ArchError, UsageError
from archdsl.diagnostics.suggest import closest
from archdsl.meaning.catalogue.registry import fields
from archdsl.meaning.check import check_units, with_deep_stack
from archdsl.meaning.limits import DEFAULT_LIMITS
from archdsl.meaning.loading import Library, load_text
from archdsl.meaning.program import Program
from archdsl.meaning.values import show
from archdsl.parts import Part
from archdsl.source import Source
from archdsl.targets import Target
from archdsl.train.declared import recipe_of
from archdsl.train.recipe import Recipe

NAME = "given"
WHERE = "<recipe>"
"""The name under which messages show fields that were given."""
_WITH_PATH = re.compile(r"([A-Za-z]\w*):(.+)", re.DOTALL)


def written_fields(given: Mapping[str, str]) -> dict[str, object]:
    """Fields of a recipe from texts of the language, `optimizer` from `adamw(lr=1e-3)`. Raises ArchError with what is
    wrong in them."""
    check_fields(given)
    # A `train` must say what its data is.
    texts = {"data": "digits()", **given}
    body = "".join(f"  {name} = {text}\n" for name, text in texts.items())

    def work() -> dict[str, object]:
        library = Library(DEFAULT_LIMITS)
        unit = load_text(library, Source(WHERE, f"train {NAME}() {{\n{body}}}\n"), Path())
        errors = tuple(d for d in check_units(library, [unit]).diagnostics if d.severity == "error")
        if errors:
            raise ArchError(tuple(replace(error, fixes=()) for error in errors))
        return recipe_of(Program(unit, DEFAULT_LIMITS), NAME)

    found = with_deep_stack(work)
    return {name: found[name] for name in given}


def check_fields(names: Iterable[str]) -> None:
    """Refuse what is no field of a recipe."""
    known = fields("train")
    for name in names:
        if name not in known:
            near = closest(name, known)
            hint = f"a similar one is `{near}`" if near else f"there are {', '.join(known)}"
            raise UsageError(f"a recipe has no field `{name}`; {hint}")


def data_text(given: str) -> str:
    """A data source as the language writes it: also `NAME:PATH`, a folder of pictures, an archive of arrays."""
    path = Path(given)
    if path.is_dir():
        return f"image_folder({show(given)})"
    if path.suffix == ".npz":
        return f"arrays({show(given)})"
    match = _WITH_PATH.fullmatch(given)
    return f"{match[1]}({show(match[2])})" if match else given


def recipe_for(target: Target, name: str | None, given: Mapping[str, str]) -> Recipe:
    """What a recipe of the target's file says, with the fields that were given in its place. Without a name it is the
    only `train` of the file, unless data is given."""
    declared = [each.name for each in target.program.declarations.values() if each.kind == "train"]
    if name is None and "data" not in given:
        if len(declared) != 1:
            has = f"several recipes: {', '.join(f'`{each}`' for each in declared)}" if declared else "no `train`"
            raise UsageError(
                f"`{target.shown}` has {has}; name one with --recipe NAME, or give --data SOURCE, such as --data digits"
            )
        name = declared[0]
    own = written_fields(given) if given else {}
    if name is None:
        return Recipe.of(own)
    # Paths of the file are seen from there, those of the command from where it runs.
    declared_recipe = Recipe.of({"data": Part("digits"), **recipe_of(target.program, name)})
    folder = Path(target.program.unit.source.name).parent
    return replace(declared_recipe.placed(folder), **cast("dict[str, Any]", own))
