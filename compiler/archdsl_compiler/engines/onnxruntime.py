"""ONNX Runtime: runs the model as ONNX, written by PyTorch's exporter, which is what takes long. Needs the extra
`[onnx]`.

What is kept is the file as the runtime has optimised it for this processor. Its batch is open if the exporter can leave
it so, which costs nothing here."""

import contextlib
import io
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from importlib import import_module
from importlib.metadata import version
from importlib.util import find_spec
from pathlib import Path
from typing import Any, Final, cast

import torch
from torch import Tensor, nn

from archdsl_compiler.engines.contract import Dtype, Engine, Run, Work
from archdsl_compiler.engines.results import Flat
from archdsl_compiler.targets.exported_program import quiet

PACKAGES: Final = ("onnx", "onnxruntime", "onnxscript")
FILE: Final = "optimised.onnx"
_WRITTEN: Final = "written.onnx"
_SILENT: Final = 4
"""The runtime's level of messages that end the process."""


@dataclass(frozen=True, slots=True)
class ONNXRuntime:
    name: str = "onnxruntime"

    def available(self) -> str:
        missing = [name for name in PACKAGES if find_spec(name) is None]
        verb = "is" if len(missing) == 1 else "are"
        return f"{', '.join(missing)} {verb} not installed: pip install 'archdsl[onnx]'" if missing else ""

    def versions(self) -> tuple[str, ...]:
        return tuple(f"{name} {version(name)}" for name in PACKAGES)

    def dtypes(self) -> tuple[Dtype, ...]:
        # On processors it computes 16 bits by way of 32.
        return ("float32",)

    def expected_seconds(self, nodes: int) -> float:
        return 4.0 + 0.035 * nodes

    def write(self, model: nn.Module, inputs: Sequence[Tensor], work: Work, folder: Path) -> None:
        if work.dtype != "float32":
            raise ValueError(f"ONNX Runtime computes in float32 here, not in {work.dtype}")
        written = folder / _WRITTEN
        flat = Flat(model)
        try:
            made = _exported(flat, _doubled(inputs, work), _open_batch(work))
        except Exception:  # a size that must be known, most often
            made = _exported(flat, inputs, None)
        made.save(str(written), external_data=True)
        options = _options(work)
        options.optimized_model_filepath = str(folder / FILE)
        options.add_session_config_entry("session.optimized_model_external_initializers_file_name", f"{FILE}.data")
        _session(written, options)
        for left in (written, folder / f"{_WRITTEN}.data"):
            left.unlink(missing_ok=True)

    def load(self, folder: Path, work: Work) -> Run:
        options = _options(work)
        options.graph_optimization_level = _package().GraphOptimizationLevel.ORT_DISABLE_ALL
        session = _session(folder / FILE, options)
        # An input that the model never reads may be gone.
        return partial(_run, session, {given.name for given in session.get_inputs()})


def _run(session: Any, names: set[str], inputs: Sequence[Tensor]) -> Sequence[Tensor]:
    given = {_name(number): tensor.detach().contiguous().numpy() for number, tensor in enumerate(inputs)}
    found = session.run(None, {name: array for name, array in given.items() if name in names})
    return [torch.as_tensor(result) for result in found]


def _exported(flat: nn.Module, inputs: Sequence[Tensor], shapes: object) -> Any:
    with quiet(), contextlib.redirect_stdout(io.StringIO()), torch.no_grad():
        return cast(Any, torch.onnx).export(
            flat,
            tuple(inputs),
            dynamo=True,
            dynamic_shapes=shapes,
            input_names=[_name(number) for number in range(len(inputs))],
            verbose=False,
        )


def _options(work: Work) -> Any:
    options = _package().SessionOptions()
    options.intra_op_num_threads = work.threads
    options.inter_op_num_threads = 1
    options.log_severity_level = _SILENT
    # Threads that have nothing to do wait without turning.
    options.add_session_config_entry("session.force_spinning_stop", "1")
    return options


def _session(file: Path, options: Any) -> Any:
    return _package().InferenceSession(str(file), options, providers=["CPUExecutionProvider"])


def _doubled(inputs: Sequence[Tensor], work: Work) -> list[Tensor]:
    """With a batch that the exporter does not take for a constant."""
    if work.batch > 1:
        return list(inputs)
    return [torch.cat([given, given]) if has else given for given, has in zip(inputs, _has_batch(work), strict=True)]


def _open_batch(work: Work) -> object:
    batch = torch.export.Dim("batch")
    return (tuple({0: batch} if has else {} for has in _has_batch(work)),)


def _has_batch(work: Work) -> list[bool]:
    return [bool(shape) and shape[0] == work.batch for shape in work.shapes]


def _name(number: int) -> str:
    return f"input_{number}"


def _package() -> Any:
    return import_module("onnxruntime")


ENGINES: Final[tuple[Engine, ...]] = (ONNXRuntime(),)
