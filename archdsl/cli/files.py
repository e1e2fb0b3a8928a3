"""Files as commands take and leave them: folders stand for their sources, a file is written whole or not at all."""

import os
import shutil
from collections.abc import Sequence
from pathlib import Path

from archdsl.diagnostics import codes
from archdsl.diagnostics.record import ArchError
from archdsl.source import Source, Span


def expanded(files: Sequence[str]) -> list[str]:
    """The files, and the sources in folders, each once and in order. What cannot be looked at stays, to be told."""
    paths: dict[str, None] = {}
    for file in files:
        try:
            found = sorted(Path(file).rglob("*.arch")) if Path(file).is_dir() else []
            inside = [str(path) for path in found if path.is_file()]
        except (OSError, RuntimeError, ValueError):
            inside = []
        paths.update(dict.fromkeys(inside or [file]))
    return list(paths)


def write_whole(name: str, text: str) -> None:
    """Write under another name, then move. A link goes on pointing to its file, whose rights stay as they are."""
    try:
        target = Path(name).resolve()
        temporary = target.with_name(f".{target.name}.{os.getpid()}")
        try:
            temporary.write_bytes(text.encode("utf-8"))
            if target.exists():
                shutil.copymode(target, temporary)
            temporary.replace(target)
        finally:
            temporary.unlink(missing_ok=True)
    except OSError as error:
        why = (error.strerror or str(error)).lower()
        place = Span(Source(name, ""), 0, 0)
        raise ArchError((codes.UNREADABLE_FILE.at(place, f"`{name}` cannot be written: {why}"),)) from None
