"""Domains that are written by hand, with what their candidates are worth: what strategies are tried on."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from hashlib import sha256
from random import Random

from archdsl.search.contract import Candidate, Choosing, Decision, Genome, Objective, Option, Part, Rejected, Trial


@dataclass(frozen=True, slots=True)
class Offer:
    names: tuple[Option, ...]
    allowed: tuple[int, ...]
    bounds: tuple[float, float] | None = None


@dataclass(slots=True)
class Walk:
    """A candidate in the making."""

    choose: Choosing
    decisions: list[Decision] = field(default_factory=list[Decision])
    broken: str = ""

    def take(self, path: str, options: Sequence[Option], allowed: Sequence[int] | None = None):
        """An option, as `choose` of the language takes it: one that is the only one is no decision."""
        names, open_ = tuple(options), tuple(range(len(options))) if allowed is None else tuple(allowed)
        if len(open_) == 1:
            return names[open_[0]]
        taken = self.choose(path, Offer(names, open_))
        assert taken in [names[number] for number in open_], (path, taken)
        self.decisions.append(Decision(path, taken, names, open_))
        return taken

    def real(self, path: str, low: float, high: float) -> float:
        taken = self.choose(path, Offer((), (), (low, high)))
        assert isinstance(taken, float), (path, taken)
        assert low <= taken <= high, (path, taken)
        self.decisions.append(Decision(path, taken, (), (), (low, high)))
        return taken

    def require(self, holds: bool, why: str) -> None:
        if not holds and not self.broken:
            self.broken = why


@dataclass(slots=True)
class HandMade:
    """A domain whose space is a function that takes decisions. It may return what the candidate means, where genomes
    differ that mean the same."""

    space: Callable[[Walk], object]
    follows: int = 0

    def follow(self, choose: Choosing) -> Candidate | Rejected:
        self.follows += 1
        walk = Walk(choose)
        meaning = self.space(walk)
        genome = {decision.path: decision.taken for decision in walk.decisions}
        if walk.broken:
            return Rejected(walk.broken, genome)
        told = repr(genome if meaning is None else meaning)
        return Candidate(tuple(walk.decisions), sha256(told.encode()).hexdigest()[:16], 0, 0)

    def draw(self, rng: Random) -> Candidate:
        for _ in range(10_000):
            found = self.complete({}, rng)
            if isinstance(found, Candidate):
                return found
        raise AssertionError("no candidate is valid")

    def complete(self, wanted: Genome, rng: Random) -> Candidate | Rejected:
        def choose(path: str, offer: Offer) -> Option:
            if offer.bounds is not None:
                given = wanted.get(path)
                low, high = offer.bounds
                return given if isinstance(given, float) and low <= given <= high else rng.uniform(low, high)
            options = [offer.names[number] for number in offer.allowed]
            return wanted[path] if path in wanted and wanted[path] in options else rng.choice(options)

        return self.follow(choose)


def flat(sites: int, options: int, name: str = "block{}") -> HandMade:
    def space(walk: Walk) -> None:
        for site in range(sites):
            walk.take(name.format(site), range(options))

    return HandMade(space)


def layered(depths: Sequence[int] = (3, 6), mixers: Sequence[str] = ("pool", "conv", "attention")) -> HandMade:
    """Stages of blocks: depths and widths, a mixer for each block, and a number of heads inside of attention. The first
    stage may have no attention, and the stages may not be too deep together."""

    def space(walk: Walk) -> None:
        walk.take("width", (16, 24, 32, 48))
        taken = [walk.take(f"depths.{stage}", range(1, most + 1)) for stage, most in enumerate(depths)]
        walk.require(sum(taken) <= sum(depths) - 1, "too deep")
        for stage, depth in enumerate(taken):
            for block in range(depth):
                path = f"mixers.{stage}.{block}"
                allowed = [n for n, mixer in enumerate(mixers) if stage > 0 or mixer != "attention"]
                if walk.take(path, mixers, allowed) == "attention":
                    walk.take(f"{path}.heads", (2, 4, 8))

    return HandMade(space)


def grammar(deepest: int = 4) -> HandMade:
    """A recursive space: a rule is a leaf, or two rules one after the other or side by side."""

    def rule(walk: Walk, path: str, depth: int) -> None:
        allowed = [0, 1, 2, 3] if depth < deepest else [0, 1]
        taken = walk.take(path, ("conv", "pool", "chain", "branch"), allowed)
        if taken in ("chain", "branch"):
            rule(walk, f"{path}.first", depth + 1)
            rule(walk, f"{path}.second", depth + 1)
        elif taken == "conv":
            walk.take(f"{path}.kernel", (1, 3, 5))

    return HandMade(lambda walk: rule(walk, "body", 1))


def reals(count: int) -> HandMade:
    def space(walk: Walk) -> None:
        for number in range(count):
            walk.real(f"x.{number}", 0.0, 1.0)

    return HandMade(space)


def wishes(*directions: str) -> tuple[Objective, ...]:
    """Objectives `f0`, `f1`, ...: each "max" or "min"."""
    return tuple(
        Objective(f"f{number}", direction == "max", Part(f"f{number}")) for number, direction in enumerate(directions)
    )


def finished(number: int, candidate: Candidate, *values: float, **more: object) -> Trial:
    """A trial of a candidate that is complete, unless it is said otherwise."""
    told = {"number": number, "proposal": number, "state": "complete", "seconds": 0.0, "values": values, **more}
    return Trial(genome=candidate.genome, hash=candidate.hash, **told)  # pyright: ignore[reportArgumentType]


Worth = Callable[[Mapping[str, Option]], tuple[float, ...]]
"""What a genome is worth, one value for each objective."""
