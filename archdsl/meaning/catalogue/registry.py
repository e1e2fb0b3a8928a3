"""Looks entries and fields up. The tables are read when something is first asked for."""

from collections.abc import Mapping, Sequence
from functools import cache
from importlib import import_module
from types import MappingProxyType
from typing import cast

from archdsl.meaning.catalogue.contract import Entry, Field
from archdsl.meaning.catalogue.fields import FIELDS

_MODULES = (
    "formats",
    "quantizers",
    "data",
    "augmentations",
    "losses",
    "optimizers",
    "evaluators",
    "strategies",
    "execution",
    "metrics",
    "preprocessing",
)


@cache
def entries() -> Mapping[str, tuple[Entry, ...]]:
    """All entries by name. Few names have more than one: `cosine` is a schedule and a number that moves."""
    found: dict[str, tuple[Entry, ...]] = {}
    for module in _MODULES:
        table = cast(tuple[Entry, ...], import_module(f"archdsl.meaning.catalogue.{module}").ENTRIES)
        for item in table:
            found[item.name] = (*found.get(item.name, ()), item)
    return MappingProxyType(found)


def find(name: str, families: Sequence[str] = ()) -> Entry | None:
    """The entry that a name means where these families are asked for. Where none of them has it, it is the first of the
    name: the checker then says that it does not fit, and not that it is unknown."""
    named = entries().get(name, ())
    fitting = (item for item in named if item.family in families)
    return next(fitting, named[0] if named else None)


@cache
def family(name: str) -> Mapping[str, Entry]:
    """The entries of a family by name."""
    return MappingProxyType({item.name: item for named in entries().values() for item in named if item.family == name})


def metrics() -> Mapping[str, Entry]:
    """What objectives measure. Their names are a namespace of their own: an objective may be called like its metric."""
    return family("metric")


@cache
def fields(kind: str) -> Mapping[str, Field]:
    """The fields that the body of a kind can set."""
    return MappingProxyType({field.name: field for field in FIELDS[kind]})
