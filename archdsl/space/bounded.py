"""Candidates of a space that meet further conditions, drawn evenly where that can be done.

How they are drawn is found out once, by looking at the space and at some of its candidates:

- `even`: the space's genomes are drawn evenly and those that miss a condition are thrown away; conditions that the
  diagrams can take, such as a sum of depths, throw nothing away;
- `by_cost`: where hardly any genome is cheap enough, the costs of all genomes are made a histogram, and only those are
  drawn that cost about what is wanted; the true cost decides;
- `chain`: else a candidate is repaired until it meets the conditions, and then changed for a while without leaving
  them; what comes of that is only approximately even.

A draw depends on the random numbers that it is given and on nothing that was drawn before."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from random import Random
from typing import Literal, TypeAlias, cast

from archdsl.diagnostics.record import ArchError, UsageError
from archdsl.meaning.check import with_deep_stack
from archdsl.meaning.conditions import ALWAYS, NEVER, Condition, TooManyConditions
from archdsl.meaning.dispatch import evaluate
from archdsl.meaning.operators import truth_of
from archdsl.meaning.run import Abandoned, Fault, TooManyCases
from archdsl.meaning.values import Unknown
from archdsl.meaning.variants import lift, split
from archdsl.search.contract import Candidate, Choosing, Genome, Rejected
from archdsl.space.chains import repaired, wandered
from archdsl.space.diagrams import Node, TooMuchWork
from archdsl.space.followed import Followed, Survey, follow_whole
from archdsl.space.measures import Count, Extents
from archdsl.space.opened import Choose, Space
from archdsl.space.wishes import Comparison, CostBound, Wish

Way: TypeAlias = Literal["even", "by_cost", "chain"]
PROBES = 200
"""Candidates that are looked at to see how many meet the conditions."""
RARE = 1 / 100
"""Below this share of candidates another way is looked for."""
VERY_RARE = 1 / 1000
OFTEN = 1 / 2
MOST_TRIES = 20_000


class Unsatisfiable(UsageError):
    """No candidate meets the conditions, or none was found."""


@dataclass(slots=True)
class Bounded:
    """The domain of a space with conditions."""

    space: Space
    wishes: tuple[Wish, ...] = ()
    _plan: "Plan | None" = field(default=None, repr=False)

    @property
    def plan(self) -> "Plan":
        """How candidates are drawn; found out when first asked for."""
        if self._plan is None:
            self._plan = with_deep_stack(lambda: planned(self.space, self.wishes))
        return self._plan

    @property
    def even(self) -> bool:
        """Whether each candidate is drawn as likely as every other."""
        return self.plan.even

    def draw(self, rng: Random) -> Candidate:
        plan = self.plan
        drawn = self._drawn(plan, rng)
        if drawn.hash:
            return drawn
        found = self.space.complete(drawn.genome, rng)
        assert isinstance(found, Candidate)
        return found

    def _drawn(self, plan: "Plan", rng: Random) -> Candidate:
        for _ in range(MOST_TRIES):
            if plan.way == "chain":
                return wandered(self.space, self.wishes, rng.choice(plan.starts), rng)
            found = plan.draw(rng)
            if isinstance(found, Candidate) and not violation(self.wishes, found):
                return found
        raise Unsatisfiable(_none_found(self.wishes, MOST_TRIES))

    def follow(self, choose: Choosing) -> Candidate | Rejected:
        return self._checked(self.space.follow(cast(Choose, choose)))

    def complete(self, wanted: Genome, rng: Random) -> Candidate | Rejected:
        """What is wanted, and where that misses a condition, something near it that does not."""
        found = self.space.complete(wanted, rng, graph=False)
        if isinstance(found, Rejected) or violation(self.wishes, found):
            near = repaired(self.space, self.wishes, wanted if isinstance(found, Rejected) else found.genome, rng)
            if near is None:
                return self._checked(self.space.complete(wanted, rng))
            found = near
        return self.space.complete(found.genome, rng)

    def _checked(self, found: Candidate | Rejected) -> Candidate | Rejected:
        if isinstance(found, Rejected):
            return found
        missing = [wish.text for wish in self.wishes if wish.violation(found)]
        return Rejected(f"it misses {' and '.join(missing)}", found.genome) if missing else found


@dataclass(slots=True)
class Plan:
    """A way to draw. `draw` gives a candidate of the space, which may still miss a condition; `starts` are valid
    candidates from which chains go on. `proven` says that the space was followed, so that nothing is left out."""

    way: Way
    even: bool
    draw: Callable[[Random], Candidate | Rejected]
    starts: list[Candidate] = field(default_factory=list[Candidate])


def violation(wishes: Sequence[Wish], candidate: Candidate) -> float:
    """By how much a candidate misses all conditions together; 0 where it meets them."""
    return sum(wish.violation(candidate) for wish in wishes)


def planned(space: Space, wishes: tuple[Wish, ...]) -> Plan:
    """Find out how candidates of a space that meet some conditions are drawn."""
    followed = follow_whole(space)
    node, survey, left = _even_node(followed, wishes)
    if followed is not None and survey is not None:
        if node is None:
            raise Unsatisfiable(f"no candidate meets {_told(wishes)}" if wishes else "the space has no valid candidate")
        _refuse_impossible(followed, wishes)

    def drawn(rng: Random, graph: bool) -> Candidate | Rejected:
        genome: Genome = survey.genome(node, rng) if survey is not None and node is not None else {}
        return space.complete(genome, rng, graph=graph)

    def draw(rng: Random) -> Candidate | Rejected:
        return drawn(rng, graph=False)

    rng = Random(0)
    probed = [draw(rng) for _ in range(PROBES if left or survey is None or followed is None or followed.loose else 20)]
    valid = [c for c in probed if isinstance(c, Candidate)]
    met = [c for c in valid if not violation(left, c)]
    if survey is not None and len(met) >= RARE * len(probed):
        # Where most are taken, the graph that the taken ones need is made at once.
        most = len(met) >= OFTEN * len(probed)
        return Plan("even", True, (lambda rng: drawn(rng, graph=True)) if most else draw)
    bounds = [wish for wish in left if isinstance(wish, CostBound)]
    if survey is not None and followed is not None and bounds and not followed.loose and not followed.sampled:
        plan = _by_cost(space, followed, bounds, left, valid, _condition(followed, wishes))
        if plan is not None:
            return plan
    starts = met + _started(space, wishes, [c.genome for c in valid] or [{}], rng)
    if not starts:
        raise Unsatisfiable(_none_found(wishes, len(probed) + TRIED))
    return Plan("chain", False, draw, starts)


TRIED = 20
"""Candidates that are repaired before none is taken to be there."""


def _started(space: Space, wishes: tuple[Wish, ...], genomes: list[Genome], rng: Random) -> list[Candidate]:
    found: list[Candidate] = []
    for number in range(TRIED):
        near = repaired(space, wishes, genomes[number % len(genomes)], rng)
        if near is not None:
            found.append(near)
    return found


def _even_node(
    followed: Followed | None, wishes: tuple[Wish, ...]
) -> tuple[Node[int] | None, Survey[int] | None, list[Wish]]:
    """The genomes that meet what the diagrams can take of the conditions, and the conditions that are left."""
    if followed is None:
        return None, None, list(wishes)
    left = [wish for wish in wishes if condition_of(followed, wish) is None]
    survey = Survey(followed, Count())
    try:
        return survey.whole(_condition(followed, wishes)), survey, left
    except (TooMuchWork, TooManyConditions):
        return None, None, list(wishes)


def _condition(followed: Followed, wishes: tuple[Wish, ...]) -> Condition:
    """All that the diagrams can take."""
    universe, whole = followed.world.universe, ALWAYS
    for wish in wishes:
        condition = condition_of(followed, wish)
        whole = whole if condition is None else universe.both(whole, condition)
    return whole


def condition_of(followed: Followed, wish: Wish) -> Condition | None:
    """The candidates that meet a condition over names of the space; None where the diagrams cannot tell."""
    if not isinstance(wish, Comparison) or wish.of_costs or followed.sampled:
        return None
    frame = wish.frame(followed.session, followed.world, followed.root.names)
    followed.session.steps = 0
    span = wish.node.span
    try:
        value = evaluate(wish.node, frame)
        truth = lift(frame, lambda v: truth_of(v, span, "a condition"), value)
        if isinstance(truth, Unknown):
            return None
        yes, no = split(frame, truth)
    except Fault as fault:
        raise ArchError((fault.diagnostic,)) from None
    except (TooManyCases, TooManyConditions, Abandoned):
        return None
    universe = followed.world.universe
    known = universe.either(yes, no)
    return yes if universe.without(followed.world.alive, known) == NEVER else None


def _refuse_impossible(followed: Followed, wishes: tuple[Wish, ...]) -> None:
    """Raise where the bounds of the space's costs leave nothing."""
    bounds = [wish for wish in wishes if isinstance(wish, CostBound)]
    if not bounds or followed.sampled:
        return
    try:
        node = Survey(followed, Extents()).whole(_condition(followed, wishes))
    except (TooMuchWork, TooManyConditions):
        return
    if node is None:
        return
    for wish in bounds:
        low, high = node.value.params if wish.metric == "params" else node.value.macs
        if wish.high < low or wish.low > high or wish.high < wish.low:
            name = "MACs" if wish.metric == "macs" else "params"
            raise Unsatisfiable(
                f"no candidate meets {wish.text}: the {name} of the space lie between {low:,} and {high:,}"
            )


def _by_cost(
    space: Space,
    followed: Followed,
    bounds: list[CostBound],
    left: list[Wish],
    seen: list[Candidate],
    condition: Condition,
) -> Plan | None:
    """Draw by the cost whose bound is met by the fewest."""
    from archdsl.space.costed import Costed, costed  # numpy, which is seldom needed

    rarest = sorted(bounds, key=lambda wish: sum(not wish.violation(c) for c in seen))
    for wish in rarest[:2]:
        found = costed(followed, wish, condition)
        if found is None:
            continue
        if found.empty:
            raise Unsatisfiable(f"no candidate meets {wish.text}")

        def draw(rng: Random, found: Costed = found) -> Candidate | Rejected:
            return space.complete(found.genome(rng), rng, graph=False)

        rng = Random(0)
        met = 0
        for number in range(5 * PROBES):
            candidate = draw(rng)
            met += isinstance(candidate, Candidate) and not violation(left, candidate)
            if met >= 3 and met >= VERY_RARE * number:
                return Plan("by_cost", True, draw)
    return None


def _told(wishes: Sequence[Wish]) -> str:
    return " and ".join(wish.text for wish in wishes)


def _none_found(wishes: Sequence[Wish], tries: int) -> str:
    return f"none of {tries:,} candidates meets {_told(wishes)}, and none could be repaired to meet it"
