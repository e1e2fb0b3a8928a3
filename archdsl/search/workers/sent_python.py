"""Python of the user that other machines lack: the files beside a module that an `extern` names travel with the work.
What is installed is not sent; the machines of a cluster have the same environment."""

import hashlib
import os
import re
import sys
import sysconfig
import tempfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from importlib.machinery import PathFinder
from pathlib import Path
from typing import cast

from archdsl.cache import cache_folder
from archdsl.parts import EXTERN, Part
from archdsl.search.contract import Work

REFERENCE = re.compile(r'"([^\W\d]\w*)(?:\.\w+)*:\w+"')
MOST_FILES, MOST_BYTES = 1_000, 10_000_000
"""Of a folder. One that holds more is a home or a checkout; then the package alone is sent."""
OURS = ("archdsl", "archdsl_compiler")
SKIPPED = {"__pycache__", "node_modules", "site-packages"}


@dataclass(frozen=True, slots=True)
class SentPython:
    """The Python files of a folder, by their paths in it."""

    folder: str
    files: Mapping[str, bytes]

    @property
    def digest(self) -> str:
        return _digest(self.files)


def packages_named(work: Work) -> set[str]:
    """The packages that a work refers to, by their first names."""
    found = set(REFERENCE.findall(work.architecture)) if work.allow_extern else set[str]()
    return (found | set(_named(work.evaluator))) - set(OURS)


def python_of(package: str) -> SentPython | None:
    """What to send so that a package can be imported elsewhere; None for what is installed, or is not there."""
    place = next((found for entry in sys.path if (found := _found_in(entry or os.getcwd(), package))), None)
    if place is None or _is_installed(place):
        return None
    files = dict(_python_files(place / package, place)) | dict(_python_files(place / f"{package}.py", place))
    both = dict(files)
    for each in sorted(place.iterdir()):
        if each.stem not in (package, *OURS) and (each.suffix == ".py" or (each / "__init__.py").is_file()):
            both |= _python_files(each, place)
    too_much = len(both) > MOST_FILES or sum(map(len, both.values())) > MOST_BYTES
    return SentPython(str(place), files if too_much else both)


def receive_python(sent: SentPython) -> None:
    """Make what was sent importable here, from the folder that it came from if that is here too."""
    folder = Path(sent.folder)
    if not all(_same(folder / name, content) for name, content in sent.files.items()):
        folder = _unpacked(sent)
    if str(folder) not in sys.path:
        sys.path.insert(0, str(folder))


def _named(value: object) -> Iterator[str]:
    """The packages in the settings of a part."""
    if isinstance(value, Part):
        if value.name == EXTERN:
            yield cast(str, value.settings.get("reference", "")).partition(":")[0].partition(".")[0]
        elif "." in value.name:
            yield value.name.partition(".")[0]
        yield from _named(value.settings)
    elif isinstance(value, Mapping):
        for inner in cast("Mapping[object, object]", value).values():
            yield from _named(inner)
    elif isinstance(value, tuple | list):
        for inner in cast("tuple[object, ...]", value):
            yield from _named(inner)


def _found_in(entry: str, package: str) -> Path | None:
    """The folder, if it has the package."""
    try:
        spec = PathFinder.find_spec(package, [entry])
    except (ImportError, ValueError):
        return None
    return Path(entry).absolute() if spec is not None and Path(entry).is_dir() else None


def _is_installed(folder: Path) -> bool:
    paths = sysconfig.get_paths()
    return any(folder.is_relative_to(paths[name]) for name in ("purelib", "platlib", "stdlib", "platstdlib"))


def _python_files(path: Path, root: Path) -> Iterator[tuple[str, bytes]]:
    """A module, or all that a package has."""
    if path.suffix == ".py" and path.is_file():
        yield path.relative_to(root).as_posix(), path.read_bytes()
    elif path.is_dir() and path.name not in SKIPPED and not (path / "pyvenv.cfg").exists():
        for each in sorted(path.iterdir()):
            if not each.name.startswith(".") and not each.is_symlink():
                yield from _python_files(each, root)


def _same(path: Path, content: bytes) -> bool:
    try:
        return path.read_bytes() == content
    except OSError:
        return False


def _unpacked(sent: SentPython) -> Path:
    """The files in a folder of this machine's cache, which workers that come later use too."""
    home = cache_folder()
    goal = None if home is None else home / f"python-{sent.digest}"
    if goal is not None and goal.is_dir():
        return goal
    made = Path(tempfile.mkdtemp(prefix="python-", dir=home))
    for name, content in sent.files.items():
        path = made / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
    if goal is None:
        return made
    try:
        return made.rename(goal)
    except OSError:  # another worker was faster
        return made


def _digest(files: Mapping[str, bytes]) -> str:
    whole = hashlib.sha256()
    for name, content in sorted(files.items()):
        whole.update(f"{name}\0{len(content)}\0".encode() + content)
    return whole.hexdigest()[:32]
