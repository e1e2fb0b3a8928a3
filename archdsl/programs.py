"""Programs as commands and Python functions ask for them: read once in a process, and again when a file of theirs has
changed."""

import os
from pathlib import Path

from archdsl.diagnostics.record import ArchError
from archdsl.meaning.check import with_deep_stack
from archdsl.meaning.limits import DEFAULT_LIMITS, Limits
from archdsl.meaning.loading import Library, load_text
from archdsl.meaning.program import Program, load, load_packaged
from archdsl.source import Source

Stamp = tuple[tuple[int, int] | None, ...]
_kept: dict[tuple[str, str, Limits], tuple[Stamp, Program]] = {}


def program_of(path: Path, limits: Limits = DEFAULT_LIMITS) -> Program:
    """The program of a file. Raises ArchError with what is wrong in it, or why it cannot be read."""
    try:
        real = str(path.resolve())
    except (OSError, RuntimeError, ValueError):
        return load(path, limits=limits)
    return _current((real, str(path), limits)) or _keep((real, str(path), limits), load(path, limits=limits))


def packaged_program(module: str, limits: Limits = DEFAULT_LIMITS) -> Program:
    """The program of a shipped file, by its dotted name: `zoo.swin`."""
    key = (module, "", limits)
    return _current(key) or _keep(key, load_packaged(module, limits=limits))


def program_of_text(text: str, name: str = "model.arch", limits: Limits = DEFAULT_LIMITS) -> Program:
    """The program of a resolved text, which was written by the tool and stands alone; it is not checked again."""

    def work() -> Program:
        library = Library(limits)
        unit = load_text(library, Source(name, text), Path())
        errors = tuple(d for d in library.found if d.severity == "error")
        if errors:
            raise ArchError(errors)
        return Program(unit, limits)

    try:
        return work()
    except RecursionError:
        return with_deep_stack(work)


def _current(key: tuple[str, str, Limits]) -> Program | None:
    """What was kept, if its files are as they were."""
    stamp, program = _kept.get(key, ((), None))
    return program if program is not None and stamp == _stamp(program.files) else None


def _keep(key: tuple[str, str, Limits], program: Program) -> Program:
    _kept[key] = _stamp(program.files), program
    return program


def _stamp(files: tuple[str, ...]) -> Stamp:
    """When each file was last written, and how long it is; None for one that is gone."""
    return tuple(_written(file) for file in files)


def _written(file: str) -> tuple[int, int] | None:
    try:
        found = os.stat(file)
    except OSError:
        return None
    return found.st_mtime_ns, found.st_size
