"""Genomes: the decisions of one candidate, by path, and taking them while a program is elaborated."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TypeAlias, cast

from archdsl.diagnostics import codes
from archdsl.diagnostics.record import UsageError
from archdsl.diagnostics.suggest import closest
from archdsl.meaning.decisions import Offer
from archdsl.meaning.operators import equal
from archdsl.meaning.run import Fault, show_option
from archdsl.meaning.values import UNKNOWN, Value
from archdsl.source import Span

Genome: TypeAlias = Mapping[str, object]
"""The option taken at each path: a number or string as itself, a component by its name."""
MOST_SHOWN = 12


def value_of(what: str, given: object) -> Value:
    """A Python value as the language has it."""
    if given is None or isinstance(given, bool | int | float | str):
        return given
    if isinstance(given, list | tuple):
        return tuple(value_of(what, item) for item in cast("Sequence[object]", given))
    raise UsageError(
        f"{what} cannot be {type(given).__name__}: give a number, a string, a boolean, None or a list of these"
    )


def chooser_of(name: str, genome: Genome | None, decided: tuple[tuple[str, Value], ...]) -> "GenomeChooser":
    """What takes the decisions of a genome, and those that a `decide` has taken before."""
    taken = {path: _option(value) for path, value in decided}
    again = [path for path in genome or () if path in taken]
    if again:
        raise UsageError(f"`{name}` has decided {', '.join(f'`{path}`' for path in again[:5])} already")
    own = {str(path): _option(value_of(f"the decision `{path}`", value)) for path, value in (genome or {}).items()}
    return GenomeChooser({**own, **taken}, frozenset(own))


def _option(value: Value) -> Value:
    """An option in the form in which it is recorded."""
    return "none" if value is None else value


@dataclass(slots=True)
class GenomeChooser:
    """Takes decisions from a genome; one that is open is an error."""

    genome: Mapping[str, Value]
    own: frozenset[str] = frozenset()
    used: set[str] = field(default_factory=set[str])
    met: set[str] = field(default_factory=set[str])

    def recall(self, path: str, offer: Offer | None = None) -> Value:
        self.met.add(path)
        if path in self.genome:
            self.used.add(path)
            return self.genome[path]
        return UNKNOWN

    def __call__(self, path: str, names: tuple[Value, ...], allowed: tuple[int, ...], span: Span) -> int:
        wanted = self.recall(path)
        shown = ", ".join(show_option(names[i]) for i in allowed[:MOST_SHOWN])
        if wanted is UNKNOWN:
            title, label = f"the decision `{path}` is open", "not in the genome"
            raise Fault(codes.NO_CHOICE_HERE.at(span, title, label, notes=(f"its options: {shown}",)))
        for option in allowed:
            if equal(names[option], wanted):
                return option
        title = f"`{path}` has no option {show_option(wanted)}"
        raise Fault(codes.UNKNOWN_OPTION.at(span, title, "decided here", notes=(f"the open options: {shown}",)))

    def check_used(self, name: str) -> None:
        """Refuse a genome with decisions that were never reached: it was made for something else."""
        unused = sorted(self.own - self.used)
        if unused:
            near = closest(unused[0], self.met)
            hint = f"; a similar one is `{near}`" if near else ""
            raise UsageError(f"`{name}` has no decision {', '.join(f'`{path}`' for path in unused[:5])}{hint}")
