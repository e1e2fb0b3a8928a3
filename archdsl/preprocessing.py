"""What a model wants done to a picture before it sees it, as its setting `preprocess` says."""

from typing import cast

from archdsl.meaning.catalogue.contract import Required
from archdsl.meaning.values import Configured
from archdsl.targets import TargetLike, open_target
from archdsl_compiler.graph import Module

SETTING = "preprocess"


def data_config(target: TargetLike, **settings: object) -> dict[str, object] | None:
    """The preprocessing of a model: `mean` and `std` of each channel, the share `crop` of the resized picture that its
    middle keeps, `interpolation`, and the `size` that comes out. None for a model that does not say."""
    return data_config_of(open_target(target, settings=settings).graph())


def data_config_of(module: Module) -> dict[str, object] | None:
    """The preprocessing of a graph, by what its text says."""
    value = dict(module.settings).get(SETTING)
    if not isinstance(value, Configured):
        return None
    given = dict(value.settings)
    found: dict[str, object] = {}
    for setting in value.entry.settings:
        chosen: object = given.get(setting.name, setting.default)
        if not isinstance(chosen, Required):
            found[setting.name] = _plain(chosen)
    return {**found, "size": input_size(module)}


def input_size(module: Module) -> int | list[int]:
    """The sides of the picture, or of the clip or volume, that a model takes: one number where all are equal."""
    sides = [size for size in module.input_types[0].shape[2:] if isinstance(size, int)] if module.input_types else []
    return sides[0] if sides and len(set(sides)) == 1 else sides


def _plain(value: object) -> object:
    return [_plain(item) for item in cast("tuple[object, ...]", value)] if isinstance(value, tuple) else value
