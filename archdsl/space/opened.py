"""A space that is open to be walked: candidates by their genome, by what is wanted of them, or as a chooser takes them.

Candidates are elaborated as models are, so that what a search sees is what is built. What one candidate needs was
mostly made for another before, and is found again."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from random import Random
from typing import cast

from archdsl.cost.memory import Known as Needs
from archdsl.cost.memory import Need, NeedKey, peak_bytes
from archdsl.diagnostics import codes
from archdsl.diagnostics.record import ArchError, Diagnostic
from archdsl.meaning.check import with_deep_stack
from archdsl.meaning.decisions import Offer
from archdsl.meaning.modules import finished
from archdsl.meaning.operators import equal
from archdsl.meaning.program import entry_of
from archdsl.meaning.roots import run_entry
from archdsl.meaning.run import Fault, Session
from archdsl.meaning.values import UNKNOWN, Decided, Value
from archdsl.resolved import resolved_source
from archdsl.search.contract import Candidate, Decision, Genome, Option, Rejected
from archdsl.source import Span
from archdsl.targets import Target
from archdsl_compiler.digest import Known, digest
from archdsl_compiler.graph import Module
from archdsl_compiler.ops.contract import Inferred

REJECTIONS = (codes.REQUIREMENT.name, codes.NO_OPTIONS.name)
Choose = Callable[[str, Offer], Value]
"""Takes an option, by what it is called, of what is on offer at a path."""


@dataclass(slots=True)
class Walker:
    """Takes each decision once, as a function says, and remembers it for whoever asks again."""

    choose: Choose
    taken: dict[str, Value] = field(default_factory=dict[str, Value])
    offers: dict[str, Offer] = field(default_factory=dict[str, Offer])

    def recall(self, path: str, offer: Offer | None = None) -> Value:
        known = self.taken.get(path, UNKNOWN)
        if known is not UNKNOWN or offer is None:
            return known
        option = self.taken[path] = self.choose(path, offer)
        self.offers[path] = offer
        return option

    def __call__(self, path: str, names: tuple[Value, ...], allowed: tuple[int, ...], span: Span) -> int:
        wanted = self.recall(path, Offer(names, allowed, span))
        return next(i for i in allowed if equal(names[i], wanted))


@dataclass(slots=True)
class Space:
    """The candidates of a target. One that has no choice is a space of one candidate."""

    target: Target
    fixed: Mapping[str, Option] = field(default_factory=dict[str, Option])
    """Decisions that are taken for every candidate."""
    weigh: bool = False
    """Whether the memory of candidates is counted too."""
    _digests: Known = field(default_factory=dict[int, tuple[Module, str]], repr=False)
    _needs: Needs = field(default_factory=dict[NeedKey, tuple[Module, Need]], repr=False)

    def follow(self, choose: Choose, *, graph: bool = True) -> Candidate | Rejected:
        """The candidate whose decisions a function takes. Without its graph it has no hash, and costs half the time. A
        fault that is no rejection is raised: the space is wrong then."""
        try:
            return self._followed(choose, graph)
        except RecursionError:
            return with_deep_stack(lambda: self._followed(choose, graph))

    def candidate(self, genome: Genome) -> Candidate | Rejected:
        """The candidate of a genome; decisions that it leaves out take their first open option."""
        return self.complete(genome, None)

    def complete(self, wanted: Genome, rng: Random | None, *, graph: bool = True) -> Candidate | Rejected:
        """The candidate that takes what is wanted wherever that is reached and open; other decisions are drawn evenly
        among the open options, or are the first one of them where there is nothing to draw with."""
        return self.follow(lambda path, offer: wanted_option(wanted, path, offer, rng), graph=graph)

    def architecture(self, genome: Genome) -> str:
        """The candidate as a file that stands alone."""
        return resolved_source(self.target.program, self.target.name, self.target.settings, {**self.fixed, **genome})

    def _followed(self, choose: Choose, graph: bool) -> Candidate | Rejected:
        program = self.target.program
        walker = Walker(choose)
        session = Session(program.limits, chooser=walker, counting=not graph)
        session.remembered = program.modules
        session.inferred = cast("dict[tuple[object, ...], Inferred]", program.inferred)
        entry = entry_of(program, session, self.target.name, self.target.settings)
        decided = {**self.fixed, **dict(entry.decisions if isinstance(entry, Decided) else ())}
        walker.taken.update((path, "none" if value is None else cast(Value, value)) for path, value in decided.items())
        try:
            root = run_entry(session, entry, Span(program.unit.source, 0, 0))
        except Fault as fault:
            return _rejected(walker, (fault.diagnostic,))
        except ArchError as error:
            return _rejected(walker, error.diagnostics)
        frame, component, inputs, result = root.models[-1]
        found, memory = "", None
        if graph:
            module = finished(frame, component, inputs, result)
            found = digest(module, self._digests)
            memory = peak_bytes(module, self._needs) if self.weigh else None
        decisions = tuple(decision_of(path, walker.taken[path], offer) for path, offer in walker.offers.items())
        return Candidate(decisions, found, frame.body.parameters, frame.body.macs, root.names, memory)


def wanted_option(wanted: Genome, path: str, offer: Offer, rng: Random | None) -> Value:
    """The wanted option if it is open; else one that is drawn."""
    option = wanted.get(path, UNKNOWN)
    if offer.bounds is not None:
        low, high = offer.bounds
        if isinstance(option, int | float) and not isinstance(option, bool) and low <= option <= high:
            return float(option)
        return rng.uniform(low, high) if rng is not None else low
    open_options = [offer.names[i] for i in offer.allowed]
    if option is not UNKNOWN:
        for name in open_options:
            if equal(name, cast(Value, option)):
                return name
    return rng.choice(open_options) if rng is not None else open_options[0]


def decision_of(path: str, taken: Value, offer: Offer) -> Decision:
    """A decision as results have it."""
    return Decision(path, cast(Option, taken), cast("tuple[Option, ...]", offer.names), offer.allowed, offer.bounds)


def _rejected(walker: Walker, found: tuple[Diagnostic, ...]) -> Rejected:
    """Why the candidate is none; a fault of another kind is raised."""
    if any(diagnostic.code not in REJECTIONS for diagnostic in found):
        raise ArchError(found)
    told = (": ".join((diagnostic.title, *diagnostic.notes[:1])) for diagnostic in found)
    return Rejected("; ".join(told), cast(Genome, dict(walker.taken)))
