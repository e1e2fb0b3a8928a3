"""Candidates of a space that are drawn, as the command line and Python ask for them."""

from collections.abc import Mapping
from dataclasses import dataclass
from random import Random
from typing import cast

from archdsl.diagnostics.record import UsageError
from archdsl.meaning.program import entry_of
from archdsl.meaning.run import Session, show_option
from archdsl.meaning.values import Value, show, space_of
from archdsl.search.contract import Candidate, Rejected
from archdsl.space.bounded import Bounded
from archdsl.space.opened import Space
from archdsl.space.wishes import Wish, wishes_of
from archdsl.targets import Target, TargetLike, open_target

FIRST_TRIES = 2_000
"""Candidates among which one is looked for that says what names the space binds."""


@dataclass(frozen=True, slots=True)
class Sample:
    """What was drawn. `even` says whether each candidate was as likely as every other, or only about so."""

    target: Target
    candidates: tuple[Candidate, ...]
    even: bool

    def source(self, candidate: Candidate) -> str:
        """The candidate as a file that stands alone, with its decisions in its head."""
        text = Space(self.target).architecture(candidate.genome)
        head, _, rest = text.partition("\n")
        taken = [f"#   {path} = {shown(option)}" for path, option in candidate.genome.items()]
        costs = f"# {candidate.params:,} params, {candidate.macs:,} MACs"
        return "\n".join((head, costs, *(["# Decisions:", *taken] if taken else []), rest))

    def decided(self, candidate: Candidate) -> str:
        """The candidate as a value of the space's own file."""
        target = self.target
        settings = ", ".join(f"{name}={text}" for name, text in target.written_settings().items())
        space = (
            f"{target.name}({settings})" if settings or target.name in target.program.unit.declarations else target.name
        )
        pairs = ", ".join(f'("{path}", {show(cast(Value, option))})' for path, option in candidate.genome.items())
        return f"decide({space}, [{pairs}])"


def shown(option: object) -> str:
    """An option as messages have it."""
    return show_option(cast(Value, option))


def sample(
    target: TargetLike,
    number: int = 5,
    *,
    seed: int = 0,
    where: str = "",
    settings: Mapping[str, object] | None = None,
) -> Sample:
    """Draw valid candidates of a space, evenly over its genomes. `where` holds conditions as the language writes them:
    `"macs < 500M and sum(depths) <= 6"`. The same seed gives the same candidates."""
    return drawn(open_target(target, wants=("space", "model"), settings=settings), number, seed, where)


def drawn(target: Target, number: int, seed: int, where: str) -> Sample:
    space = Space(target)
    domain = Bounded(space, tuple(conditions(space, where)) if where.strip() else ())
    rng = Random(seed)
    candidates = tuple(domain.draw(rng) for _ in range(number))
    return Sample(target, candidates, domain.even)


def conditions(space: Space, text: str) -> list[Wish]:
    """The conditions that a text puts on the candidates of a space."""
    target = space.target
    entry = entry_of(target.program, Session(target.program.limits), target.name, target.settings)
    return wishes_of(target.program, space_of(entry), _names(space), text)


def _names(space: Space) -> Mapping[str, object]:
    """What the body of the space binds, as one candidate has it."""
    rng = Random(0)
    for _ in range(FIRST_TRIES):
        found = space.complete({}, rng, graph=False)
        if not isinstance(found, Rejected):
            return found.names
    raise UsageError(f"none of the first {FIRST_TRIES:,} candidates of `{space.target.name}` meets its requirements")
