"""All candidates of a finite domain, in order: the last decision turns first."""

from collections.abc import Iterator
from dataclasses import dataclass, field

from archdsl.diagnostics.record import UsageError
from archdsl.search.contract import Candidate, Domain, Offered, Option


@dataclass(slots=True)
class Wheel:
    """A decision of the counter: its open options and the one that is on."""

    options: tuple[Option, ...]
    at: int = 0


@dataclass(slots=True)
class Counter:
    """Takes the first open option of what is reached anew and keeps what was taken before. A genome decides itself what
    is reached, so the decisions of a conditional space need not be known beforehand."""

    wheels: list[Wheel] = field(default_factory=list[Wheel])
    _reached: int = 0

    def start(self) -> None:
        self._reached = 0

    def __call__(self, path: str, offer: Offered) -> Option:
        if offer.bounds is not None:
            raise UsageError(
                f"`{path}` is a range of reals, which `grid` cannot go through: give it options, such as "
                "`choose(linspace(0.1, 1.0, 10))`, or take another strategy"
            )
        if self._reached == len(self.wheels):
            self.wheels.append(Wheel(tuple(offer.names[number] for number in offer.allowed)))
        wheel = self.wheels[self._reached]
        self._reached += 1
        return wheel.options[wheel.at]

    def turn(self) -> bool:
        """Go on to the next genome; whether there is one. What a rejected genome did not reach is passed over."""
        del self.wheels[self._reached :]
        while self.wheels:
            if self.wheels[-1].at + 1 < len(self.wheels[-1].options):
                self.wheels[-1].at += 1
                return True
            self.wheels.pop()
        return False


def every_candidate(domain: Domain, most: int | None = None) -> Iterator[Candidate]:
    """Each valid candidate, genome after genome; `most` genomes are looked at. Genomes of one graph are all there."""
    counter = Counter()
    looked = 0
    while most is None or looked < most:
        looked += 1
        counter.start()
        found = domain.follow(counter)
        if isinstance(found, Candidate):
            yield found
        if not counter.turn():
            return
