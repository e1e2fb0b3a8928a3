"""The zoo: published models, one file a family beside this module, and which file has which model.

import archdsl

archdsl.zoo.names()             # every variant
archdsl.build("zoo:van_b0")

The files are not parsed for this: their lines at the left edge say which names they declare and of what they are made,
and `archdsl fmt` keeps them so."""

import os
import re
from collections.abc import Mapping
from dataclasses import dataclass
from fnmatch import fnmatchcase
from pathlib import Path

_FOLDER = Path(__file__).parent
_DECLARED = re.compile(
    r"^(?:model[ ]+(?P<declared>\w+)\b"
    r"|let[ ]+(?P<let>\w+)[ ]*=[ ]*(?P<callee>\w+))",
    re.MULTILINE,
)
_scanned: dict[tuple[tuple[str, int, int], ...], Mapping[str, "Home"]] = {}


@dataclass(frozen=True, slots=True)
class Home:
    """Where a name of the zoo is declared. A `variant` is a model as it was published; what is none is the family's
    model that its variants are made of."""

    family: str
    variant: bool

    @property
    def module(self) -> str:
        """The dotted name of its file, as an import writes it."""
        return f"zoo.{self.family}"


def names(pattern: str = "") -> list[str]:
    """The variants, in alphabetic order; with a pattern those that fit it: a glob (`swin*_384`), or a part of the
    name."""
    found = sorted(name for name, home in homes().items() if home.variant)
    if any(sign in pattern for sign in "*?["):
        return [name for name in found if fnmatchcase(name, pattern)]
    return [name for name in found if pattern in name]


def homes() -> Mapping[str, Home]:
    """Every model that `zoo:NAME` can mean: the variants, and the models that they are made of."""
    with os.scandir(_FOLDER) as entries:
        stats = ((entry.name, entry.stat()) for entry in entries if entry.name.endswith(".arch"))
        stamp = tuple(sorted((name, found.st_mtime_ns, found.st_size) for name, found in stats))
    if stamp not in _scanned:
        _scanned.clear()
        _scanned[stamp] = _scan()
    return _scanned[stamp]


def files() -> list[Path]:
    """The files of the families."""
    return sorted(_FOLDER.glob("*.arch"))


def _scan() -> dict[str, Home]:
    """Read the names of all files. A model that a variant is made of is none itself; one that stands alone is."""
    models: set[str] = set()
    made: dict[str, dict[str, str]] = {}
    for path in files():
        lets = made.setdefault(path.stem, {})
        for line in _DECLARED.finditer(path.read_text(encoding="utf-8")):
            if line["declared"]:
                models.add(line["declared"])
                lets[line["declared"]] = ""
            else:
                lets[line["let"]] = line["callee"]
    found: dict[str, Home] = {}
    for family, lets in made.items():
        roots = {name: _root(name, lets) for name in lets}
        variants = {name for name, root in roots.items() if lets[name] and root in models}
        used = {roots[name] for name in variants}
        alone = {name for name in lets if not lets[name] and name not in used}
        found |= {name: Home(family, False) for name in used if name in lets}
        found |= {name: Home(family, True) for name in variants | alone}
    return found


def _root(name: str, lets: Mapping[str, str]) -> str:
    """What a chain of lets begins with, in this file or another."""
    for _ in lets:
        if not lets.get(name):
            break
        name = lets[name]
    return name
