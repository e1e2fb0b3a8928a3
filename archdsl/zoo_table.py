"""What the models of the zoo are: costs, inputs, papers, preprocessing. The table takes seconds to make, so it is kept
in the user's cache folder under a hash of the texts that it follows from."""

import hashlib
import json
import re
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from archdsl import zoo
from archdsl.cache import keep_cached, read_cached
from archdsl.code_stamp import code_stamp
from archdsl.resources import resource

FORM = 1
"""Raised when the rows change, so that tables of another form are not read."""
_PAPER = re.compile(r"arXiv[ :](\d{4}\.\d{4,5})")


@dataclass(frozen=True, slots=True)
class ZooModel:
    """A row. `size` is the side of the picture, or a list where the sides differ; `paper` the number of the paper on
    arXiv; `preprocessing` is as `data_config` gives it."""

    name: str
    family: str
    params: int
    macs: int
    size: int | list[int]
    paper: str | None
    preprocessing: dict[str, object] | None


def zoo_table(names: Sequence[str], progress: Callable[[int, int], None] | None = None) -> list[ZooModel]:
    """The rows of these models. `progress` is told how many of how many were made."""
    key = f"zoo-{_digest()}.json"
    rows = _read(key)
    missing = [name for name in names if name not in rows]
    for number, name in enumerate(missing):
        if progress is not None:
            progress(number, len(missing))
        rows[name] = zoo_model(name)
    if missing:
        keep_cached(key, json.dumps({name: asdict(row) for name, row in rows.items()}).encode())
    return [rows[name] for name in names]


def zoo_model(name: str) -> ZooModel:
    """The row of one model, made from its graph."""
    # A table that was kept is shown without the language being loaded.
    from archdsl.preprocessing import data_config_of, input_size
    from archdsl.targets import open_target

    target = open_target(f"zoo:{name}")
    graph = target.graph()
    # A variant may have a paper of its own.
    paper = _PAPER.search(target.program.declarations[target.name].doc) or _PAPER.search(graph.doc)
    return ZooModel(
        name,
        zoo.homes()[name].family,
        graph.params,
        graph.macs,
        input_size(graph),
        paper[1] if paper else None,
        data_config_of(graph),
    )


def _read(key: str) -> dict[str, ZooModel]:
    """The rows that were kept; a torn or foreign entry is as good as none."""
    kept = read_cached(key)
    if kept is None:
        return {}
    try:
        rows: dict[str, dict[str, Any]] = json.loads(kept)
        return {name: ZooModel(**row) for name, row in rows.items()}
    except (ValueError, TypeError, AttributeError):
        return {}


def _digest() -> str:
    """Of everything that a row follows from."""
    digest = hashlib.sha256(f"{FORM}\0{code_stamp()}".encode())
    for path in (*zoo.files(), *sorted(resource("std").glob("*.arch"))):
        digest.update(f"\0{path.name}\0".encode() + path.read_bytes())
    return digest.hexdigest()[:32]
