"""When a space is too large to be followed whole: candidates that together take every option, and every pair of
options, that a candidate can take. What is found so is certain; what is not found is covered, not proven."""

import random
from dataclasses import dataclass, field, replace

from archdsl.diagnostics import codes
from archdsl.diagnostics.record import ArchError, Diagnostic
from archdsl.meaning.decisions import Offer
from archdsl.meaning.roots import run_entry
from archdsl.meaning.run import COST_OF_CHOICE, Fault, Session, told
from archdsl.meaning.values import UNKNOWN, Component, Decided, Value
from archdsl.source import Span

MOST_CANDIDATES = 400
PATIENCE = 40
"""Candidates in a row that bring no new pair before the rest of the pairs is taken to be impossible."""

MOST_LOOKED_AT = 64
"""Options that are weighed against each other where a choice has very many."""
MOST_WORK = 2_000_000
"""Pairs that are looked at before the rest of the candidates is drawn at random."""
MOST_PAIRED = 300
"""Decisions of a candidate whose pairs are counted."""

Pick = tuple[str, int]


@dataclass(slots=True)
class Coverer:
    """Takes, at each choice, the option whose pairs with the decisions before it are the least seen."""

    draw: random.Random
    seen: set[Pick] = field(default_factory=set[Pick])
    pairs: set[tuple[Pick, Pick]] = field(default_factory=set[tuple[Pick, Pick]])
    current: list[Pick] = field(default_factory=list[Pick])
    work: int = 0
    names: dict[str, Value] = field(default_factory=dict[str, Value])

    def recall(self, path: str, offer: Offer | None = None) -> Value:
        return self.names.get(path, UNKNOWN)

    def __call__(self, path: str, names: tuple[Value, ...], allowed: tuple[int, ...], span: Span) -> int:
        def news(option: int) -> tuple[bool, int, float]:
            pick = (path, option)
            fresh = sum((earlier, pick) not in self.pairs for earlier in self.current)
            return pick not in self.seen, fresh, self.draw.random()

        near = allowed if len(allowed) <= MOST_LOOKED_AT else self.draw.sample(allowed, MOST_LOOKED_AT)
        self.work += len(near) * len(self.current)
        option = max(near, key=news) if self.work < MOST_WORK else self.draw.choice(allowed)
        self.current.append((path, option))
        self.names[path] = names[option]
        return option

    def finish(self) -> bool:
        """End a candidate; whether it brought anything new."""
        before = len(self.seen) + len(self.pairs)
        self.seen.update(self.current)
        if len(self.current) <= MOST_PAIRED:
            self.pairs.update((a, b) for i, a in enumerate(self.current) for b in self.current[i + 1 :])
        self.current.clear()
        self.names.clear()
        return len(self.seen) + len(self.pairs) > before


def cover(session: Session, entry: Component | Decided, span: Span, until_valid: bool = False) -> bool:
    """Check a space by covering candidates; whether one of them was valid, at which the search may end. A candidate for
    which the steps do not suffice counts as valid: nothing is known against it."""
    coverer = Coverer(random.Random(0))
    valid = False
    idle = 0
    kept: dict[object, object] = {}
    left = session.limits.steps // COST_OF_CHOICE
    for _ in range(MOST_CANDIDATES):
        limits = replace(session.limits, steps=left)
        trial = Session(limits, chooser=coverer, applied=session.applied, inferred=session.inferred, remembered=kept)
        found: tuple[Diagnostic, ...] = ()
        try:
            run_entry(trial, entry, span)
        except ArchError as error:
            found = error.diagnostics
        except Fault as fault:
            found = (fault.diagnostic,)
        left -= trial.steps
        _note(session, found, tuple(coverer.names.items()))
        valid = valid or not found or left <= 0
        idle = 0 if coverer.finish() else idle + 1
        if (until_valid and valid) or left <= 0 or idle >= PATIENCE or coverer.work >= MOST_WORK:
            break
    return valid


def _note(session: Session, found: tuple[Diagnostic, ...], decisions: tuple[tuple[str, Value], ...]) -> None:
    """Keep a fault of a candidate, unless it only says that the candidate is none, or that the steps ran out."""
    for diagnostic in found:
        if diagnostic.code not in REJECTIONS:
            session.add(diagnostic, told(decisions))


REJECTIONS = (codes.REQUIREMENT.name, codes.NO_OPTIONS.name, codes.TOO_MANY_STEPS.name)
