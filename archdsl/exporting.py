"""`archdsl export`: one model as one file. ONNX and pt2 are run and compared with the model before they are kept."""

import errno
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final, Literal, TypeAlias, get_args

from archdsl.assembly import Assembly, Loading, Match, assembled
from archdsl.building import source_of
from archdsl.diagnostics.record import UnusableFile, UsageError
from archdsl.meaning.genomes import Genome
from archdsl.output import new_file, refuse_existing
from archdsl.plain_form import in_plain_form
from archdsl.targets import Target, TargetLike, open_target
from archdsl.tuning import Tell, Tune

if TYPE_CHECKING:
    from torch import Tensor

    from archdsl.weights.files import Weights
    from archdsl_compiler.targets.comparison import Agreement

Format: TypeAlias = Literal["python", "onnx", "pt2", "safetensors"]
FORMATS: Final[tuple[str, ...]] = get_args(Format)


@dataclass(frozen=True, slots=True)
class Exported:
    """`text` of Python, else the `path` of the file, with how it compares where it was run. `built` is the model, None
    where the text alone was wanted."""

    text: str
    path: Path | None
    built: Assembly | None
    agreement: "Agreement | None" = None


def export(
    target: TargetLike,
    format: Format = "python",
    output: str | Path | None = None,
    *,
    force: bool = False,
    weights: "Weights | None" = None,
    match: Match = "name",
    skip: Sequence[str] = (),
    adapt: bool = False,
    deploy: bool = False,
    features_only: bool = False,
    genome: Genome | None = None,
    pick: Literal["first"] | None = None,
    allow_extern: bool = False,
    tune: Tune | bool = False,
    **settings: object,
) -> str:
    """Write a model to a file and give its path; for "python" the source is given, and written if there is an
    `output`. With `tune` it is the folded model, in the forms of plain PyTorch that the plan chose."""
    opened = open_target(target, settings=settings, genome=genome, pick=pick, allow_extern=allow_extern)
    loading = Loading(weights, match, skip, adapt)
    path = None if output is None else Path(output)
    found = exported(opened, format, path, loading, deploy=deploy, features_only=features_only, force=force, tune=tune)
    return found.text if format == "python" else str(found.path)


def exported(
    target: Target,
    format: str,
    path: Path | None,
    loading: Loading,
    *,
    deploy: bool = False,
    features_only: bool = False,
    force: bool = False,
    tune: Tune | bool = False,
    tell: Tell | None = None,
    seed: int | None = None,
) -> Exported:
    """Write one form of a model. Nothing is left at `path` if anything goes wrong."""
    if format not in FORMATS:
        raise UsageError(f"the formats are {', '.join(FORMATS)}, not {format!r}")
    if path is None and format != "python":
        raise UsageError(f"{format} is written to a file: give -o PATH (output=...)")
    if path is not None:
        refuse_existing(path, force)
    if format == "onnx":
        _need_onnx()
    if format == "python" and loading == Loading() and not deploy and not features_only and tune is False:
        # The source says all; no model is needed.
        text, built = source_of(target), None
    else:
        built = assembled(target, loading, deploy=deploy, features_only=features_only, tune=tune, tell=tell, seed=seed)
        built = built if built.tuned is None else in_plain_form(built, built.tuned)
        text = built.source
    if path is None:
        return Exported(text, None, built)
    if format == "python":
        content, agreement = text.encode("utf-8"), None
    elif format == "safetensors":
        assert built is not None
        return _with_weights(path, built, force)
    else:
        assert built is not None
        content, agreement = _compared(built, format)
    with new_file(path, force=force) as temporary:
        temporary.write_bytes(content)
    return Exported(text if format == "python" else "", path, built, agreement)


def save_tensors(tensors: "Mapping[str, Tensor]", path: Path) -> None:
    """A file of safetensors; what goes wrong with the disk is an OSError, as everywhere."""
    from safetensors import SafetensorError
    from safetensors.torch import save_file  # pyright: ignore[reportUnknownVariableType]

    plain = {name: tensor.detach().contiguous().cpu() for name, tensor in tensors.items()}
    path.touch()
    rights = path.stat().st_mode  # those that any new file gets, which `save_file` does not give
    try:
        save_file(plain, path, metadata={"format": "pt"})
        path.chmod(rights)
    except SafetensorError as error:
        number = re.search(r"os error (\d+)", str(error))
        raise OSError(int(number[1]) if number else errno.EIO, str(error)) from None


def _with_weights(path: Path, built: Assembly, force: bool) -> Exported:
    with new_file(path, force=force) as temporary:
        save_tensors(built.model.state_dict(), temporary)
    return Exported("", path, built)


def _need_onnx() -> None:
    from archdsl_compiler.targets.onnx_model import missing_packages

    missing = missing_packages()
    if missing:
        raise UsageError(f"onnx needs {', '.join(missing)}: pip install 'archdsl[onnx]'")


def _compared(built: Assembly, format: str) -> "tuple[bytes, Agreement]":
    """The content of the file, and how what runs from it compares with the model."""
    from archdsl_compiler.targets import exported_program, onnx_model
    from archdsl_compiler.targets.comparison import ExportFailed

    model = built.model.eval()
    try:
        if format == "onnx":
            content = onnx_model.onnx_bytes(model, built.graph)
            return content, onnx_model.compared(content, model, built.graph)
        content = exported_program.as_bytes(exported_program.exported_program(model, built.graph))
        return content, exported_program.compared(content, model, built.graph)
    except ExportFailed as error:
        raise UnusableFile(f"`{built.target.name}` was not written as {format}: {error}") from error
