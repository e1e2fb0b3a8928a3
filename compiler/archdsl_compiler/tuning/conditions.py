"""Under which conditions a time was measured: what makes two times comparable. Batch, dtype and layout belong to what
was measured; this is the machine and what is installed on it."""

import os
import platform
import re
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any, Final

from archdsl_compiler.tuning.allocator import allocator_in_use

FEATURES: Final = (
    *("avx2", "avx_vnni", "avx512f", "avx512_vnni", "avx512_bf16", "avx512_fp16", "amx_tile", "amx_int8", "amx_bf16"),
    *("asimd", "asimdhp", "asimddp", "bf16", "i8mm", "sve", "sve2"),
)
"""Instruction sets that kernels differ by, as Linux names them. The first row is of x86, the second of ARM."""
LIMITS: Final = ("ATEN_CPU_CAPABILITY", "ONEDNN_MAX_CPU_ISA")
"""Variables of the environment that keep libraries from using some of them."""

TOLD: Final = Path("/proc/cpuinfo")


@dataclass(frozen=True, slots=True)
class Conditions:
    """`machine` is the model of processor or GPU, `features` its instruction sets or generation, `libraries` those that
    compute for PyTorch, with a GPU's driver and the settings that they obey, `allocator` the word of
    `keep_freed_memory`."""

    device: str
    machine: str
    features: tuple[str, ...]
    threads: int
    torch: str
    libraries: str
    allocator: str

    @property
    def key(self) -> str:
        """Equal for equal conditions alone."""
        parts = (self.device, self.machine, " ".join(self.features), self.threads, self.torch, self.libraries)
        return "|".join(map(str, (*parts, self.allocator)))


def conditions_here(device: str = "cpu") -> Conditions:
    """Those of this process at the moment. The number of a GPU does not count, its model does."""
    import torch

    kind = device.partition(":")[0]
    if kind == "cuda":
        major, minor = torch.cuda.get_device_capability(device)
        machine, features = torch.cuda.get_device_name(device), (f"sm_{major}{minor}",)
    else:
        machine, features = processor(), features_here()
    return Conditions(
        kind,
        machine,
        features,
        torch.get_num_threads(),
        torch.__version__,
        _libraries(kind) + _gpu_settings(kind),
        allocator_in_use(),
    )


@cache
def processor() -> str:
    """What the system calls its processor. A virtual machine may hide the name, but not which generation it is."""
    name = _told("model name") or platform.processor() or platform.machine() or "unknown"
    family, model = _told("cpu family"), _told("model")
    return f"{name}, family {family} model {model}" if family and model else name


@cache
def features_here() -> tuple[str, ...]:
    """Instruction sets of the processor that kernels differ by, and what the environment limits them to."""
    found = set((_told("flags") or _told("Features")).split())
    limits = (f"{name}={os.environ[name]}" for name in LIMITS if os.environ.get(name))
    return (*(name for name in FEATURES if name in found), *limits)


def _told(name: str) -> str:
    """What Linux tells of its first processor under a name; nothing elsewhere."""
    try:
        text = TOLD.read_text(encoding="utf-8", errors="replace")
    except OSError:
        return ""
    found = re.search(rf"^{name}\s*:\s*(.*)$", text, re.MULTILINE)
    return found[1].strip() if found else ""


def _gpu_settings(device: str) -> str:
    """What PyTorch is told about products on a GPU: whether cuDNN tries its ways for each size, and whether float32
    factors may be rounded to fewer bits (TF32)."""
    import torch

    if device != "cuda":
        return ""
    cudnn: Any = torch.backends.cudnn
    conv = cudnn.conv.fp32_precision if hasattr(cudnn, "conv") else cudnn.allow_tf32
    return f", cuDNN benchmark {cudnn.benchmark}, convolutions {conv}, products {torch.get_float32_matmul_precision()}"


@cache
def _libraries(device: str) -> str:
    import torch

    shown = torch.__config__.show()
    if device == "cuda":
        internals: Any = torch._C  # pyright: ignore[reportPrivateUsage]
        driver: Any = getattr(internals, "_cuda_getDriverVersion", lambda: "unknown")
        versions = (torch.version.cuda, torch.backends.cudnn.version(), driver())
        return ", ".join(f"{name} {v}" for name, v in zip(("CUDA", "cuDNN", "driver"), versions, strict=True))
    patterns = {"oneDNN": r"(?:MKL-DNN|oneDNN)\D*v([\d.]+)", "MKL": r"Math Kernel Library Version ([\d.]+)"}
    found = {name: re.search(pattern, shown) for name, pattern in patterns.items()}
    return ", ".join(f"{name} {match[1]}" for name, match in found.items() if match)
