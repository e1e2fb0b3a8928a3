"""OpenVINO: takes a model from PyTorch itself and compiles it in a second. Needs the extra `[openvino]`.

What is kept is its own form of the model, with sizes left open, since it compiles that as fast as it reads its compiled
form. For another batch it is compiled again, in less than a second."""

import sys
import warnings
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from importlib.metadata import version
from importlib.util import find_spec
from pathlib import Path
from threading import Lock
from typing import Any, Final

import torch
from torch import Tensor, nn

from archdsl_compiler.engines.contract import Dtype, Engine, Run, Work
from archdsl_compiler.engines.results import Flat
from archdsl_compiler.kernels.contract import LIMITS
from archdsl_compiler.targets.comparison import difference
from archdsl_compiler.targets.exported_program import quiet

FILE: Final = "model.xml"
MOST_OTHERS: Final = 4
"""Sizes, beside those that it was made for, that a program is compiled for at a time."""
FIXED: Final = "Converting a tensor to a Python"
"""How PyTorch's tracer begins to say that a number of the input became a constant."""
_HINTS: Final[dict[Dtype, str]] = {"float32": "f32", "bfloat16": "bf16", "float16": "f16"}
_CAPABILITIES: Final[dict[Dtype, str]] = {"float32": "FP32", "bfloat16": "BF16", "float16": "FP16"}


@dataclass(frozen=True, slots=True)
class OpenVINO:
    name: str = "openvino"

    def available(self) -> str:
        return "" if find_spec("openvino") else "openvino is not installed: pip install 'archdsl[openvino]'"

    def versions(self) -> tuple[str, ...]:
        return (f"openvino {version('openvino')}",)

    def dtypes(self) -> tuple[Dtype, ...]:
        can = set(_core().get_property("CPU", "OPTIMIZATION_CAPABILITIES"))
        return tuple(dtype for dtype, capability in _CAPABILITIES.items() if capability in can)

    def expected_seconds(self, nodes: int) -> float:
        return 4.0 + 0.011 * nodes

    def write(self, model: nn.Module, inputs: Sequence[Tensor], work: Work, folder: Path) -> None:
        flat = Flat(model)
        with torch.no_grad():
            try:
                made = _traced(flat, inputs)
                _check(made, flat, inputs)
            except Exception:
                # Slower, and often for one batch, but it follows what a trace does not.
                with quiet():
                    made = _imported().convert_model(torch.export.export(flat, tuple(inputs)))
        # One of 16 bits would be kept otherwise.
        _imported().save_model(made, folder / FILE, compress_to_fp16=False)

    def load(self, folder: Path, work: Work) -> Run:
        return _Program(folder / FILE, work)


class _Program:
    """The model compiled for the sizes that it was made for, and for others once they come. Compiled with open sizes it
    would take any, but OpenVINO was seen to crash then, at the windows of Swin."""

    def __init__(self, file: Path, work: Work) -> None:
        self.file = file
        self.work = work
        self.lock = Lock()
        self.requests = {work.shapes: self.request(work.shapes)}

    def request(self, shapes: tuple[tuple[int, ...], ...]) -> Any:
        """What computes for these sizes, once at a time."""
        model = _core().read_model(self.file)
        if len(model.inputs) != len(shapes):
            raise ValueError(f"of {len(shapes)} inputs OpenVINO kept {len(model.inputs)}")
        _fix(model, shapes)
        settings = {
            "INFERENCE_PRECISION_HINT": _HINTS[self.work.dtype],
            "INFERENCE_NUM_THREADS": self.work.threads,
            "NUM_STREAMS": 1,
            # Two processes would share one core otherwise and leave the next one idle.
            "ENABLE_CPU_PINNING": False,
        }
        return _core().compile_model(model, "CPU", settings).create_infer_request()

    def __call__(self, inputs: Sequence[Tensor]) -> Sequence[Tensor]:
        shapes = tuple(tuple(given.shape) for given in inputs)
        arrays = [tensor.detach().contiguous().numpy() for tensor in inputs]
        with self.lock:
            if shapes not in self.requests:
                others = [each for each in self.requests if each != self.work.shapes]
                if len(others) >= MOST_OTHERS:
                    del self.requests[others[0]]
                self.requests[shapes] = self.request(shapes)
            found = self.requests[shapes].infer(arrays, share_inputs=True, share_outputs=True)
            # The next request writes to the same place.
            return [torch.as_tensor(result).clone() for result in found.values()]


def _traced(flat: Flat, inputs: Sequence[Tensor]) -> Any:
    with warnings.catch_warnings(record=True) as told:
        warnings.simplefilter("always")
        made = _imported().convert_model(flat, example_input=tuple(inputs))
    if any(str(each.message).startswith(FIXED) for each in told):
        raise ValueError("the trace decided by numbers of its input, once and for all")
    return made


def _check(made: Any, flat: Flat, inputs: Sequence[Tensor]) -> None:
    """With sizes fixed OpenVINO computes some traces wrongly: that of a transformer for films it was seen to."""
    fixed = made.clone()
    _fix(fixed, [tuple(given.shape) for given in inputs])
    found = _core().compile_model(fixed, "CPU", {"INFERENCE_PRECISION_HINT": "f32"})([x.numpy() for x in inputs])
    for expected, result in zip(flat(*inputs), found.values(), strict=True):
        if not difference(expected, torch.as_tensor(result)) <= LIMITS["float32"]:
            raise ValueError("the trace is computed wrongly")


def _fix(model: Any, shapes: Sequence[tuple[int, ...]]) -> None:
    """Give all inputs of a model their sizes."""
    sizes = zip(model.inputs, shapes, strict=True)
    model.reshape({given: _imported().PartialShape(list(shape)) for given, shape in sizes})


@cache
def _core() -> Any:
    return _imported().Core()


@cache
def _imported() -> Any:
    """The package, without the one that reports each import to its makers over the network."""
    reporter = "openvino_telemetry"
    if reporter in sys.modules or "openvino" in sys.modules:
        import openvino  # pyright: ignore[reportMissingTypeStubs]

        return openvino
    sys.modules[reporter] = None  # pyright: ignore[reportArgumentType]
    try:
        import openvino  # pyright: ignore[reportMissingTypeStubs]
    finally:
        del sys.modules[reporter]
    return openvino


ENGINES: Final[tuple[Engine, ...]] = (OpenVINO(),)
