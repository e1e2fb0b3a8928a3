"""The times of PyTorch's modules in the record, beside those of kernels."""

from archdsl.cost.timed_pass import TimedPass
from archdsl.kept_times import user_record
from archdsl_compiler.tuning.measuring import Timing
from archdsl_compiler.tuning.rows import Kept, Key

KERNEL = "module"
VERSION = 1
"""Raised when modules are built or timed in another way."""


def kept_time(digest: str, timed: TimedPass, kernel: str = KERNEL) -> float | None:
    """The seconds of one pass, if they are known; `kernel` says how it is run."""
    key = _key(digest, timed, kernel)
    kept = user_record().kept(timed.conditions, [digest]).get(key)
    return kept.timing.median if kept and kept.timing else None


def keep_time(digest: str, timed: TimedPass, timing: Timing, name: str = "", kernel: str = KERNEL) -> float:
    """Keep a time, and give the one that counts: of two processes that measured the same, the first one's."""
    user_record().keep(timed.conditions, {_key(digest, timed, kernel): Kept(timing, name=name)}, first_counts=True)
    kept = kept_time(digest, timed, kernel)
    return timing.median if kept is None else kept


def _key(digest: str, timed: TimedPass, kernel: str) -> Key:
    return Key(digest, kernel, VERSION, timed.dtype, "", timed.batch)
