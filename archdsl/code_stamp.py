"""What tells our own code from other versions of it, for results that are kept between runs."""

import hashlib
from functools import cache
from pathlib import Path

import archdsl_compiler
from archdsl.resources import PACKAGE

_COMPILER = Path(archdsl_compiler.__file__).parent
FOLDERS = (
    PACKAGE,
    PACKAGE / "syntax",
    PACKAGE / "meaning",
    PACKAGE / "meaning/catalogue",
    _COMPILER,
    _COMPILER / "ops",
)
"""Those whose modules decide what a graph and its costs are."""


@cache
def code_stamp() -> str:
    """A hash of the names, sizes and times of the modules."""
    files = [file for folder in FOLDERS for file in sorted(folder.glob("*.py"))]
    return hashlib.sha256(repr([stamp(file) for file in files]).encode()).hexdigest()


def stamp(file: Path) -> tuple[str, int, int] | None:
    """What changes when a file does; None for one that is gone."""
    try:
        found = file.stat()
    except OSError:
        return None
    return str(file), found.st_size, found.st_mtime_ns


@cache
def code_digest() -> str:
    """What tells this code from other code of the same version, whatever machine it lies on."""
    whole = hashlib.sha256()
    for folder in (PACKAGE, _COMPILER):
        for path in sorted(folder.rglob("*.py")):
            whole.update(path.relative_to(folder).as_posix().encode() + path.read_bytes())
    return whole.hexdigest()
