"""Results about published models that are kept in the user's cache folder: they follow from shipped files and from our
own code alone. For other models a result is as quickly made as found, and their number has no end."""

import hashlib
import pickle
from pathlib import Path

from archdsl.cache import keep_cached, read_cached
from archdsl.code_stamp import code_stamp, stamp
from archdsl.targets import Target


def kept_result(target: Target, what: str) -> object:
    """What was kept about a target under the name of a kind of result, or None."""
    if not _published(target):
        return None
    kept = read_cached(_entry(target, what))
    if kept is None:
        return None
    try:
        return pickle.loads(kept)
    except Exception:  # a torn or foreign entry is as good as none
        return None


def keep_result(target: Target, what: str, result: object) -> None:
    """Keep a result, if it is about a published model as it stands."""
    if _published(target):
        keep_cached(_entry(target, what), pickle.dumps(result, protocol=pickle.HIGHEST_PROTOCOL))


def _published(target: Target) -> bool:
    program = target.program
    return program.unit.packaged and bool(program.files) and not target.settings and target.genome is None


def _entry(target: Target, what: str) -> str:
    stamps = repr((code_stamp(), target.name, [stamp(Path(file)) for file in target.program.files]))
    return f"{what}-{hashlib.sha256(stamps.encode()).hexdigest()[:32]}"
