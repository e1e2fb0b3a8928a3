"""ONNX: one file with any batch, run by ONNX Runtime before anyone relies on it. Needs the extra `[onnx]`."""

import contextlib
import io
from collections.abc import Sequence
from importlib import import_module
from importlib.util import find_spec
from typing import Any, Final, cast

import torch
from torch import Tensor, nn

from archdsl_compiler.graph import Module, leaves
from archdsl_compiler.targets.comparison import (
    TRIED_BATCHES,
    Agreement,
    ExportFailed,
    agreement,
    example_inputs,
    input_names,
)
from archdsl_compiler.targets.exported_program import first_line, open_shapes, quiet

PACKAGES: Final = ("onnx", "onnxruntime", "onnxscript")
TOLERANCE: Final = 1e-4
"""Other kernels sum in another order."""
MOST_BYTES: Final = 2**31 - 2**20
"""What fits into one file of the format."""


def missing_packages() -> list[str]:
    return [name for name in PACKAGES if find_spec(name) is None]


def onnx_bytes(model: nn.Module, graph: Module) -> bytes:
    """The file; raises ExportFailed where the model has no such form."""
    size = sum(tensor.numel() * tensor.element_size() for tensor in model.state_dict().values())
    if size > MOST_BYTES:
        raise ExportFailed(f"the weights are {size:,} bytes, and one file of ONNX holds 2 GiB at most; use pt2")
    results = list(leaves(graph.outputs))
    names = ["output"] if len(results) == 1 else [f"output_{number}" for number in range(len(results))]
    exporter = cast(Any, torch.onnx)
    try:
        with quiet(), contextlib.redirect_stdout(io.StringIO()):
            made = exporter.export(
                model,
                example_inputs(graph, TRIED_BATCHES[0]),
                dynamo=True,
                dynamic_shapes=open_shapes(graph),
                input_names=input_names(graph),
                output_names=names,
                verbose=False,
            )
            return made.model_proto.SerializeToString()
    except Exception as error:  # whatever the exporter has to say
        raise ExportFailed(f"the model cannot be written as ONNX: {first_line(error)}") from error


def compared(content: bytes, model: nn.Module, graph: Module) -> Agreement:
    """Run the file by ONNX Runtime beside the model."""
    try:
        session = cast(Any, import_module("onnxruntime")).InferenceSession(content, providers=["CPUExecutionProvider"])
    except Exception as error:  # the runtime's own faults have no common kind
        raise ExportFailed(f"ONNX Runtime does not take the model: {first_line(error)}") from error
    names: list[str] = [given.name for given in session.get_inputs()]

    def run(inputs: Sequence[Tensor]) -> list[Tensor]:
        # An input that the model never reads may be gone.
        given = {name: tensor.numpy() for name, tensor in zip(input_names(graph), inputs, strict=True) if name in names}
        return [torch.as_tensor(result) for result in session.run(None, given)]

    return agreement(model, graph, run, TOLERANCE, "the ONNX model")
