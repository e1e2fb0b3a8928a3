"""The choices that conditions speak of: sites met so far, candidates that are left, decisions behind a condition."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from archdsl.diagnostics.record import Diagnostic
from archdsl.meaning.conditions import ALWAYS, NEVER, Condition, Universe
from archdsl.meaning.values import UNKNOWN, Component, Pair, Value, Variant
from archdsl.source import Span

if TYPE_CHECKING:
    from archdsl.meaning.summaries import Summary


@dataclass(slots=True)
class Site:
    """A choice of a world. One `of_size` is an open comparison instead of a choice: it belongs to no genome. `options`
    are the places where the options are written; a choice from a list has one place for all. `met` are the candidates
    that reach it, `left_open` those for which the `when` of each option holds, where an option has one; `whens` are the
    texts of these conditions, empty where there is none."""

    path: str
    names: tuple[Value, ...]
    span: Span
    options: tuple[Span, ...] = ()
    met: Condition = NEVER
    of_size: bool = False
    sampled: bool = False
    left_open: dict[int, Condition] = field(default_factory=dict[int, Condition])
    whens: tuple[str, ...] = ()


@dataclass(slots=True)
class Inner:
    """A call that was summed up in a world of its own: where, for which candidates it is made, and the site whose
    options are its cases, if it has several. `times` are the candidates of each application in the text; `made` those
    for which it makes its parameters."""

    path: str
    summary: "Summary"
    site: int | None
    met: Condition = NEVER
    made: Condition = NEVER
    times: list[Condition] = field(default_factory=list[Condition])


@dataclass(slots=True)
class World:
    """The candidates that are followed together. `open` are those that take no option which its `when`
    closes, `alive` those of them that no `require` has rejected; `inner` gives the decisions
    behind a case of a call that was summed up elsewhere, `calls` are these calls. The `ledger` has the parameters and
    multiply-accumulates of ops, by the candidates that have them."""

    universe: Universe
    sites: list[Site] = field(default_factory=list[Site])
    known: dict[tuple[object, ...], int] = field(default_factory=dict[tuple[object, ...], int])
    inner: dict[tuple[int, int], tuple[tuple[str, Value], ...]] = field(
        default_factory=dict[tuple[int, int], tuple[tuple[str, Value], ...]]
    )
    calls: dict[tuple[object, ...], Inner] = field(default_factory=dict[tuple[object, ...], Inner])
    ledger: dict[Condition, tuple[int, int]] = field(default_factory=dict[Condition, tuple[int, int]])
    entries: int = 0
    open: Condition = ALWAYS
    alive: Condition = ALWAYS
    kept: float = 1.0
    rejection: Diagnostic | None = None
    rejected: list[tuple[Condition, Span]] = field(default_factory=list[tuple[Condition, Span]])
    spaces: dict[Component, dict[str, Value]] = field(default_factory=dict[Component, dict[str, Value]])

    def enter(self, condition: Condition, params: int, macs: int) -> None:
        """Note in the ledger what some candidates pay."""
        if not params and not macs:
            return
        self.entries += 1
        before = self.ledger.get(condition, (0, 0))
        self.ledger[condition] = before[0] + params, before[1] + macs

    def witness(self, condition: Condition) -> dict[int, int]:
        """The fewest options that lead to a condition, and those that say what these options are."""
        universe = self.universe
        taken = universe.witness(condition)
        for number, option in sorted(taken.items()):
            site = self.sites[number]
            name = site.names[option] if option < len(site.names) else UNKNOWN
            if isinstance(name, Variant):
                here = condition
                for other, choice in taken.items():
                    here = universe.both(here, universe.taken(other, choice))
                joint = (universe.both(here, case) for case, _ in name.cases)
                taken = {**taken, **universe.witness(next(c for c in joint if c != NEVER))}
        return taken

    def decisions(self, condition: Condition) -> tuple[tuple[str, Value], ...]:
        """The decisions of a witness."""
        return self.shown(self.witness(condition))

    def shown(self, taken: Mapping[int, int]) -> tuple[tuple[str, Value], ...]:
        """The decisions behind the options taken at some sites."""
        found: list[tuple[str, Value]] = []
        for number, option in sorted(taken.items()):
            site = self.sites[number]
            inner = self.inner.get((number, option))
            if inner is not None:
                found += inner
            elif not site.of_size:
                found.append((site.path, settled(self.universe, taken, site.names[option])))
        return tuple(found)

    def depends_on_size(self, condition: Condition) -> bool:
        return any(self.sites[number].of_size for number in self.universe.support(condition))


def settled(universe: Universe, taken: Mapping[int, int], value: Value) -> Value:
    """A value as one candidate has it."""
    match value:
        case Variant():
            cases = (inner for condition, inner in value.cases if universe.holds(condition, taken))
            return settled(universe, taken, next(cases, UNKNOWN))
        case Pair() | tuple():
            return type(value)(settled(universe, taken, item) for item in value)
        case Component():
            inner = ((name, settled(universe, taken, setting)) for name, setting in value.settings)
            return Component(value.callee, tuple(inner), value.spans)
        case _:
            return value
