"""Data from a function of the user's: an `extern function` of the file, run with permission only."""

import re
from collections.abc import Mapping
from importlib import import_module
from typing import Any, cast

from archdsl.externs import REFERENCE
from archdsl.parts import Part
from archdsl.train.data.arrays import SPLITS, data_set
from archdsl.train.data.contract import DataSet, UnusableData, Wanted

FORMS = 'a pair (images, labels), or such pairs by split: {"train": ..., "validation": ..., "test": ...}'


def load(part: Part, wanted: Wanted) -> DataSet:
    reference = str(part["reference"])
    if not wanted.allow_extern:
        name = part["name"]
        raise UnusableData(f"`{name}` is Python's; give --allow-extern (in Python allow_extern=True) if you trust it")
    if not REFERENCE.fullmatch(reference):
        raise UnusableData(f'"{reference}" names nothing of Python; write "package.module:name"')
    home, _, title = reference.partition(":")
    settings = {name: _as_list(value) for name, value in cast("Mapping[str, object]", part["settings"]).items()}
    try:
        given = getattr(import_module(home), title)(**settings)
    except Exception as error:
        raise UnusableData(f"`{reference}` fails: {type(error).__name__}: {error}") from error
    return data_set(f"`{reference}`", _splits(reference, given))


def _splits(reference: str, given: Any) -> dict[str, tuple[Any, Any]]:
    pairs = cast("Mapping[object, Any]", given) if isinstance(given, Mapping) else {"train": given}
    whole = all(isinstance(pair, tuple | list) and len(cast("tuple[Any, ...]", pair)) == 2 for pair in pairs.values())
    if not whole or "train" not in pairs or not set(pairs) <= set(SPLITS):
        words = re.sub(r"\s+", " ", repr(cast(object, given)))[:60]
        raise UnusableData(f"`{reference}` gives {words}, where it must give {FORMS}")
    return {str(name): (pair[0], pair[1]) for name, pair in pairs.items()}


def _as_list(value: object) -> object:
    return list(map(_as_list, cast("tuple[object, ...]", value))) if isinstance(value, tuple) else value
