"""Entries of the catalogue as plain data, for those who do what the entries say: their names with all settings, which
go through pipes, to other machines and into files as they are."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import cast

from archdsl.meaning.binding import bind_settings
from archdsl.meaning.bodies import enter
from archdsl.meaning.catalogue.contract import Required
from archdsl.meaning.catalogue.registry import family
from archdsl.meaning.conditions import ALWAYS, Universe
from archdsl.meaning.declared import Declared
from archdsl.meaning.run import Session
from archdsl.meaning.values import Amount, Component, Configured, Value
from archdsl.meaning.worlds import World
from archdsl.syntax import nodes
from archdsl_compiler.ops.contract import Op

EXTERN = "extern"
"""The name of the part that an `extern function` is."""


@dataclass(frozen=True, slots=True)
class Part:
    """An entry of the catalogue with all its settings, also those that nobody wrote, as plain data."""

    name: str
    settings: Mapping[str, object] = field(default_factory=dict[str, object])

    def __getitem__(self, setting: str) -> object:
        return self.settings[setting]


def default_part(family_name: str, name: str, /, **settings: object) -> Part:
    """An entry with its defaults, but for the settings that are given."""
    known = {s.name: s.default for s in family(family_name)[name].settings if not isinstance(s.default, Required)}
    return Part(name, {**known, **settings})


def part_of(configured: Configured, others: Callable[[Component], object] | None = None) -> Part:
    """An entry as it was called."""
    given = dict(configured.settings)
    settings: dict[str, object] = {}
    for setting in configured.entry.settings:
        if setting.name in given:
            settings[setting.name] = plain(given[setting.name], others)
        elif not isinstance(setting.default, Required):
            settings[setting.name] = setting.default
    return Part(configured.name, settings)


def plain(value: Value, others: Callable[[Component], object] | None = None) -> object:
    """A value of the language as plain data: amounts in seconds and bytes, dtypes by their names, an `extern function`
    as what it refers to, lists as tuples. `others` says what any other component becomes."""
    match value:
        case None | bool() | int() | float() | str():
            return value
        case tuple() | range():
            return tuple(plain(item, others) for item in value)
        case Amount():
            return value.number
        case Configured():
            return part_of(value, others)
        case Component(callee=Op()):
            return value.name
        case Component() if value.kind == "function":
            return _extern(value)
        case Component() if others is not None:
            return others(value)
        case _:
            raise TypeError(f"{value!r} has no form as plain data")


def _extern(component: Component) -> Part:
    """What an `extern function` refers to, with its settings as the declaration completes them."""
    declared = cast(Declared, component.callee)
    node = declared.node
    frame = enter(None, Session(), World(Universe()), component, "", "", node.span, ALWAYS)
    bind_settings(frame, component, node.span)
    settings = {name: plain(frame.names[name]) for name in declared.settings}
    reference = node.target.value if isinstance(node, nodes.Extern) else ""
    return Part(EXTERN, {"name": component.name, "reference": reference, "settings": settings})


def as_json(value: object) -> object:
    """Plain data with parts as objects that have a name and settings."""
    if isinstance(value, Part):
        return {"name": value.name, "settings": as_json(value.settings)}
    if isinstance(value, Mapping):
        return {str(key): as_json(inner) for key, inner in cast("Mapping[object, object]", value).items()}
    if isinstance(value, tuple | list):
        return [as_json(item) for item in cast("Sequence[object]", value)]
    return value


def from_json(value: object) -> object:
    """Plain data back from what `as_json` gave."""
    if isinstance(value, Mapping):
        inner = {str(key): from_json(item) for key, item in cast("Mapping[object, object]", value).items()}
        if inner.keys() == {"name", "settings"} and isinstance(inner["settings"], dict):
            return Part(str(inner["name"]), cast("dict[str, object]", inner["settings"]))
        return inner
    if isinstance(value, tuple | list):
        return tuple(from_json(item) for item in cast("Sequence[object]", value))
    return value
