"""What is told of the machine, by what its system tells."""

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
import torch

from archdsl_compiler.tuning import conditions
from archdsl_compiler.tuning.conditions import conditions_here, features_here, processor

SAPPHIRE_RAPIDS = """\
processor\t: 0
vendor_id\t: GenuineIntel
cpu family\t: 6
model\t\t: 143
model name\t: Intel(R) Xeon(R) Platinum 8481C CPU @ 2.70GHz
flags\t\t: fpu sse2 avx2 avx_vnni avx512f avx512_bf16 avx512_vnni amx_bf16 amx_tile amx_int8 avx512_fp16 f16c

processor\t: 1
flags\t\t: fpu
"""
GRAVITON = """\
processor\t: 0
Features\t: fp asimd evtstrm aes asimdhp cpuid asimddp sve i8mm bf16 dgh
CPU implementer\t: 0x41
"""


@pytest.fixture(autouse=True)
def fresh(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    for name in conditions.LIMITS:
        monkeypatch.delenv(name, raising=False)
    features_here.cache_clear()
    processor.cache_clear()
    yield
    features_here.cache_clear()
    processor.cache_clear()


def test_a_processor_is_known_by_name_generation_and_instruction_sets(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    told = tmp_path / "cpuinfo"
    told.write_text(SAPPHIRE_RAPIDS, encoding="utf-8")
    monkeypatch.setattr(conditions, "TOLD", told)
    assert "Intel(R) Xeon(R) Platinum 8481C CPU @ 2.70GHz, family 6 model 143" == processor()
    assert (
        *("avx2", "avx_vnni", "avx512f", "avx512_vnni", "avx512_bf16", "avx512_fp16"),
        *("amx_tile", "amx_int8", "amx_bf16"),
    ) == features_here()


def test_other_processors_tell_less(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    told = tmp_path / "cpuinfo"
    told.write_text(GRAVITON, encoding="utf-8")
    monkeypatch.setattr(conditions, "TOLD", told)
    assert ("asimd", "asimdhp", "asimddp", "bf16", "i8mm", "sve") == features_here()
    told.unlink()
    features_here.cache_clear()
    assert () == features_here()
    assert processor()


def test_what_the_environment_forbids_is_another_condition(monkeypatch: pytest.MonkeyPatch):
    before = conditions_here()
    features_here.cache_clear()
    monkeypatch.setenv("ONEDNN_MAX_CPU_ISA", "AVX2")
    after = conditions_here()
    assert (*before.features, "ONEDNN_MAX_CPU_ISA=AVX2") == after.features
    assert before.key != after.key


@pytest.mark.usefixtures("one_thread")
def test_those_of_this_process():
    here = conditions_here()
    assert ("cpu", 1, torch.__version__) == (here.device, here.threads, here.torch)
    assert here.libraries.startswith("oneDNN ")
    assert all(part in here.key for part in (here.machine, here.libraries, here.allocator, *here.features))
    torch.set_num_threads(2)
    assert 2 == conditions_here().threads


def test_the_allocator_counts_and_is_not_touched():
    program = (
        "from archdsl_compiler.tuning.conditions import conditions_here\n"
        "from archdsl_compiler.tuning.allocator import keep_freed_memory\n"
        "before = conditions_here().allocator\n"
        "print(before, keep_freed_memory(), conditions_here().allocator)\n"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert "default glibc-kept glibc-kept\n" == done.stdout


def test_a_gpu_is_known_by_model_generation_and_driver(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(torch.cuda, "get_device_capability", lambda device: (9, 0))
    monkeypatch.setattr(torch.cuda, "get_device_name", lambda device: "NVIDIA H100 80GB HBM3")
    monkeypatch.setattr(conditions, "_libraries", lambda device: f"those of {device}")
    monkeypatch.setattr(conditions, "_gpu_settings", lambda device: ", settings")
    one, two = conditions_here("cuda:0"), conditions_here("cuda:1")
    assert one == two
    assert ("cuda", "NVIDIA H100 80GB HBM3", ("sm_90",), "those of cuda, settings") == (
        *(one.device, one.machine, one.features, one.libraries),
    )


def test_what_pytorch_is_told_about_products_on_a_gpu_counts(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(torch.cuda, "get_device_capability", lambda device: (9, 0))
    monkeypatch.setattr(torch.cuda, "get_device_name", lambda device: "NVIDIA H100 80GB HBM3")
    before = conditions_here("cuda").key
    monkeypatch.setattr(torch.backends.cudnn, "benchmark", not torch.backends.cudnn.benchmark)
    assert before != conditions_here("cuda").key
