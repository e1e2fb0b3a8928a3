"""Genomes in files: the decisions of one candidate, as JSON."""

import json
from pathlib import Path
from typing import cast

from archdsl.diagnostics.record import UsageError

FORM = 'a genome is an object such as {"width": 64, "mixers.0": "attention"}, or a list of such pairs'


def read_genome(path: str | Path) -> dict[str, object]:
    """Path to option, from an object or a list of pairs."""
    try:
        read: object = json.loads(Path(path).read_bytes())
    except OSError as error:
        raise UsageError(f"the genome `{path}` cannot be read: {(error.strerror or str(error)).lower()}") from None
    except json.JSONDecodeError as error:
        raise UsageError(f"the genome `{path}` is no JSON: line {error.lineno}, column {error.colno}") from None
    except (ValueError, RecursionError) as error:
        raise UsageError(f"the genome `{path}` is no JSON: {error}") from None
    return decisions(read, f"the genome `{path}`")


def decisions(read: object, what: str) -> dict[str, object]:
    """A genome from its JSON form. Whether it fits a space is asked where it is used."""
    if isinstance(read, dict):
        return cast("dict[str, object]", read)
    if not isinstance(read, list):
        raise UsageError(f"{what} holds no genome; {FORM}")
    found: dict[str, object] = {}
    for pair in cast("list[object]", read):
        parts = cast("list[object]", pair) if isinstance(pair, list) else []
        if len(parts) != 2 or not isinstance(parts[0], str):
            raise UsageError(f"{what} holds {json.dumps(pair)}, which is no pair of a path and an option; {FORM}")
        if parts[0] in found:
            raise UsageError(f"{what} decides `{parts[0]}` twice")
        found[parts[0]] = parts[1]
    return found
