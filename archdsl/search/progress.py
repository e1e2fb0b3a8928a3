"""How a search goes, for people: one or two lines that change on a terminal, now and then a line elsewhere."""

import sys
import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Protocol

from archdsl.search.contract import Objective, Trial
from archdsl.search.front_so_far import FrontSoFar

OFTEN = 0.2
"""Seconds between two pictures on a terminal, and between two lines elsewhere."""
SELDOM = 10.0
WINDOW = 60.0
"""Seconds over which the rate is taken."""


@dataclass(slots=True)
class Progress:
    """The numbers. `total` and `end` are the limits, if there are any."""

    objectives: tuple[Objective, ...]
    front: FrontSoFar
    total: int | None
    end: float | None
    done: int = 0
    states: dict[str, int] = field(default_factory=dict[str, int])
    running: int = 0
    begun: float = field(default_factory=time.monotonic)
    _ends: deque[float] = field(default_factory=lambda: deque[float](maxlen=1000))

    def finished(self, trial: Trial, *, now: bool = True) -> None:
        """Count a trial; `now` says that it ended in this run."""
        self.done += 1
        self.states[trial.state] = self.states.get(trial.state, 0) + 1
        if now:
            self._ends.append(time.monotonic())

    def rate(self) -> float:
        """Trials in a second, of late."""
        now = time.monotonic()
        late = [end for end in self._ends if end > now - WINDOW]
        since = max(now - WINDOW, self.begun) if len(late) < len(self._ends) or len(late) < 1000 else late[0]
        return len(late) / max(now - since, 1e-6)

    def left(self) -> float | None:
        """Seconds to the end, as far as can be told."""
        rate = self.rate()
        guesses = [] if self.end is None else [max(0.0, self.end - time.monotonic())]
        if self.total is not None and rate > 0:
            guesses.append(max(0, self.total - self.done) / rate)
        return min(guesses, default=None)

    def lines(self) -> tuple[str, str]:
        """What is shown: how far it is, and what was found."""
        of = "" if self.total is None else f"/{self.total:,}"
        parts = [f"{self.done:,}{of} trials", f"{as_rate(self.rate())}"]
        parts += [f"{count:,} {state}" for state, count in sorted(self.states.items()) if state != "complete"]
        parts += [f"{self.running} running"] if self.running else []
        left = self.left()
        parts += [f"{as_time(left)} left"] if left is not None else []
        return " · ".join(parts), self.found()

    def found(self) -> str:
        """The best of each objective, and of several how large the front is."""
        front = self.front.ordered()
        if not front:
            return "nothing yet that meets all requirements"
        parts: list[str] = []
        for number, wish in enumerate(self.objectives):
            pick: Callable[..., Trial] = max if wish.maximize else min
            best = pick(front, key=lambda trial: trial.values[number])
            parts.append(f"best {wish.name} {as_value(best.values[number])} (trial {best.number})")
        if len(self.objectives) > 1:
            parts.append(f"front of {len(front)}")
            volume = self.front.volume()
            parts += [] if volume is None else [f"hypervolume {volume:.3f}"]
        return " · ".join(parts)


class Screen(Protocol):
    """Where progress is shown."""

    def show(self, progress: Progress) -> None: ...
    def note(self, text: str) -> None: ...
    def close(self) -> None: ...


@dataclass(slots=True)
class Lines:
    """A line now and then."""

    write: Callable[[str], None]
    _next: float = field(default_factory=lambda: time.monotonic() + SELDOM)

    def show(self, progress: Progress) -> None:
        now = time.monotonic()
        if now >= self._next:
            self.write("; ".join(progress.lines()))
            self._next = now + SELDOM

    def note(self, text: str) -> None:
        self.write(text)

    def close(self) -> None:
        pass


@dataclass(slots=True)
class Live:
    """Lines that change in place."""

    _live: Any
    _next: float = 0.0

    @classmethod
    def open(cls) -> "Live":
        from rich.console import Console
        from rich.live import Live as RichLive

        live = RichLive(console=Console(stderr=True), auto_refresh=False, transient=True)
        live.start()
        return cls(live)

    def show(self, progress: Progress) -> None:
        from rich.text import Text

        now = time.monotonic()
        if now >= self._next:
            self._live.update(Text("\n".join(progress.lines())), refresh=True)
            self._next = now + OFTEN

    def note(self, text: str) -> None:
        from rich.text import Text

        self._live.console.print(Text(text))

    def close(self) -> None:
        self._live.stop()


def screen_for() -> Screen:
    """What fits standard error."""
    if sys.stderr.isatty():
        return Live.open()
    return Lines(lambda text: print(text, file=sys.stderr, flush=True))


class Silent:
    """Nobody looks."""

    def show(self, progress: Progress) -> None:
        pass

    def note(self, text: str) -> None:
        pass

    def close(self) -> None:
        pass


def as_rate(rate: float) -> str:
    """Trials in a second, a minute or an hour."""
    if rate >= 1:
        return f"{rate:,.1f} a second"
    return f"{rate * 60:.1f} a minute" if rate * 60 >= 1 else f"{rate * 3600:.1f} an hour"


def as_time(seconds: float) -> str:
    """Hours, minutes and seconds."""
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{rest:02}" if hours else f"{minutes}:{rest:02}"


def as_value(value: float) -> str:
    """A value with four figures, whole numbers in full."""
    return f"{value:,.0f}" if value == int(value) and abs(value) >= 10 else f"{value:.4g}"
