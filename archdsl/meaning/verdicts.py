"""What a whole space says beyond its parts: that no candidate is left, or hardly any, that an option is never taken, that a
decision is never reached."""

from collections.abc import Iterator

from archdsl.diagnostics import codes
from archdsl.diagnostics.record import Diagnostic, Label
from archdsl.diagnostics.suggest import closest
from archdsl.meaning.conditions import NEVER
from archdsl.meaning.roots import Root
from archdsl.meaning.run import Session, World, show_option
from archdsl.meaning.values import Component, Decided, Value
from archdsl.source import Span
from archdsl.syntax import nodes
from archdsl.syntax.descent import below

NEARLY_EMPTY = 0.01


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
    for at, path, value in _dead_options(world):
        title = f"no candidate can take the option {show_option(value)} of `{path}`"
        session.add(codes.DEAD_OPTION.at(at, title, "never taken"))


def _dead_options(world: World) -> Iterator[tuple[Span, str, Value]]:
    """Options that no site of their text can take. A text that is reached several times needs to be useful only once."""
    universe = world.universe
    lives: set[tuple[Span, Value]] = set()
    options: dict[tuple[Span, Value], tuple[Span, str, Value]] = {}
    for number, site in enumerate(world.sites):
        for option, value in enumerate(site.names):
            key = (site.span, value)
            options[key] = (site.options[option] if option < len(site.options) else site.span, site.path, value)
            if universe.both(world.alive, universe.taken(number, option)) != NEVER:
                lives.add(key)
    return (
        options[key]
        for key in options
        if key not in lives and not any(s.of_size for s in world.sites if s.span == key[0])
    )


def _unreached(session: Session, world: World, entry: Decided, span: Span) -> None:
    known = [*session.reached, *(site.path for site in world.sites if site.path)]
    for path, _ in entry.decisions:
        if path in session.reached:
            continue
        near = closest(path, known)
        note = f"a decision with a similar name exists: `{near}`" if near else "the other decisions may have closed it"
        at = session.decided_at[path][0] if path in session.decided_at else span
        session.add(
            codes.UNKNOWN_DECISION.at(
                at, f"`{path}` is no decision of `{entry.name}`", "decided, but never reached", notes=(note,)
            )
        )


def empty(span: Span, name: str, rejection: Diagnostic | None) -> Diagnostic:
    """The message for a space without candidates."""
    others = (Label(rejection.primary.span, "the last candidates fail here"),) if rejection is not None else ()
    notes = rejection.notes if rejection is not None else ()
    closed = rejection is not None and rejection.code == codes.NO_OPTIONS.name
    why = "a choice of it has no open option" if closed else "its requirements exclude each other"
    return codes.EMPTY_SPACE.at(span, f"the space `{name}` has no valid candidate", why, others=others, notes=notes)


def decided_at(node: nodes.Node) -> dict[str, tuple[Span, Span]]:
    """Where a text such as `decide(space, [("width", 64)])` writes each path and its value."""
    found: dict[str, tuple[Span, Span]] = {}
    for part in below(node):
        if isinstance(part, nodes.Tuple) and len(part.items) == 2 and isinstance(part.items[0], nodes.String):
            found.setdefault(part.items[0].value, (part.items[0].span, part.items[1].span))
    return found
