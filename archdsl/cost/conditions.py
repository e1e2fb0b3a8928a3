"""Under which conditions a time was measured: what makes two times comparable."""

import platform
from dataclasses import dataclass
from functools import cache
from pathlib import Path


@dataclass(frozen=True, slots=True)
class Conditions:
    """Pictures in a pass, the dtype of reals, the device, the threads of PyTorch, and the machine."""

    batch: int
    dtype: str
    device: str
    threads: int
    machine: str
    torch: str

    @property
    def key(self) -> str:
        return "|".join(map(str, (self.device, self.machine, self.torch, self.threads, self.dtype, self.batch)))


def conditions_here(batch: int, dtype: str | None, device: str) -> Conditions:
    """Those of this process."""
    import torch

    kind = device.partition(":")[0]
    machine = processor() if kind == "cpu" else torch.cuda.get_device_name(device)
    return Conditions(batch, dtype or "float32", device, torch.get_num_threads(), machine, torch.__version__)


@cache
def processor() -> str:
    """What the system calls its processor."""
    try:
        for line in Path("/proc/cpuinfo").read_text(encoding="utf-8", errors="replace").splitlines():
            if line.startswith("model name"):
                return line.partition(":")[2].strip()
    except OSError:
        pass
    return platform.processor() or platform.machine() or "unknown"
