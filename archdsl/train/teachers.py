"""The model that a distillation asks: what `archdsl train` wrote, or a model with a file of weights."""

from pathlib import Path
from typing import cast

from torch import nn

from archdsl import zoo
from archdsl.assembly import Loading, assembled
from archdsl.diagnostics.record import UsageError
from archdsl.parts import Part
from archdsl.targets import open_target
from archdsl.train.data.prepared import Prepared
from archdsl.train.fitting import CHANNELS, CLASSES, SIZES, check_fit


def teacher_of(part: Part, data: Prepared, allow_extern: bool = False) -> nn.Module:
    """The teacher, in evaluation mode. A model of the library is set for the data's pictures and classes."""
    name, weights = str(part["teacher"]), cast("str | None", part["weights"])
    folder = Path(name)
    settings: dict[str, object] = {}
    if folder.is_dir():
        target, weights = str(folder / "model.arch"), weights or str(folder / "model.safetensors")
    else:
        target = f"{zoo_prefix(name)}{name}"
        if target.startswith("zoo:"):
            settings = _for_data(target, data)
    if weights is None:
        raise UsageError(f'the teacher "{name}" has no weights: give them, {part.name}("{name}", weights="FILE")')
    opened = open_target(target, wants=("model",), settings=settings, allow_extern=allow_extern)
    built = assembled(opened, Loading(weights))
    check_fit(opened.name, built.graph, data)
    return built.model.eval().requires_grad_(False)


def zoo_prefix(name: str) -> str:
    """What makes a bare name of the zoo a target."""
    return "zoo:" if name in zoo.homes() else ""


def _for_data(target: str, data: Prepared) -> dict[str, object]:
    """The settings of a model of the zoo by which it fits the data, where they are not so already."""
    opened = open_target(target, wants=("model",))
    info = opened.program.declarations.get(opened.name)
    known = {setting.name for setting in info.settings} if info is not None else set[str]()
    size = data.size[0] if data.size[0] == data.size[1] else list(data.size)
    wanted = ((SIZES, size), (CHANNELS, data.channels), (CLASSES, len(data.classes)))
    return {word: value for words, value in wanted for word in words if word in known}
