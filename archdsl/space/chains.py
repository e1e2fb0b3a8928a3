"""Candidates that are changed step by step: until they meet conditions, and on among those that do."""

import math
from collections.abc import Sequence
from random import Random

from archdsl.search.contract import Candidate, Decision, Genome, Rejected
from archdsl.space.opened import Space
from archdsl.space.wishes import Wish

REPAIRS = 600
"""Changes that are tried on one candidate."""
STEPS = 60
"""Changes that are made before a candidate of a chain is taken."""
HOT, COLD = 0.3, 0.003
"""Misses that are put up with at the beginning and at the end of a repair, as shares of what is wanted."""


def repaired(space: Space, wishes: Sequence[Wish], start: Genome, rng: Random) -> Candidate | None:
    """A candidate near a genome that meets all conditions; None where none was found. Changes that miss less are taken,
    others the more seldom the longer it lasts."""
    current = space.complete(start, rng, graph=False)
    for _ in range(REPAIRS // 10):
        if isinstance(current, Candidate):
            break
        kept = {path: option for path, option in start.items() if rng.random() < 0.7}
        current = space.complete(kept, rng, graph=False)
    if isinstance(current, Rejected):
        return None
    miss = _missed(wishes, current)
    for step in range(REPAIRS):
        if not miss:
            return current
        following = changed(space, current, rng)
        if following is None:
            continue
        other = _missed(wishes, following)
        heat = HOT * (COLD / HOT) ** (step / REPAIRS) * miss
        if other <= miss or rng.random() < math.exp((miss - other) / heat):
            current, miss = following, other
    return None if miss else current


def wandered(space: Space, wishes: Sequence[Wish], start: Candidate, rng: Random) -> Candidate:
    """Where a chain that stays among the candidates that meet the conditions has come to (Metropolis and Hastings)."""
    current = start
    for _ in range(STEPS):
        following = changed(space, current, rng)
        if following is None or _missed(wishes, following):
            continue
        if rng.random() < _likely(following, current) / _likely(current, following):
            current = following
    return current


def changed(space: Space, candidate: Candidate, rng: Random) -> Candidate | None:
    """Another option at one decision; what is reached only then is drawn."""
    open_decisions = [d for d in candidate.decisions if len(d.allowed) > 1 or d.bounds is not None]
    if not open_decisions:
        return None
    decision = rng.choice(open_decisions)
    genome = dict(candidate.genome)
    del genome[decision.path]
    if decision.bounds is None:
        others = [o for i in decision.allowed if (o := decision.options[i]) != decision.taken]
        if not others:
            return None
        genome[decision.path] = rng.choice(others)
    found = space.complete(genome, rng, graph=False)
    return found if isinstance(found, Candidate) else None


def _likely(one: Candidate, other: Candidate) -> float:
    """How likely a change leads from one candidate to the other, up to what both ways share."""
    before = {d.path: d for d in one.decisions}
    new = [d for d in other.decisions if d.path not in before]
    count = sum(1 for d in one.decisions if len(d.allowed) > 1 or d.bounds is not None)
    return math.prod(1 / _size(d) for d in new) / max(count, 1)


def _size(decision: Decision) -> int:
    return len(decision.allowed) or 1


def _missed(wishes: Sequence[Wish], candidate: Candidate) -> float:
    return sum(wish.violation(candidate) for wish in wishes)
