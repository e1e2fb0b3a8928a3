"""The source that a search ran, with what it imports from files beside it: kept in the output folder, where it means
the same."""

from collections.abc import Mapping
from difflib import unified_diff
from pathlib import PurePosixPath

from archdsl.meaning.declared import Unit
from archdsl.meaning.program import Program
from archdsl.syntax import nodes

MAIN = "search.arch"


def source_files(program: Program) -> dict[str, str]:
    """Text by path in the folder, the main file first. Imported files keep their places relative to it; only one that
    has the main file's new name gets another, and imports of it say so."""
    found: dict[str, str] = {}
    _collect(program.unit, PurePosixPath(MAIN), found)
    return found


def difference(before: Mapping[str, str], after: Mapping[str, str]) -> str:
    """What has changed in files, as a diff; nothing where nothing has."""
    changed: list[str] = []
    for name in dict.fromkeys((*before, *after)):
        old, new = before.get(name, "").splitlines(), after.get(name, "").splitlines()
        changed += unified_diff(old, new, f"{name} then", f"{name} now", lineterm="", n=1)
    return "\n".join(changed)


def _collect(unit: Unit, place: PurePosixPath, found: dict[str, str]) -> None:
    text = unit.source.text
    found[str(place)] = text
    edits: list[tuple[int, int, str]] = []
    for item in unit.tree.items:
        if not isinstance(item, nodes.Import) or not item.relative:
            continue
        other = next((u for name in item.names if (u := unit.imports[(name.alias or name.name).text][0])), None)
        if other is None:
            continue
        words = [part.text for part in item.path]
        there = place.parent.joinpath(*words).with_suffix(".arch")
        if str(there) == MAIN:
            there = place.parent / _free(unit)
            span = item.path[-1].span
            edits.append((span.start, span.end, there.stem))
        if str(there) not in found:
            _collect(other, there, found)
    for start, end, word in sorted(edits, reverse=True):
        text = text[:start] + word + text[end:]
    found[str(place)] = text


def _free(unit: Unit) -> str:
    """A name that no file has, for the file that was called as the main one is now."""
    imported = {item.path[0].text for item in unit.tree.items if isinstance(item, nodes.Import) and item.relative}
    number = 1
    while f"search_{number}" in imported:
        number += 1
    return f"search_{number}.arch"
