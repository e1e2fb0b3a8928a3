"""The allocator: what a forward costs in pages, in processes of their own, as the setting is for a process's life."""

import os
import subprocess
import sys

import pytest

from archdsl_compiler.tuning import allocator

FORWARD = """\
import resource, statistics, torch
from archdsl_compiler.tuning.allocator import keep_freed_memory
torch.set_num_threads(1)
word = keep_freed_memory()
x = torch.ones(8, 64, 144, 144)
for _ in range(5):
    x + 1
counts = []
for _ in range(15):
    before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
    x + 1
    counts.append(resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before)
print(word, int(statistics.median(counts)))
"""
"""Its blocks have 42 MB; of more than 32 MB glibc keeps none by itself."""


def word_and_faults(program: str = FORWARD, **environment: str) -> tuple[str, int]:
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True, env={**os.environ, **environment}
    )
    word, _, faults = done.stdout.strip().partition(" ")
    return word, int(faults)


@pytest.mark.slow
def test_a_forward_asks_for_no_pages_once_memory_is_kept():
    kept, few = word_and_faults()
    untouched, many = word_and_faults(ARCHDSL_ALLOCATOR="default")
    assert ("glibc-kept", "default") == (kept, untouched)
    assert few < 5
    assert many > 1000


@pytest.mark.slow
def test_a_process_that_has_torch_already_can_still_be_changed():
    late = FORWARD.replace("word = keep_freed_memory()\n", "").replace(
        "counts =", "word = keep_freed_memory()\ncounts ="
    )
    word, faults = word_and_faults(late)
    assert word == "glibc-kept"
    assert faults < 5


def test_another_malloc_is_left_alone_and_named(monkeypatch: pytest.MonkeyPatch):
    found: list[object] = []
    monkeypatch.setattr(allocator, "_owner", lambda process: found.append(process) or "libjemalloc")
    assert allocator.keep_freed_memory.__wrapped__() == "libjemalloc"
    assert len(found) == 1


def test_a_system_without_glibc_is_left_alone(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(allocator.ctypes, "CDLL", lambda name: object())
    assert allocator.keep_freed_memory.__wrapped__() == "default"

    def none(name: object):
        raise TypeError("Windows")

    monkeypatch.setattr(allocator.ctypes, "CDLL", none)
    assert allocator.keep_freed_memory.__wrapped__() == "default"


def test_the_library_behind_malloc_is_named():
    assert allocator._owner(allocator.ctypes.CDLL(None)) == "libc"
