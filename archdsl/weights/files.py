"""Tensors by name from a file of weights or a state dict given in Python.

Files of `torch.save` are read as data alone (`weights_only=True`): a pickle that would run code is refused."""

import pickle
import warnings
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final, TypeAlias, cast

import torch
from torch import Tensor

from archdsl.diagnostics.record import UnusableFile, UsageError

Weights: TypeAlias = str | Path | Mapping[str, Tensor]
"""A file, or a state dict."""

# Where training programs put a state dict in what they save, the one they mean first.
WRAPPERS: Final = ("state_dict", "model_state_dict", "model", "state_dict_ema", "model_ema", "net", "params", "weights")
DEEPEST_WRAPPER = 4
# In what the reader says of pickles that would make objects, or are programs.
_OBJECTS: Final = ("unsupported global", "unsupported class", "torchscript")
ADVICE: Final = "what is read: .safetensors, and what torch.save(model.state_dict(), ...) wrote"


@dataclass(frozen=True, slots=True)
class StateDict:
    """Tensors by name in the order of the file. `source` is how messages call it; `wrappers` are the keys that it
    stood under; `ordered` is false where the order is that of a format, not of a model."""

    source: str
    tensors: Mapping[str, Tensor]
    wrappers: tuple[str, ...] = ()
    ordered: bool = True


def read_weights(weights: Weights) -> StateDict:
    """The tensors; raises UnusableFile for a file that holds none."""
    if isinstance(weights, Mapping):
        return _unwrapped("the state dict", weights)
    if not isinstance(weights, str | Path):  # pyright: ignore[reportUnnecessaryIsInstance]
        raise UsageError(f"`weights` is a path or a state dict, not a {type(weights).__name__}")
    path = Path(weights)
    try:
        if path.is_dir():
            raise UnusableFile(f"`{path}` is a folder; name the file of weights in it")
        if not path.exists():
            raise UnusableFile(f"`{path}` does not exist; name a file of weights")
        if not path.is_file():
            raise UnusableFile(f"`{path}` is no regular file; {ADVICE}")
        with path.open("rb") as file:
            start = file.read(9)
    except (OSError, ValueError) as error:
        raise UnusableFile(f"`{weights}` cannot be read: {_why(error)}") from None
    if not start:
        raise UnusableFile(f"`{path}` is empty; {ADVICE}")
    if path.suffix == ".safetensors" or start[8:] == b"{":
        return StateDict(str(path), _safetensors(path), ordered=False)
    return _unwrapped(f"`{path}`", _saved(path))


def _safetensors(path: Path) -> dict[str, Tensor]:
    from safetensors import SafetensorError
    from safetensors.torch import load_file  # pyright: ignore[reportUnknownVariableType]

    try:
        return load_file(path)
    except (SafetensorError, OSError, ValueError, KeyError, RuntimeError) as error:
        raise UnusableFile(
            f"`{path}` is no sound file of safetensors, or it was cut off: {_why(error)}; fetch it again"
        ) from None


def _saved(path: Path) -> object:
    """What a file of `torch.save` holds."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return cast(object, torch.load(path, map_location="cpu", weights_only=True))
    except Exception as error:  # what damaged bytes make of the reader is anything
        if any(words in str(error).lower() for words in _OBJECTS):
            raise UnusableFile(
                f"`{path}` holds Python objects, not weights alone, and reading those would run its code; "
                "save the tensors alone: torch.save(model.state_dict(), ...)"
            ) from None
        if isinstance(error, pickle.UnpicklingError):
            raise UnusableFile(f"`{path}` cannot be read as weights, its bytes make no sense; {ADVICE}") from None
        raise UnusableFile(
            f"`{path}` cannot be read as weights, perhaps it was cut off: {_why(error)}; fetch it again"
        ) from None


def _why(error: Exception) -> str:
    """The first sentence of a reader's own words."""
    text = (error.strerror or str(error)) if isinstance(error, OSError) else str(error)
    first = text.strip().partition("\n")[0].partition(". ")[0][:160].rstrip(".:")
    return first or type(error).__name__


def _unwrapped(source: str, found: object) -> StateDict:
    """The state dict inside what was saved; raises UnusableFile where there is none."""
    wrappers: list[str] = []
    while isinstance(found, Mapping) and len(wrappers) <= DEEPEST_WRAPPER:
        entries = cast("Mapping[object, object]", found)
        key = next((key for key in WRAPPERS if isinstance(entries.get(key), Mapping)), None)
        if key is None or any(isinstance(value, Tensor) for value in entries.values()):
            return StateDict(source.strip("`"), _tensors(source, entries, wrappers), tuple(wrappers))
        wrappers.append(key)
        found = entries[key]
    kind = type(cast(object, found)).__name__
    what = f"a {kind} under `{wrappers[-1]}`" if wrappers else f"a {kind}"
    raise UnusableFile(f"{source} holds {what}, no tensors by name; {ADVICE}")


def _tensors(source: str, entries: Mapping[object, object], wrappers: list[str]) -> dict[str, Tensor]:
    where = f" under `{'.'.join(wrappers)}`" if wrappers else ""
    if not entries:
        raise UnusableFile(f"{source} holds no tensors{where}; {ADVICE}")
    tensors: dict[str, Tensor] = {}
    for name, value in entries.items():
        if not isinstance(name, str) or not isinstance(value, Tensor):
            raise UnusableFile(
                f"{source} holds {str(name)[:80]!r}{where}, which is no tensor but {type(value).__name__}; "
                "weights are tensors by name"
            )
        if value.layout != torch.strided or value.is_quantized or value.is_meta:
            raise UnusableFile(f"{source} holds {name!r} in a sparse, quantized or empty form; save plain tensors")
        tensors[name] = value
    return tensors
