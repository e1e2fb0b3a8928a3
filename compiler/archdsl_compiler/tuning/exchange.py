"""Rows of the record as lines of JSON, in which they travel from machine to machine: a header, then conditions, each
with a number, and rows, each under the number of its conditions."""

import json
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import asdict, fields
from math import isfinite
from typing import Any, Final, TypeVar, cast

from archdsl_compiler.tuning.conditions import Conditions
from archdsl_compiler.tuning.measuring import Timing
from archdsl_compiler.tuning.rows import Kept, Key, Row

FORMAT: Final = "archdsl measured times"
VERSION: Final = 1
"""Raised when lines are written in another way, or what they say changes its meaning."""

T = TypeVar("T")


class UnreadableTimes(ValueError):
    """What is wrong with a file of times, as the end of a sentence about it."""


def lines_of(rows: Iterable[Row]) -> Iterator[str]:
    """The lines, each without its end."""
    yield json.dumps({"format": FORMAT, "version": VERSION})
    numbers: dict[Conditions, int] = {}
    for conditions, key, kept in rows:
        if conditions not in numbers:
            numbers[conditions] = len(numbers)
            yield json.dumps({"conditions": numbers[conditions], **asdict(conditions)})
        yield json.dumps({"at": numbers[conditions], **asdict(key), **asdict(kept)})


def rows_of(lines: Iterable[str]) -> list[Row]:
    """The rows of lines; UnreadableTimes if any of them is none."""
    numbered = ((number, line) for number, line in enumerate(lines, 1) if line.strip())
    _check_header(next(numbered, (1, ""))[1])
    conditions: dict[object, Conditions] = {}
    rows: list[Row] = []
    for number, line in numbered:
        try:
            found = _object(line)
            if "conditions" in found:
                at = found.pop("conditions")
                conditions[at] = _conditions(found)
            else:
                rows.append(_row(conditions, found))
        except (ValueError, TypeError, KeyError, RecursionError):
            raise UnreadableTimes(f"is damaged in line {number}; nothing of it was taken") from None
    return rows


def _check_header(line: str) -> None:
    try:
        header = _object(line)
    except (ValueError, RecursionError):
        header = {}
    if header.get("format") != FORMAT:
        raise UnreadableTimes("holds no measured times; `archdsl tune export FILE` writes such files")
    version = header.get("version")
    if version != VERSION:
        newer = isinstance(version, int) and version > VERSION
        todo = "update archdsl here" if newer else "export it again with an archdsl of this version"
        raise UnreadableTimes(f"is written in version {json.dumps(version)}, and this archdsl reads {VERSION}: {todo}")


def _object(line: str) -> dict[str, Any]:
    found: object = json.loads(line)
    if not isinstance(found, dict):
        raise TypeError(line)
    return cast("dict[str, Any]", found)


def _conditions(found: Mapping[str, Any]) -> Conditions:
    features: Any = found["features"]
    if not isinstance(features, list) or not all(isinstance(name, str) for name in cast("list[object]", features)):
        raise TypeError
    return Conditions(**_fitting(Conditions, {**found, "features": tuple(cast("list[str]", features))}))


def _row(conditions: Mapping[object, Conditions], found: dict[str, Any]) -> Row:
    at = conditions[found.pop("at")]
    key = Key(**_fitting(Key, {field.name: found.pop(field.name) for field in fields(Key)}))
    timing = found.pop("timing")
    if timing is not None:
        timing = Timing(**_fitting(Timing, dict(timing)))
    kept = _fitting(Kept, {"timing": timing, **found})
    return at, key, Kept(**kept)


_WHOLE = {int}
_REAL = {int, float}
_TYPES: Mapping[str, set[type]] = {
    **dict.fromkeys(("threads", "version", "batch", "samples"), _WHOLE),
    **dict.fromkeys(("median", "least", "measured"), _REAL),
    "error": _REAL | {type(None)},
    "failure": {str, type(None)},
    "features": {tuple},
    "timing": {Timing, type(None)},
}
"""Those of fields; the others are texts."""


def _fitting(kind: Callable[..., object], found: Mapping[str, Any]) -> dict[str, Any]:
    """The values of all fields of a class, each of its type; whatever else came is an error."""
    wanted = {field.name for field in fields(cast(Any, kind))}
    for name, value in found.items():
        if name not in wanted or type(value) not in _TYPES.get(name, {str}):
            raise TypeError(name)
        if isinstance(value, float) and not isfinite(value):
            raise ValueError(name)
    if len(found) != len(wanted):
        raise KeyError
    return dict(found)
