"""The user's cache folder, private to the user. Nothing depends on it: where it cannot be used, work is done again in
silence. What lies there may be trusted as far as the folder may: only its owner can write to it, which `cache_folder`
checks each time."""

import os
import stat
import sys
from contextlib import suppress
from pathlib import Path


def cache_folder() -> Path | None:
    """The folder, made if need be; None where it cannot be had or others may write to it. `ARCHDSL_CACHE` names
    another one."""
    try:
        folder = _wanted_folder()
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        found = os.lstat(folder)
    except (OSError, RuntimeError):  # pathlib raises RuntimeError for a user without a home
        return None
    if not stat.S_ISDIR(found.st_mode):
        return None
    if os.name == "posix" and (found.st_uid != os.geteuid() or found.st_mode & (stat.S_IWGRP | stat.S_IWOTH)):
        return None
    return folder


def read_cached(name: str) -> bytes | None:
    """What was kept under this name, or None."""
    folder = cache_folder()
    if folder is None:
        return None
    try:
        return (folder / name).read_bytes()
    except OSError:
        return None


def keep_cached(name: str, data: bytes) -> None:
    """Keep bytes under a name, whole or not at all: another process never reads half a file."""
    folder = cache_folder()
    if folder is None:
        return
    temporary = folder / f".{name}.{os.getpid()}"
    try:
        temporary.write_bytes(data)
        temporary.replace(folder / name)
    except OSError:
        with suppress(OSError):
            temporary.unlink()


def _wanted_folder() -> Path:
    named = os.environ.get("ARCHDSL_CACHE")
    if named:
        return Path(named)
    if sys.platform == "darwin":
        return Path.home() / "Library" / "Caches" / "archdsl"
    if sys.platform == "win32":
        return Path(os.environ.get("LOCALAPPDATA") or Path.home() / "AppData" / "Local") / "archdsl"
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "archdsl"
