"""Data sources by name, imported when first asked for, and the data sets that this process has read."""

import json
import os
from importlib import import_module
from typing import Final, cast

from archdsl.parts import Part, as_json
from archdsl.train.data.contract import DataSet, Load, UnusableData, Wanted

SOURCES: Final = {
    "digits": "digits",
    "fashion_mnist": "fashion_mnist",
    "cifar10": "cifar",
    "cifar100": "cifar",
    "imagenet": "image_folder",
    "image_folder": "image_folder",
    "arrays": "arrays",
    "hf": "hub",
    "extern": "of_python",
}
OF_ANY_SIZE: Final = frozenset({"imagenet", "image_folder", "hf"})
"""Their pictures are made as the model takes them."""
MOST_KEPT: Final = 4

_kept: dict[str, DataSet] = {}
_received: dict[str, DataSet] = {}


def receive_data(name: str, data: DataSet) -> None:
    """Take data that another machine has read, under its `name_of_data`."""
    _received[name] = data


def name_of_data(part: Part, wanted: Wanted) -> str:
    """What tells data apart: the source with its settings, and what pictures it is wanted for if they have no size."""
    sizes = (wanted.channels, wanted.size) if part.name in OF_ANY_SIZE else ()
    return json.dumps([as_json(part), sizes, wanted.allow_extern])


def load_data(part: Part, wanted: Wanted) -> DataSet:
    """The data set of a source; the last few that were asked for are kept, unless their file has changed."""
    if part.name not in SOURCES:
        raise UnusableData(f"`{part.name}` is no data source; there are {', '.join(sorted(SOURCES))}")
    name = name_of_data(part, wanted)
    if name in _received:
        return _received[name]
    key = f"{name}{_stamp(part.settings.get('path'))}"
    found = _kept.pop(key, None)
    if found is None:
        module = import_module(f"archdsl.train.data.{SOURCES[part.name]}")
        found = cast(Load, module.load)(part, wanted)
    _kept[key] = found
    while len(_kept) > MOST_KEPT:
        _kept.pop(next(iter(_kept)))
    return found


def _stamp(path: object) -> object:
    """When a file or folder was last written."""
    if not isinstance(path, str):
        return None
    try:
        found = os.stat(path)
    except (OSError, ValueError):
        return None
    return found.st_mtime_ns, found.st_size
