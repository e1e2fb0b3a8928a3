"""The first candidate of a space: of those that every `require` allows, the one whose options the text writes first."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import cast

from archdsl.diagnostics import codes
from archdsl.diagnostics.record import ArchError, UsageError
from archdsl.meaning.check import with_deep_stack
from archdsl.meaning.decisions import Offer
from archdsl.meaning.program import Program, Settings, entry_of
from archdsl.meaning.roots import run_entry
from archdsl.meaning.run import Fault, Session
from archdsl.meaning.values import UNKNOWN, Decided, Value
from archdsl.source import Span
from archdsl_compiler.ops.contract import Inferred

MOST_TRIES = 2_000
REJECTIONS = (codes.REQUIREMENT.name, codes.NO_OPTIONS.name)


@dataclass(slots=True)
class Counting:
    """Takes the first open option of each choice, but where a rejected candidate said to go on: like a counter whose
    last digit moves first."""

    decided: Mapping[str, Value]
    begin: dict[str, int] = field(default_factory=dict[str, int])
    taken: dict[str, tuple[int, int, Value]] = field(default_factory=dict[str, tuple[int, int, Value]])

    def recall(self, path: str, offer: Offer | None = None) -> Value:
        if path in self.taken:
            return self.taken[path][2]
        return self.decided.get(path, UNKNOWN)

    def __call__(self, path: str, names: tuple[Value, ...], allowed: tuple[int, ...], span: Span) -> int:
        if path in self.decided:
            return next((i for i in allowed if names[i] == self.decided[path]), allowed[0])
        position = min(self.begin.get(path, 0), len(allowed) - 1)
        self.taken[path] = position, len(allowed), names[allowed[position]]
        return allowed[position]

    def advance(self) -> bool:
        """Go on to the next candidate; False where there is none."""
        order = list(self.taken.items())
        self.taken.clear()
        while order:
            path, (position, options, _) = order.pop()
            if position + 1 < options:
                self.begin = {earlier: place for earlier, (place, _, _) in order} | {path: position + 1}
                return True
        return False


def first_candidate(program: Program, name: str, settings: Settings | None = None) -> dict[str, Value]:
    """Its genome. A fault that is no rejection is raised, as for any candidate."""

    def work() -> dict[str, Value]:
        chooser = Counting({})
        for _ in range(MOST_TRIES):
            session = Session(program.limits, chooser=chooser)
            session.remembered = program.modules
            session.inferred = cast("dict[tuple[object, ...], Inferred]", program.inferred)
            entry = entry_of(program, session, name, settings or {})
            if isinstance(entry, Decided):
                chooser.decided = dict(entry.decisions)
            try:
                run_entry(session, entry, Span(program.unit.source, 0, 0))
                return {path: value for path, (_, _, value) in chooser.taken.items()}
            except Fault as fault:
                found = (fault.diagnostic,)
            except ArchError as error:
                found = error.diagnostics
            if any(diagnostic.code not in REJECTIONS for diagnostic in found) or not chooser.advance():
                raise ArchError(found)
        raise UsageError(f"none of the first {MOST_TRIES:,} candidates of `{name}` meets its requirements; give one")

    try:
        return work()
    except RecursionError:
        return with_deep_stack(work)
