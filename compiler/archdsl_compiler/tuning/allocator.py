"""The allocator's setting, which tuner and runtime share.

glibc gives large blocks back to the system as soon as they are freed, and each forward asks for them again. The system
then clears every page anew: a depth-wise convolution was seen to take 0.6 ms without that, and 2.8 ms with it. A
process that keeps what it frees is faster, and its times say something about kernels. The price is memory: what was
needed once stays with the process until it ends."""

import ctypes
import os
from functools import cache
from pathlib import PurePath
from typing import Any, Final

SWITCH: Final = "ARCHDSL_ALLOCATOR"
"""The variable of the environment; `default` leaves the allocator as it is."""
KEPT: Final = "glibc-kept"
UNTOUCHED: Final = "default"

# From glibc's malloc.h.
_TRIM_THRESHOLD, _MMAP_MAX = -1, -4
_LARGEST = 2**31 - 1


@cache
def keep_freed_memory() -> str:
    """Have this process keep the memory that it frees, and say in a word what allocates now: `glibc-kept`, `default`
    where nothing was changed, or the name of a library that took malloc over. Only glibc needs it, so elsewhere
    nothing happens; nor does it where the environment says `ARCHDSL_ALLOCATOR=default`.

    Once changed it stays so for the process, whose memory no longer shrinks."""
    if os.environ.get(SWITCH) == UNTOUCHED:
        return UNTOUCHED
    try:
        process: Any = ctypes.CDLL(None)
        process.gnu_get_libc_version  # noqa: B018  musl has none, nor has macOS
        owner = _owner(process)
        if owner != "libc":
            return owner
        # Large blocks come from the heap then, whatever their size; M_MMAP_THRESHOLD cannot be above 32 MB.
        worked = process.mallopt(_TRIM_THRESHOLD, _LARGEST) and process.mallopt(_MMAP_MAX, 0)
    except (OSError, AttributeError, TypeError):  # TypeError: Windows knows no CDLL(None)
        return UNTOUCHED
    return KEPT if worked else UNTOUCHED


def allocator_in_use() -> str:
    """The word of `keep_freed_memory`, which this does not call."""
    return keep_freed_memory() if keep_freed_memory.cache_info().currsize else UNTOUCHED


class _Found(ctypes.Structure):
    """What `dladdr` tells of an address."""

    _fields_ = [
        ("file", ctypes.c_char_p),
        ("base", ctypes.c_void_p),
        ("symbol", ctypes.c_char_p),
        ("address", ctypes.c_void_p),
    ]


def _owner(process: Any) -> str:
    """The library whose malloc this process uses: `libc`, or one that was preloaded."""
    found = _Found()
    if not process.dladdr(ctypes.cast(process.malloc, ctypes.c_void_p), ctypes.byref(found)) or not found.file:
        return UNTOUCHED
    return PurePath(os.fsdecode(found.file)).name.partition(".")[0].partition("-")[0]
