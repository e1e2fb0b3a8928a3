"""What others make of timm's module: each function gives a callable of the same pictures.

They are set up as their documentation says for a latency on so many threads: no engine gets more threads than ours."""

import copy
import tempfile
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Final, TypeAlias

import torch
from torch import Tensor, nn

from tests.bench.kernels.models import Setting

Run: TypeAlias = Callable[[Tensor], Tensor]
Rival: TypeAlias = Callable[[nn.Module, Tensor, Setting], Run]
"""Takes the module, pictures of the size that will be asked for, and the setting."""


def compiled(module: nn.Module, _inputs: Tensor, setting: Setting) -> Run:
    return _inductor(module, setting)


def frozen(module: nn.Module, _inputs: Tensor, setting: Setting) -> Run:
    return _inductor(module, setting, options={"freezing": True})


def autotuned(module: nn.Module, _inputs: Tensor, setting: Setting) -> Run:
    channels_last = copy.deepcopy(module).to(memory_format=torch.channels_last)
    return _inductor(channels_last, setting, mode="max-autotune")


def onnxruntime(module: nn.Module, inputs: Tensor, setting: Setting) -> Run:
    import onnxruntime as runtime

    if setting.dtype != "fp32":
        raise ValueError(f"its processor kernels do not compute in {setting.dtype}")
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "model.onnx"
        torch.onnx.export(module, (inputs,), path, dynamo=True, verbose=False)
        options = runtime.SessionOptions()
        options.intra_op_num_threads, options.inter_op_num_threads = setting.threads, 1
        session = runtime.InferenceSession(path, options, providers=["CPUExecutionProvider"])
    (given,) = (each.name for each in session.get_inputs())
    return lambda pictures: torch.from_numpy(session.run(None, {given: pictures.numpy()})[0])


def openvino(module: nn.Module, inputs: Tensor, setting: Setting) -> Run:
    import openvino as runtime

    converted = runtime.convert_model(module, example_input=inputs, input=[tuple(inputs.shape)])
    settings = {
        "INFERENCE_NUM_THREADS": setting.threads,
        "PERFORMANCE_HINT": "LATENCY",
        "INFERENCE_PRECISION_HINT": {"fp32": "f32", "fp16": "f16"}.get(setting.dtype, setting.dtype),
    }
    model: Any = runtime.compile_model(converted, "CPU", settings)
    return lambda pictures: torch.from_numpy(model(pictures.numpy(), share_inputs=True)[0])


def _inductor(module: nn.Module, setting: Setting, **how: Any) -> Run:
    torch.compiler.reset()
    dtype = setting.torch_dtype
    faster = torch.compile(copy.deepcopy(module).to(dtype), **how)
    return lambda pictures: faster(pictures.to(dtype)).float()


RIVALS: Final[Mapping[str, Rival]] = {
    "openvino": openvino,
    "onnxruntime": onnxruntime,
    "compile": compiled,
    "freeze": frozen,
    "autotuned": autotuned,
}
"""By the names that the rows have."""
