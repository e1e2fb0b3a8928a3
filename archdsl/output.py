"""Writing what a command leaves: a file or a folder appears whole under its name, or not at all.

Everything is written to a temporary place beside the name and moved there at the end. A full disk, an error or Ctrl-C
takes the temporary place away and leaves what stood under the name as it was."""

import errno
import os
import shutil
import uuid
from collections.abc import Generator, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from archdsl.diagnostics.record import UnusableFile, UsageError

# In words that say what to do; other errors are told as the system puts them.
_ADVICE: Final = {
    errno.ENOSPC: "the disk is full",
    errno.EDQUOT: "the disk quota is used up",
    errno.EACCES: "it is not allowed here",
    errno.EPERM: "it is not allowed here",
    errno.EROFS: "the disk is read-only",
}


def why_not_written(error: OSError) -> str:
    """What goes wrong with the disk, in words."""
    return _ADVICE.get(error.errno or 0) or (error.strerror or str(error)).lower()


def refuse_existing(path: Path, force: bool) -> None:
    """Raise UsageError for a path that is taken. A command asks this before it starts to work."""
    if not force and os.path.lexists(path):
        raise UsageError(f"`{path}` exists; give another path, or --force (force=True) to replace it")


@contextmanager
def new_file(path: Path, *, force: bool = False) -> Generator[Path]:
    """Gives a temporary path to write one file to; afterwards it is at `path`."""
    refuse_existing(path, force)
    if path.is_dir():
        raise UsageError(f"`{path}` is a folder; name a file")
    if path.exists() and not path.is_file():
        raise UsageError(f"`{path}` is no regular file; name another")
    with _told(path):
        temporary = _beside(path)
        try:
            yield temporary
            _flush(temporary)
            os.replace(temporary, path)
        finally:
            _remove(temporary)


@contextmanager
def new_folder(path: Path, *, force: bool = False) -> Generator[Path]:
    """Gives a temporary folder to fill; afterwards it is at `path`. With `force` and a folder there, what was written
    takes the place of what has its names, and all else in the folder stays."""
    refuse_existing(path, force)
    if force and os.path.lexists(path) and not path.is_dir():
        raise UsageError(f"`{path}` is a file; name a folder")
    with _told(path):
        temporary = _beside(path)
        try:
            temporary.mkdir()
            yield temporary
            for file in _files_in(temporary):
                _flush(file)
            if path.is_dir():
                _move_into(temporary, path)
            else:
                os.rename(temporary, path)
        finally:
            _remove(temporary)


@contextmanager
def _told(path: Path) -> Generator[None]:
    """What goes wrong with the disk becomes a message, and so does Ctrl-C."""
    try:
        yield
    except OSError as error:
        raise UnusableFile(f"`{path}` could not be written: {why_not_written(error)}; nothing was left there") from None
    except KeyboardInterrupt:
        raise KeyboardInterrupt(f"`{path}` was not written") from None


def _beside(path: Path) -> Path:
    """A new name in the folder of `path`, which is made if need be."""
    path = Path(os.path.abspath(path))
    path.parent.mkdir(parents=True, exist_ok=True)
    return path.with_name(f".{path.name[:80]}.{uuid.uuid4().hex[:12]}.part")


def _move_into(temporary: Path, folder: Path) -> None:
    """All that was written, name by name; what had the names steps aside, and comes back if anything fails."""
    aside = _beside(folder)
    aside.mkdir()
    moved: list[tuple[Path, Path]] = []
    try:
        for new in sorted(temporary.iterdir()):
            place = folder / new.name
            if os.path.lexists(place):
                moved.append((place, aside / new.name))
                os.rename(place, aside / new.name)
            moved.append((new, place))
            os.rename(new, place)
    except BaseException:
        for source, target in reversed(moved):
            # The last of them may not have been moved.
            if os.path.lexists(target) and not os.path.lexists(source):
                os.rename(target, source)
        raise
    finally:
        _remove(aside)


def _flush(path: Path) -> None:
    """To the disk: a disk that is full sometimes says so only now."""
    with path.open("rb+") as file:
        os.fsync(file.fileno())


def _files_in(folder: Path) -> Iterator[Path]:
    return (path for path in folder.rglob("*") if path.is_file())


def _remove(path: Path) -> None:
    """Whatever is there; a temporary place that cannot be removed is no fault of what was to be written."""
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path, ignore_errors=True)
    else:
        path.unlink(missing_ok=True)
