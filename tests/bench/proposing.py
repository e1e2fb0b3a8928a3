"""How long a strategy takes for a proposal when it has been told many trials."""

from random import Random
from statistics import median
from time import process_time

from archdsl.meaning.catalogue.registry import family
from archdsl.search.contract import Candidate, Part
from archdsl.search.strategies.registry import strategy_of
from tests.bench.measures import Measure
from tests.search.domains import finished, layered, wishes

PROMISED = 5.0
QUICK = ("random", "evolution", "nsga2")


def _worth(candidate: Candidate) -> tuple[float, float]:
    return float(sum(map(ord, candidate.hash))), float(len(candidate.decisions))


def proposing(name: str, told: int, count: int) -> Measure:
    """The median over so many trials after those that were told, of what a proposal and its telling cost."""
    domain, rng = layered((3, 4, 12, 3)), Random(0)
    defaults = {each.name: each.default for each in family("strategy")[name].settings}
    strategy = strategy_of(Part(name, defaults), domain, wishes("max", "min"))
    for number in range(told):
        candidate = domain.draw(rng)
        strategy.tell(finished(number, candidate, *_worth(candidate)), candidate)
    taken: list[float] = []
    for number in range(told, told + count):
        began = process_time()
        candidate = strategy.propose(Random(number), ())
        assert candidate is not None
        strategy.tell(finished(number, candidate, *_worth(candidate)), candidate)
        taken.append(process_time() - began)
    bound = PROMISED if name in QUICK else None
    return Measure(f"`{name}` after {told:,} trials, a trial", median(taken) * 1e3, "ms", at_most=bound)


def proposals() -> list[Measure]:
    """The quick ones after 9,000 trials, `tpe` as it slows."""
    quick = [proposing(name, 9_000, 1_000) for name in QUICK]
    return quick + [proposing("tpe", told, 11) for told in (100, 1_000, 3_000)]
