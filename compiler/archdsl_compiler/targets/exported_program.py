"""The form of `torch.export`: a program of PyTorch's own ops in one file, with any batch."""

import io
import logging
import warnings
from collections.abc import Generator, Sequence
from contextlib import contextmanager
from typing import Final

import torch
from torch import Tensor, nn
from torch.export import ExportedProgram

from archdsl_compiler.graph import Module
from archdsl_compiler.targets.comparison import (
    TRIED_BATCHES,
    Agreement,
    ExportFailed,
    agreement,
    example_inputs,
    flat,
    has_batch,
)

TOLERANCE: Final = 1e-5
"""The same ops run, perhaps put together in another way."""


def exported_program(model: nn.Module, graph: Module) -> ExportedProgram:
    """The program; raises ExportFailed where the model cannot be traced with an open batch."""
    inputs = example_inputs(graph, TRIED_BATCHES[0])
    try:
        with quiet():
            return torch.export.export(model, inputs, dynamic_shapes=open_shapes(graph))
    except Exception as error:  # whatever the tracer has to say
        raise ExportFailed(f"torch.export cannot trace the model: {first_line(error)}") from error


def open_shapes(graph: Module) -> tuple[dict[int, object], ...]:
    """The batch of every input is one, and open."""
    batch = torch.export.Dim("batch")
    return tuple({0: batch} if open_batch else {} for open_batch in has_batch(graph))


def as_bytes(program: ExportedProgram) -> bytes:
    """What `torch.export.load` reads."""
    buffer = io.BytesIO()
    with quiet():
        torch.export.save(program, buffer)
    return buffer.getvalue()


def compared(content: bytes, model: nn.Module, graph: Module) -> Agreement:
    """Read the file's bytes again and run them beside the model."""
    with quiet():
        loaded = torch.export.load(io.BytesIO(content)).module()

    def run(inputs: Sequence[Tensor]) -> list[Tensor]:
        with torch.no_grad():
            return flat(loaded(*inputs))

    return agreement(model, graph, run, TOLERANCE, "the exported program")


@contextmanager
def quiet() -> Generator[None]:
    """Exporters warn of what lies in themselves."""
    noisy = [logging.getLogger(name) for name in ("torch.onnx", "torch.export", "torch.fx", "onnxscript", "onnx_ir")]
    levels = [logger.level for logger in noisy]
    try:
        for logger in noisy:
            logger.setLevel(logging.ERROR)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    finally:
        for logger, level in zip(noisy, levels, strict=True):
            logger.setLevel(level)


def first_line(error: Exception) -> str:
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    return (lines[0] if lines else type(error).__name__)[:300].rstrip(".")
