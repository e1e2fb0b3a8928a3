"""Ctrl-C and a request to end, which stop a search cleanly."""

import signal
import threading
from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import dataclass
from types import FrameType


@dataclass(slots=True)
class Stop:
    """Whether someone has asked to stop."""

    asked: bool = False

    def __call__(self) -> bool:
        return self.asked


@contextmanager
def stopping() -> Generator[Stop]:
    """Signals ask to stop; a second one no longer asks. Only the main thread is told of signals."""
    stop = Stop()

    def ask(_number: int, _frame: FrameType | None) -> None:
        if stop.asked:
            raise KeyboardInterrupt
        stop.asked = True

    if threading.current_thread() is not threading.main_thread():
        yield stop
        return
    before = {number: signal.signal(number, ask) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield stop
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
