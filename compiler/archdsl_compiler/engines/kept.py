"""Programs that were made before: a folder for each, named by all that it follows from, put there whole or not at all.

Beside the files of its engine a folder has a page that says what it is and what its files hash to, so that one that
suffered is made again and never run."""

import hashlib
import json
import os
import platform
import shutil
import sys
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, cast

import torch
from torch import Tensor, nn

from archdsl_compiler.engines.contract import Engine, Work
from archdsl_compiler.engines.results import Form, as_written
from archdsl_compiler.tuning.conditions import features_here, processor

PAGE: Final = "program.json"
_MADE_BY: Final = ("contract", "results", "kept", "child")
"""Modules of this room that all that is kept follows from, beside that of the engine."""


@dataclass(frozen=True, slots=True)
class Page:
    """How results are put together, whether the program takes any batch, how far its results were from the model's,
    and how many seconds it took to make."""

    form: Form
    any_batch: bool
    difference: float
    seconds: float


def source_of(model: nn.Module) -> str:
    """The text that a model was made from. Raises TypeError for a model that was not emitted, whose programs cannot be
    told apart."""
    text = vars(sys.modules[type(model).__module__]).get("__source__")
    if not isinstance(text, str):
        raise TypeError(f"{type(model).__name__} was not made from emitted source")
    return text


def weights_digest(state: Mapping[str, Tensor]) -> str:
    """Of all values of a state dict."""
    found = hashlib.sha256()
    for name, tensor in state.items():
        found.update(f"{name} {tensor.dtype} {tuple(tensor.shape)}\0".encode())
        plain = tensor.detach().cpu().contiguous()
        if plain.numel():
            found.update(cast(Any, plain.reshape(-1).view(torch.uint8).numpy()))
    return found.hexdigest()


def folder_name(engine: Engine, source: str, weights: str, work: Work) -> str:
    """What tells a program from all others: the model with its weights, what it is made for, by what, and where."""
    told = repr((source, weights, work, engine.name, engine.versions(), torch.__version__, _code(engine), _machine()))
    return f"{engine.name.replace(':', '-')}-{hashlib.sha256(told.encode()).hexdigest()[:32]}"


def keep(made: Path, page: Page, folder: Path) -> None:
    """Move what was made to its folder. One that is there already and whole stays: another process was quicker. Raises
    OSError where nothing can be kept."""
    written = {
        "form": page.form,
        "any_batch": page.any_batch,
        "difference": page.difference,
        "seconds": page.seconds,
        "files": {str(file.relative_to(made)): _digest(file) for file in sorted(made.rglob("*")) if file.is_file()},
    }
    (made / PAGE).write_text(json.dumps(written, indent=1), encoding="utf-8")
    if kept(folder) is not None:
        return
    with suppress(FileNotFoundError):
        # Out of the way at once, then gone: nobody finds half a folder.
        folder.rename(made.with_name("replaced"))
    try:
        made.rename(folder)
    except OSError:
        if kept(folder) is None:
            raise


def kept(folder: Path) -> Page | None:
    """What a folder holds, or None if there is none or it is not as it was."""
    try:
        written: dict[str, Any] = json.loads((folder / PAGE).read_bytes())
        if any(_digest(folder / name) != digest for name, digest in written["files"].items()):
            return None
        found = Page(
            as_written(written["form"]),
            bool(written["any_batch"]),
            float(written["difference"]),
            float(written["seconds"]),
        )
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return None
    with suppress(OSError):
        os.utime(folder)  # when it was last of use
    return found


def make_room(root: Path, most_bytes: int) -> None:
    """Remove the programs that were of no use for longest, until the rest has so many bytes at most. The last one
    stays, whatever its size."""
    found: list[tuple[float, int, Path]] = []
    with suppress(OSError):
        for folder in root.iterdir():
            if (folder / PAGE).is_file():
                size = sum(file.stat().st_size for file in folder.rglob("*") if file.is_file())
                found.append((folder.stat().st_mtime, size, folder))
    total = 0
    for position, (_, size, folder) in enumerate(sorted(found, reverse=True)):
        total += size
        if position and total > most_bytes:
            shutil.rmtree(folder, ignore_errors=True)


def _machine() -> tuple[object, ...]:
    """Engines make programs for one processor with what it can."""
    return platform.system(), platform.machine(), processor(), features_here()


def _code(engine: Engine) -> str:
    """A digest of our own code."""
    files = [Path(__file__).with_name(f"{name}.py") for name in _MADE_BY]
    files.append(Path(str(sys.modules[type(engine).__module__].__file__)))
    return hashlib.sha256(b"\0".join(file.read_bytes() for file in files)).hexdigest()


def _digest(file: Path) -> str:
    with file.open("rb") as content:
        return hashlib.file_digest(content, "sha256").hexdigest()
