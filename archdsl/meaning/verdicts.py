"""What a whole space says beyond its parts: that no candidate is left, or hardly any, that an option is never taken,
that a decision is never reached."""

from dataclasses import dataclass, field

from archdsl.diagnostics import codes
from archdsl.diagnostics.record import Diagnostic, Edit, Fix, Label
from archdsl.diagnostics.suggest import closest
from archdsl.meaning.conditions import NEVER, Condition, TooManyConditions
from archdsl.meaning.roots import Root, run_entry
from archdsl.meaning.run import Session, TooManyCases, show_option
from archdsl.meaning.values import Component, Decided, Value
from archdsl.meaning.worlds import World
from archdsl.source import Span
from archdsl.syntax import nodes
from archdsl.syntax.descent import below

NEARLY_EMPTY = 0.01
MOST_LISTED = 6


def judge(session: Session, root: Root, entry: Component | Decided, span: Span, name: str) -> None:
    """Report what is wrong or odd about the candidates as a whole."""
    world = root.world
    if isinstance(entry, Decided):
        _unreached(session, world, entry, span)
    if world.alive == NEVER:
        has_choices = any(not site.of_size for site in world.sites)
        rejection = world.rejection
        session.add(rejection if rejection is not None and not has_choices else empty(span, name, rejection))
        return
    if world.kept < NEARLY_EMPTY:
        title = f"the requirements of `{name}` reject {100 * (1 - world.kept):.4g} % of its candidates"
        note = "say what may not be chosen by `when`, beside the option: then no candidate has to be thrown away"
        session.add(codes.NEARLY_EMPTY.at(span, title, "hardly any is left", notes=(note,)))
        return
    for options in _dead_options(world):
        session.add(_dead(world, options))


@dataclass(slots=True)
class Option:
    """An option as it is written, with the sites that reach it."""

    at: Span
    path: str
    value: Value
    count: int
    taken: list[Condition] = field(default_factory=list[Condition])


def _dead_options(world: World) -> list[list[Option]]:
    """Options that no site of their text can take, those of one place together. A text that is reached several times
    needs to be useful only once."""
    universe = world.universe
    options: dict[tuple[Span, Value], Option] = {}
    of_size = {site.span for site in world.sites if site.of_size}
    for number, site in enumerate(world.sites):
        for option, value in enumerate(() if site.sampled else site.names):
            at = site.options[option] if option < len(site.options) else site.span
            found = options.setdefault((site.span, value), Option(at, site.path, value, len(site.names)))
            found.taken.append(universe.both(site.met, universe.taken(number, option)))
    dead: dict[Span, list[Option]] = {}
    for (site_span, _), option in options.items():
        if site_span not in of_size and all(universe.both(world.alive, c) == NEVER for c in option.taken):
            dead.setdefault(option.at, []).append(option)
    return list(dead.values())


def _dead(world: World, options: list[Option]) -> Diagnostic:
    """The message for options of one place that no candidate takes, with what rejects them."""
    universe, first = world.universe, options[0]
    taken = [condition for option in options for condition in option.taken]
    if len(options) == 1:
        title = f"no candidate can take the option {show_option(first.value)} of `{first.path}`"
    else:
        shown = ", ".join(show_option(option.value) for option in options[:MOST_LISTED])
        more = ", ..." if len(options) > MOST_LISTED else ""
        title = f"no candidate can take {len(options)} of the {first.count} options of `{first.path}`: {shown}{more}"
    if all(universe.both(world.open, condition) == NEVER for condition in taken):
        return codes.DEAD_OPTION.at(first.at, title, "its `when` never holds")
    by = [span for gone, span in world.rejected if any(universe.both(gone, condition) != NEVER for condition in taken)]
    others = tuple(Label(span, "by this") for span in list(dict.fromkeys(by))[:3])
    each = "each candidate with it is rejected" if len(options) == 1 else "each candidate with them is rejected"
    return codes.DEAD_OPTION.at(first.at, title, each if others else "never taken", others=others)


def _unreached(session: Session, world: World, entry: Decided, span: Span) -> None:
    """Decisions that the space does not have, or that the other decisions close."""
    known = [*session.reached, *(site.path for site in world.sites if site.path)]
    for path, value in entry.decisions:
        if path in session.reached:
            continue
        at = session.decided_at[path][0] if path in session.decided_at else span
        if _reaches(session, entry, ((path, value),), path, span):
            closed = _closed(session, entry, path, at, span)
            if closed is not None:
                session.add(closed)
            continue
        near = closest(path, known)
        notes = (f"a decision with a similar name exists: `{near}`",) if near else ()
        quoted = near is not None and at.text == f'"{path}"'
        fixes = (Fix(f"write `{near}`", (Edit(at, f'"{near}"'),), safe=False),) if quoted else ()
        title = f"`{path}` is no decision of `{entry.name}`"
        session.add(codes.UNKNOWN_DECISION.at(at, title, "never reached", notes=notes, fixes=fixes))


def _closed(session: Session, entry: Decided, path: str, at: Span, span: Span) -> Diagnostic | None:
    """The message for a decision that another one closes; none where that one was told to be wrong already."""
    for other, _ in entry.decisions:
        rest = tuple(decision for decision in entry.decisions if decision[0] != other)
        if other != path and other in session.decided_at and _reaches(session, entry, rest, path, span):
            name, value = session.decided_at[other]
            if (codes.UNKNOWN_OPTION.name, value) in session.findings:
                return None
            others = (Label(name.to(value), "this leaves no place for it"),)
            break
    else:
        others = ()
    return codes.UNKNOWN_DECISION.at(
        at, f"`{path}` is not reached by these decisions", "decided, but never reached", others=others
    )


def _reaches(session: Session, entry: Decided, decisions: tuple[tuple[str, Value], ...], path: str, span: Span) -> bool:
    """Whether the space, with these decisions alone, comes by the decision at `path`."""
    trial = Session(session.limits, checking=True, applied=session.applied, inferred=session.inferred)
    try:
        run_entry(trial, Decided(entry.space, decisions), span)
    except (TooManyCases, TooManyConditions, RecursionError):
        return False
    return path in trial.reached


def empty(span: Span, name: str, rejection: Diagnostic | None) -> Diagnostic:
    """The message for a space without candidates."""
    others = (Label(rejection.primary.span, "the last candidates fail here"),) if rejection is not None else ()
    notes = rejection.notes if rejection is not None else ()
    closed = rejection is not None and rejection.code == codes.NO_OPTIONS.name
    why = "a choice of it has no open option" if closed else "every candidate fails a requirement"
    return codes.EMPTY_SPACE.at(span, f"the space `{name}` has no valid candidate", why, others=others, notes=notes)


def decided_at(node: nodes.Node) -> dict[str, tuple[Span, Span]]:
    """Where a text such as `decide(space, [("width", 64)])` writes each path and its value."""
    found: dict[str, tuple[Span, Span]] = {}
    for part in below(node):
        if isinstance(part, nodes.Tuple) and len(part.items) == 2 and isinstance(part.items[0], nodes.String):
            found.setdefault(part.items[0].value, (part.items[0].span, part.items[1].span))
    return found
