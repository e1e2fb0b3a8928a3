"""Whether a model and data belong together: pictures of the model's size and channels, an output for each class."""

from collections.abc import Iterable
from typing import TypeAlias

from archdsl.diagnostics.record import UsageError
from archdsl.train.data.contract import Wanted
from archdsl.train.data.prepared import Prepared
from archdsl_compiler.graph import Module

# How models call what must fit, the usual name first.
SIZES = ("size", "image_size", "img_size", "resolution")
CHANNELS = ("channels", "in_channels", "in_chans", "in_channel")
Numbers: TypeAlias = tuple[int, ...]
CLASSES = ("classes", "num_classes", "labels", "outputs")


def wanted_by(graph: Module, allow_extern: bool = False) -> Wanted:
    """What pictures a model takes. Raises UsageError for a model of something else."""
    shapes = [tuple(axis if isinstance(axis, int) else None for axis in kind.shape) for kind in graph.input_types]
    if len(shapes) != 1 or len(shapes[0]) != 4 or None in shapes[0][1:]:
        raise UsageError(
            f"`{graph.name}` takes {', '.join(map(str, graph.input_types)) or 'nothing'}; "
            "training and measuring take models of one picture, [b, channels, height, width]"
        )
    channels, height, width = (int(axis or 0) for axis in shapes[0][1:])
    return Wanted(channels, (height, width), allow_extern)


def check_fit(name: str, graph: Module, data: Prepared) -> None:
    """Raise UsageError where the model does not fit the data, with the settings that would do."""
    wanted = wanted_by(graph)
    outputs = graph.output_types[0].shape
    classes = outputs[-1] if len(outputs) == 2 and isinstance(outputs[-1], int) else None
    if classes is None:
        raise UsageError(f"`{name}` gives {graph.output_types[0]}; a class for each picture takes [b, classes]")
    wrong: list[str] = []
    advice: list[str] = []
    for words, mine, theirs, what in (
        (SIZES, wanted.size, data.size, "pictures of {} pixels"),
        (CHANNELS, (wanted.channels,), (data.channels,), "pictures of {} channels"),
        (CLASSES, (classes,), (len(data.classes),), "{} classes"),
    ):
        if mine != theirs:
            wrong.append(f"`{name}` is for {what.format(_shown(mine))}, `{data.name}` has {_shown(theirs)}")
            advice.append(_advice(graph, words, mine, theirs))
    if wrong:
        raise UsageError(f"{'; '.join(wrong)}: give {' '.join(advice)}")


def _advice(graph: Module, words: Iterable[str], mine: Numbers, theirs: Numbers) -> str:
    """The setting that says it, by its usual name, or else by its value."""
    settings = dict(graph.settings)
    name = next((word for word in words if word in settings), None)
    name = name or next((known for known, each in settings.items() if type(each) is int and {each} == set(mine)), None)
    return f"--set {name}={_written(theirs)}" if name else f"a model for {_shown(theirs)}"


def _shown(value: Numbers) -> str:
    return " x ".join(map(str, value))


def _written(value: Numbers) -> str:
    return str(value[0]) if len(set(value)) == 1 else f"'{list(value)}'"
