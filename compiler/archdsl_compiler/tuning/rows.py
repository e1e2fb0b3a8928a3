"""What the record holds: keys, and what is kept under them."""

import time
from dataclasses import dataclass, field
from typing import TypeAlias

from archdsl_compiler.tuning.conditions import Conditions
from archdsl_compiler.tuning.measuring import Timing


@dataclass(frozen=True, slots=True)
class Key:
    """What was measured: a kernel at a region, which is known by the digest of its graph, in a mode, with tensors that
    come as `operands` says. The words for modes and operands are the caller's."""

    region: str
    kernel: str
    version: int
    mode: str
    operands: str
    batch: int


@dataclass(frozen=True, slots=True)
class Kept:
    """What came of it: a timing and the largest error, or the reason of a failure. `name` is for people, `measured` the
    time of day in seconds since 1970."""

    timing: Timing | None
    error: float | None = None
    failure: str | None = None
    name: str = ""
    measured: float = field(default_factory=time.time)


Row: TypeAlias = tuple[Conditions, Key, Kept]


@dataclass(frozen=True, slots=True)
class Merged:
    """What became of rows that came: `new` ones were not known, `newer` ones took the place of older ones."""

    came: int
    new: int
    newer: int

    @property
    def known(self) -> int:
        """Those that changed nothing."""
        return self.came - self.new - self.newer
